#!/bin/bash
# SPDX-License-Identifier: MIT
# test-lttng-loss.sh TRACETOOL INCLUDE TRACKWAY: what a real LTTng session could
# not keep is told as lost: events of a buffer that is full, and packets of one
# that is overwritten. Its consumer is stopped meanwhile, so that it is lost
# whatever the machine is busy with.
set -u
# shellcheck source=tests/cli/private-lttng.sh
. "$(dirname "$(realpath "$0")")/../private-lttng.sh"
tracetool=$(realpath "$1")
include=$(realpath "$2")
trackway=$(realpath "$3")
private_lttng "$tracetool" "$include" "$trackway" "${@:4}"

work=$(mktemp -d)
consumer=
finish() {
    [ -z "$consumer" ] || kill -CONT "$consumer"
    stop_lttng
    rm -rf "$work"
}
trap finish EXIT
cd "$work" || exit 1
failed=0

fail() {
    echo "FAILED: $1"
    failed=1
}

events=20000
echo 'ust_count(int n) "%d"' >events
cat >user.c <<END
#include <stdio.h>
#include <unistd.h>
#include "trace.h"
static int wait_for_byte(void)
{
    char byte;
    return read(0, &byte, 1) == 1;
}
int main(void)
{
    /* The buffers are there once an event is on. */
    while (!trace_ust_count_enabled())
        usleep(10000);
    for (int i = 0; i < 2000; i++)
        trace_ust_count(i);
    puts("ready");
    fflush(stdout);
    wait_for_byte();
    for (int i = 2000; i < $events; i++)
        trace_ust_count(i);
    puts("done");
    fflush(stdout);
    return !wait_for_byte();
}
END
build_ust "$tracetool" "$include" || {
    fail "there is no program"
    exit 1
}

start_lttng "$work"

# consumer_of PID: the daemon's child that takes events out of the buffers.
consumer_of() {
    local child

    for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
        case $(cat "/proc/$child/comm" 2>/dev/null) in
        lttng-consumer*) echo "$child" ;;
        esac
        consumer_of "$child"
    done
}

# record NAME OPTION: a session with a small buffer of that kind, by one thread.
record() {
    local answer

    if ! lttng --no-sessiond create "$1" --output="$work/$1" >lttng.log 2>&1
    then
        echo "skipped: no LTTng session here: $(tail -n 1 lttng.log)"
        exit 77
    fi
    lttng --no-sessiond enable-channel --userspace "$2" --subbuf-size=4096 \
        --num-subbuf=4 small >>lttng.log 2>&1 || fail "$1: enable-channel"
    lttng --no-sessiond enable-event --userspace --channel=small 'mine:*' \
        >>lttng.log 2>&1 || fail "$1: enable-event"
    lttng --no-sessiond start >>lttng.log 2>&1 || fail "$1: start"
    coproc program { taskset -c "$(cpu)" ./program; }
    read -r answer <&"${program[0]}"
    [ "$answer" = ready ] || fail "$1: the program is not ready"
    # Some packet has been taken: what is missing is behind it.
    for _ in {1..1000}; do
        [ -z "$(find "$1" -name 'small_*' -size +1k ! -path '*/index/*')" ] ||
            break
        sleep 0.05
    done
    consumer=$(consumer_of "$lttng_daemon" | head -n 1)
    [ -n "$consumer" ] || fail "$1: no consumer"
    kill -STOP "$consumer"
    echo >&"${program[1]}"
    read -r answer <&"${program[0]}"
    [ "$answer" = "done" ] || fail "$1: the program is not done"
    kill -CONT "$consumer"
    consumer=
    echo >&"${program[1]}"
    # shellcheck disable=SC2154 # coproc sets it
    wait "$program_PID" 2>/dev/null
    lttng --no-sessiond stop >>lttng.log 2>&1 || fail "$1: stop"
    lttng --no-sessiond destroy --all >>lttng.log 2>&1
}

# One that this test may run on: its buffer is the one that counts.
cpu() {
    taskset -cp $$ | sed -E 's/.*: ([0-9]+).*/\1/'
}

# number NAME FILE: of the only producer.
number() {
    python3 -c 'import json, sys
producer, = json.load(open(sys.argv[2]))["producers"]
print(producer[sys.argv[1]])' "$1" "$2"
}

record full --discard
if ! "$trackway" stat --json full >stat 2>err &&
    grep -q 'without libbabeltrace2' err; then
    echo "skipped: built without libbabeltrace2"
    exit 77
fi
[ ! -s err ] || fail "full: $(cat err)"
seen=$(number count stat)
lost=$(number lost stat)
[ "$seen" -gt 0 ] || fail "full: no event was kept"
[ "$lost" -gt 0 ] || fail "full: nothing is lost"
[ $((seen + lost)) = $events ] ||
    fail "full: $seen events and $lost lost are not $events"
"$trackway" print full >out 2>err
told=$(sed -nE 's/^--- ([0-9]+) events? lost.*/\1/p' out err |
    awk '{ sum += $1 } END { print sum + 0 }')
[ "$told" = "$lost" ] || fail "full: print tells of $told lost, not $lost"

record overwritten --overwrite
"$trackway" stat --json overwritten >stat 2>err
seen=$(number count stat)
lost=$(number lost stat)
[ "$seen" -gt 0 ] || fail "overwritten: no event was kept"
[ "$seen" -lt $events ] || fail "overwritten: every event was kept"
[ "$lost" -gt 0 ] || fail "overwritten: nothing is lost"
grep -q "$lost packets of events are missing" err ||
    fail "overwritten: not $lost packets: $(cat err)"
exit $failed
