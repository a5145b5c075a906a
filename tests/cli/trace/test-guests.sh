#!/bin/bash
# SPDX-License-Identifier: MIT
# Recording, printing and counting rings in guests' memories: rings that come,
# are reset, go with their machine. A program plays the machine (player.c).
# shellcheck source=tests/cli/trace/lib-trace.sh disable=SC1091,SC2154
. "${0%/*}/lib-trace.sh"
player=$(realpath "$5")
events=$(realpath "${0%/*}/trace-events")
cd "$directory" || exit 1
players=0

# Start player with these arguments; its pid in pid. What is told goes to it.
start_player()
{
    local tries

    players=$((players + 1))
    mkfifo "in.$players"
    : >"out.$players"
    "$player" "$@" <"in.$players" >"out.$players" &
    pid=$!
    children+=("$pid")
    exec {to}>"in.$players"
    # Until then it is this shell, whose memory another one takes the place of.
    for ((tries = 0; tries < 3000; tries++)); do
        [ "$(readlink "/proc/$pid/exe")" == "$player" ] && break
        sleep 0.01
    done
    from=out.$players
    answers=0
}

# Tell the player something, and wait for its answer: what it is to be.
tell()
{
    local tries

    echo "$1" >&"$to"
    answers=$((answers + 1))
    for ((tries = 0; tries < 3000; tries++)); do
        [ "$(wc -l <"$from")" -ge "$answers" ] && break
        sleep 0.01
    done
    expect_equal "$(sed -n "${answers}p" "$from")" "$2"
}

end_player()
{
    echo quit >&"$to"
    exec {to}>&-
    wait "$pid"
}

# The last event of what print --json wrote was in the last minute.
expect_recent()
{
    local ns

    ns=$(($(date +%s%N) - $(sed -n '$s/.*"time_ns":\([0-9]*\).*/\1/p' "$1")))
    ((ns >= 0 && ns < 60000000000)) ||
        fail "an event of just now is $ns ns ago: $(tail -n 1 "$1")"
}

start_recorder()
{
    "$trackway" record "$@" 2>stderr &
    recorder=$!
    children+=("$recorder")
}

end_recorder()
{
    if [ $# -eq 0 ]; then
        wait "$recorder"
    else
        end_by "$1" "$recorder"
    fi
    status=$? err=$(cat stderr)
}

# Until the directory is there.
wait_for_directory()
{
    local tries

    for ((tries = 0; tries < 3000; tries++)); do
        [ -d "$1" ] && return
        sleep 0.01
    done
    fail "no $1"
}

# Follow a target, its lines in followed; returns once it does. The player is
# told to emit for that, and how many events it has emitted is in warmed_up.
start_follower()
{
    rm -f followed
    : >followed
    "$trackway" print -f "$@" >>followed 2>follow-err &
    follower=$!
    children+=("$follower")
    for ((warmed_up = 1; warmed_up < 3000; warmed_up++)); do
        tell 'emit 1' emitted
        sleep 0.02
        [ -s followed ] && return
    done
    fail "nobody follows"
}

# Every event that is printed is one that was emitted: its check is right, and
# it is of this boot; and they are in order. DIR, boot.
expect_sound()
{
    "$trackway" print "$1" 2>/dev/null |
        sed 's/.*thread=\([0-9]*\) n=\([0-9]*\) check=\(0x[0-9a-f]*\)$/\1 \2 \3/' \
            >sound
    python3 - "$2" sound <<'END' || fail "$1 has events of its own"
import sys
last = -1
for line in open(sys.argv[2]):
    boot, n, check = line.split()
    assert boot == sys.argv[1], line
    assert int(check, 16) == (int(n) * 2654435761 ^ int(boot)) % 2 ** 64, line
    assert int(n) > last, line
    last = int(n)
END
}

# ---- A machine whose firmware is still to come, is reset, and ends ----

start_player - 0x100000 65536 firmware
start_recorder -o epochs "vm:$pid"
sleep 0.2
[ -s stderr ] && fail "it does not wait"
tell boot booted
tell wait on
wait_for_events epochs 0
tell 'emit 1000' emitted
wait_for_events epochs 1000
tell boot booted
tell wait on
tell 'emit 500' emitted
wait_for_events epochs 1500
# Not even the magic is left.
tell clear cleared
tell boot booted
tell wait on
tell 'emit 50' emitted
wait_for_events epochs 1550
end_player
end_recorder
expect_status 0
expect_equal "$(sed "s/$pid/PID/" stderr)" \
"trackway: vm:PID: a new ring: firmware, in epochs/firmware-epoch1
trackway: vm:PID: reset: firmware, epoch 2, in epochs/firmware-epoch2
trackway: vm:PID: reset: firmware, epoch 3, in epochs/firmware-epoch3
trackway: 1550 events, 0 lost, from 3 producers in epochs"
for epoch in 1 2 3; do
    expect_sound "epochs/firmware-epoch$epoch" "$epoch"
done
expect_babeltrace epochs 1550
grep -q 'epoch = 2;' epochs/firmware-epoch2/metadata || fail "no epoch in CTF"
run print epochs
expect_equal "$(wc -l <<<"$out")" 1550
expect_equal "$err" "--- reset: firmware, epoch 2 ---
--- reset: firmware, epoch 3 ---"
expect_equal "$(grep -c ' firmware-epoch3 ' <<<"$out")" 50
run print --json epochs
expect_equal "$(grep -c '"epoch":2,.*"event":' <<<"$out")" 500
out=$(grep '"reset"' <<<"$out" | sed 's/:[0-9]\{9,\}/:T/')
expect_out '{"time_ns":T,"producer":"firmware","pid":0,"epoch":2,"reset":true,"generation":*}
{"time_ns":T,"producer":"firmware","pid":0,"epoch":3,"reset":true,"generation":*}'
run stat --json epochs/firmware-epoch2
[[ $out == *'"epoch":2,"generation":'*'"complete":true,'*'"count":500,'* ]] ||
    fail "stat knows no epoch"

# What comes while nobody has found it yet is not lost.
start_player - 4096 65536 early
start_recorder -o early "vm:$pid"
wait_for_directory early
tell on booted
tell 'emit 100' emitted
wait_for_events early 100
end_player
end_recorder
expect_equal "$(recorded)" '100 0'

# A process that is to become the machine: its memory is another one by then.
mkfifo in.0
(read -r _ && exec "$player" - 4096 65536 became) <in.0 >out.0 &
pid=$!
children+=("$pid")
exec {to}>in.0
from=out.0 answers=0
start_recorder -o became "vm:$pid"
wait_for_directory became
echo >&"$to"
tell boot booted
tell wait on
tell 'emit 10' emitted
wait_for_events became 10
end_player
end_recorder
expect_equal "$(recorded)" '10 0'

# A reset in the midst of events: what is there is right, and of one epoch.
start_player - 4096 32768 busy
tell boot booted
start_recorder -o busy "vm:$pid"
for boot in 1 2 3 4 5 6; do
    tell wait on
    tell 'emit 30000' emitted
    # The last magic, then all of the memory, goes before the next one comes.
    [ "$boot" -eq 3 ] && tell poke poked
    [ "$boot" -eq 4 ] && tell clear cleared
    [ "$boot" -eq 6 ] || tell boot booted
done
end_player
end_recorder
expect_status 0
for boot in 1 2 3 4 5 6; do
    expect_sound "busy/busy-epoch$boot" "$boot"
done
read -r events_read lost <<<"$(recorded)"
[ "$events_read" -gt 0 ] || fail "nothing was recorded"
[ $((events_read + lost)) -le 180000 ] || fail "more than there was"
if command -v babeltrace2 >/dev/null; then
    for boot in 1 2 3 4 5 6; do
        babeltrace2 "busy/busy-epoch$boot" >bt 2>complaints || fail "unreadable"
        expect_equal "$(wc -l <bt)" \
            "$("$trackway" print "busy/busy-epoch$boot" 2>/dev/null | wc -l)"
    done
fi

# A ring that discards what it has no room for: pages are given back, and every
# event is recorded or counted. The same in shared memory, which is mapped.
truncate -s 1M small
for memory in - small; do
    export PLAYER_DISCARD=1
    start_player "$memory" 4096 32768 full
    unset PLAYER_DISCARD
    tell boot booted
    target=vm:$pid
    [ "$memory" = - ] || target=ram:small
    start_recorder -o "full$memory" "$target"
    tell wait on
    tell 'emit 100000' emitted
    told=100000
    while [ "$told" -lt 900000 ]; do
        tell 'emit 500' emitted
        told=$((told + 500))
        "$trackway" print "full$memory" 2>/dev/null | tail -n 1 | grep -q \
            'n=[1-9][0-9]\{5\} ' && break
        sleep 0.01
    done
    end_recorder TERM
    end_player
    expect_status 0
    read -r events_read lost <<<"$(recorded)"
    expect_equal "$((events_read + lost))" "$told"
    [ "$lost" -gt 0 ] || fail "nothing was discarded"
    expect_sound "full$memory" 1
    run print "full$memory"
    [[ $(tail -n 1 <<<"$out") == *' n='[1-9]?????' '* ]] ||
        fail "pages are not given back"
done

# ---- Several rings, some by name; switched back in the end ----

truncate -s 8M ram
start_player ram 65536 65536 one
one_to=$to one_from=$from one_answers=$answers
tell boot booted
tell 'emit 3' emitted
one_answers=$answers
start_player ram 0x200000 65536 two
tell boot booted
start_recorder -o both ram:ram
tell wait on
two_to=$to two_from=$from two_answers=$answers
to=$one_to from=$one_from answers=$one_answers
tell wait on
tell 'emit 100' emitted
one_answers=$answers
to=$two_to from=$two_from answers=$two_answers
tell 'emit 200' emitted
wait_for_events both 300
end_recorder TERM
expect_status 0
expect_err 'trackway: 300 events, 0 lost, from 2 producers in both'
expect_equal "$(ls both | tr '\n' ' ')" 'one-epoch1 two-epoch1 '
expect_babeltrace both 300
run print ram:ram
expect_equal "$(wc -l <<<"$out")" 300
expect_equal "$(grep -c ' two ' <<<"$out")" 200
run print ram:ram/one
expect_equal "$(wc -l <<<"$out")" 100
run stat --json ram:ram/two
[[ $out == *'"name":"two"'*'"count":200,'* && $out != *'"one"'* ]] ||
    fail "stat of one ring"
# Off again: nothing is written any more.
tell 'emit 10' emitted
run stat --json ram:ram/two
[[ $out == *'"count":200,'* ]] || fail "events are left on"
# Only that one.
start_recorder -o only --history ram:ram/two
tell wait on
tell 'emit 7' emitted
wait_for_events only 207
end_recorder TERM
expect_err 'trackway: 207 events, 0 lost, from 1 producer in only'
# An image: what it holds, and at once.
cp ram image
run record -o image-of image:image
expect_status 0
expect_err 'trackway: 307 events, 0 lost, from 2 producers in image-of'
expect_babeltrace image-of 307
# Recorded in no time, its clock still has the rate that it has when printed.
seconds()
{
    run stat --json "$@"
    sed -n 's/.*"seconds":\([0-9.]*\).*/\1/p' <<<"$out"
}
printed=$(seconds image:image/two)
recorded=$(seconds image-of/two-*)
awk "BEGIN { exit !($printed > 0 && $recorded > $printed * 0.99 &&
                    $recorded < $printed * 1.01) }" ||
    fail "$printed seconds of a dump are $recorded, recorded"
run print image:image/two
expect_equal "$(wc -l <<<"$out")" 207

# ---- Following ----

run enable ram:ram/two count
start_follower --json ram:ram/two
tell on booted
wait_for followed '"reset":true'
tell 'emit 20' emitted
wait_for followed '"thread":2,"n":19,'
# Nothing was there to tell its clock by before these: their time is now.
expect_recent followed
first=$follower
mv followed followed-json
start_follower ram:ram
tell on booted
wait_for follow-err 'reset: two, epoch'
tell 'emit 20' emitted
wait_for followed 'thread=3 n=19 '
wait_for followed-json '"thread":3,"n":19,'
end_by TERM "$first"
end_by TERM "$follower"
expect_equal "$(grep -c '"event":"count".*"thread":3,' followed-json)" 20
expect_equal "$(grep -c '"event":"count".*"thread":2,' followed-json)" \
    $((20 + warmed_up))
expect_equal "$(grep -c ' two[^ ]* .*thread=3 ' followed)" 20
end_player

# ---- One of several rings: ended, lying, at its last count ----

truncate -s 4M pair
start_player pair 65536 65536 one
one_to=$to one_from=$from
tell on booted
one_answers=$answers
start_player pair 0x200000 65536 two
tell on booted
two_to=$to two_from=$from two_answers=$answers
to=$one_to from=$one_from answers=$one_answers
tell stop stopped
run disable ram:pair '*'
expect_status 0
expect_out '3 events off'
expect_err 'trackway: ram:pair/0x10000: its producer has ended, or begun again'
run disable ram:pair/one '*'
expect_status 1
expect_err 'trackway: ram:pair/0x10000: its producer has ended, or begun again'
tell on booted
start_follower ram:pair
wait_for followed ' one.*n='
tell groups lied
sleep 0.3
one_answers=$answers
to=$two_to from=$two_from answers=$two_answers
tell on booted
tell 'emit 20' emitted
wait_for followed ' two.*n=19 '
end_by TERM "$follower"
tell last counted
start_recorder -o last ram:pair/two
wait_for_directory last/two-epoch4294967295
tell on booted
tell 'emit 5' emitted
wait_for_events last 5
end_recorder TERM
end_player
expect_equal "$(ls last | tr '\n' ' ')" \
    'two-epoch4294967295 two-epoch4294967295.2 '

# More pages than anybody could look at in time.
truncate -s 300M wide
start_player wide 4096 65536 wide
tell on booted
run stat ram:wide
expect_status 0
tell pages split
run stat ram:wide
expect_status 1
expect_err 'trackway: ram:wide: no usable ring: it has more pages than can be *'
end_player

# ---- What is known of a file of RAM: who has it ----

truncate -s 1M mapped
start_player mapped 4096 65536 mapped
tell on booted
run list --json ram:mapped
expect_status 0
expect_out '*"state":"running"*'
# A reader has it too, and runs no guest.
rm followed
: >followed
"$trackway" print -f --history ram:mapped >>followed 2>follow-err &
follower=$!
children+=("$follower")
tell 'emit 5' emitted
wait_for_lines followed 5
kill -9 "$pid"
wait "$pid" 2>/dev/null
exec {to}>&-
run list ram:mapped
expect_status 0
# Not everybody may look at all processes.
[[ $out == *" orphan "* || $out == *" unknown "* ]] ||
    fail "a guest that was killed"
end_by TERM "$follower"
run print ram:mapped
expect_equal "$(wc -l <<<"$out")" 5

# ---- Times ----

start_player - 4096 65536 timed
tell on booted
before=$(date +%s%N)
tell 'pause 300' emitted
after=$(date +%s%N)
run print --json "vm:$pid"
expect_equal "$(wc -l <<<"$out")" 300
# Its last event just when it was seen, and the rate of the host's own clock: as
# long as it took, and not before it happened.
python3 - "$before" "$after" <<END || fail "its times are not those of its events"
import json, sys
before, after = int(sys.argv[1]), int(sys.argv[2])
times = [json.loads(line)["time_ns"] for line in """$out""".splitlines()]
assert times == sorted(times)
assert before <= times[0]
assert 0.3e9 <= times[-1] - times[0] <= after - before, (times[0], times[-1])
END
end_player

# Recorded: by the host's clock of the same kind, or by the sightings alone.
for own in '' 1; do
    if [ "$own" ]; then
        export PLAYER_OWN_CLOCK=1
    fi
    start_player - 4096 65536 timed
    unset PLAYER_OWN_CLOCK
    tell boot booted
    start_recorder -o "timed$own" "vm:$pid"
    tell wait on
    before=$(date +%s%N)
    tell 'pause 500' emitted
    after=$(date +%s%N)
    wait_for_events "timed$own" 500
    if [ "$own" ]; then
        # While events come, a look of a moment tells the rate.
        tell flow flowing
        run print "vm:$pid"
        expect_status 0
        expect_equal "$err" ''
    fi
    end_player
    end_recorder
    run print --json "timed$own/timed-epoch1"
    out=$(head -n 500 <<<"$out")
    python3 - "$before" "$after" <<END || fail "its recorded times are not right"
import json, sys
before, after = int(sys.argv[1]), int(sys.argv[2])
times = [json.loads(line)["time_ns"] for line in """$out""".splitlines()]
assert len(times) == 500
assert times == sorted(times)
took = times[-1] - times[0]
assert before - took * 0.1 <= times[0]
assert 0.5e9 * 0.9 <= took <= (after - before) * 1.1, (took, after - before)
END
done

# ---- Rings without a schema ----

export PLAYER_NO_SCHEMA=1
start_player - 4096 65536 bare
unset PLAYER_NO_SCHEMA
tell on booted
tell 'emit 30' emitted
for command in 'record -o bare' print stat; do
    # shellcheck disable=SC2086
    run $command "vm:$pid"
    expect_status 1
    expect_err "trackway: vm:$pid/0x*: it has no schema: say --schema FILE*"
done
[ ! -e bare ] || fail "a directory was made for nothing"
run print --schema "$events" "vm:$pid"
expect_equal "$(tail -n 1 <<<"$out" | sed 's/.*count/count/')" \
    "$(printf 'count thread=1 n=29 check=0x%x' $((29 * 2654435761 ^ 1)))"
start_recorder -o bare --history --schema "$events" "vm:$pid"
wait_for_events bare 30
end_player
end_recorder
expect_err 'trackway: 30 events, 0 lost, from 1 producer in bare'
expect_babeltrace bare 30
expect_sound bare 1

# ---- Nothing there ----

start_player - 4096 65536 none
run print "vm:$pid"
expect_status 1
expect_err "trackway: vm:$pid: no ring found"
run record -o none --seconds 1 "vm:$pid"
expect_status 1
expect_err "trackway: vm:$pid: no ring found"
[ ! -e none ] || fail "an empty directory is left"
tell on booted
run record -o none -e 'nothing*' "vm:$pid"
expect_status 1
expect_err "trackway: no event matches 'nothing\*'"
end_player
run record -o none "vm:$dead"
expect_status 1
run record -o none --schema no-such-file image:image
expect_status 1
run print --schema "$events" timed
expect_status 1
expect_err 'trackway: --schema: no target is a guest*'
run record -o none --schema "$events" -- true
expect_status 2
[ ! -e none ] || fail "a directory was made for nothing"
