#!/bin/bash
# SPDX-License-Identifier: MIT
# test-ust.sh TRACETOOL INCLUDE TRACKWAY: a real LTTng session records the events
# of backend ust, and babeltrace2 and trackway print their values.
set -u
# shellcheck source=tests/cli/private-lttng.sh
. "$(dirname "$(realpath "$0")")/../private-lttng.sh"
tracetool=$(realpath "$1")
include=$(realpath "$2")
trackway=$(realpath "$3")
private_lttng "$tracetool" "$include" "$trackway" "${@:4}"

work=$(mktemp -d)
finish() {
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

# has FILE TEXT
has() {
    grep -qF -- "$2" "$1" || fail "'$2' is not in $1"
}

cat >events <<'END'
ust_none(void) ""
ust_ints(int8_t a, uint16_t b, int c, uint64_t d, bool e) "%d %u %d %" PRIu64 " %d"
ust_text(const char *self, const char *null, void *p) "%s %s %p"
ust_ten(int a, int b, int c, int d, int e, int f, int g, int h, int i, uint64_t j) "%d"
ust_bytes(const uint8_t data[size], int size, const char mac[3], double f) "%s %d %s %g"
loglevel=err ust_error(int code) "%d"
ust_unwanted(int a) "%d"
disable ust_off(int a) "%d"
END
cat >user.c <<'END'
#include <stdio.h>
#include <unistd.h>
#include "trace.h"
static void show(void)
{
    printf("enabled %d%d%d\n", trace_ust_ints_enabled(),
           trace_ust_unwanted_enabled(), trace_ust_off_enabled());
    fflush(stdout);
}
int main(int argc, char *argv[])
{
    show();
    if (argc > 1) {
        /* Until the test has listed the events. */
        char byte;
        return read(0, &byte, 1) != 0 || !argv[1];
    }
    trace_ust_none();
    trace_ust_ints(-100, 65535, -70000, 0xfedcba9876543210u, true);
    trace_ust_text("seen by LTTng", NULL, (void *)0x1234);
    trace_ust_ten(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    trace_ust_bytes((const uint8_t *)"\1\2\377", 3, "abc", 0.5);
    trace_ust_error(-5);
    trace_ust_unwanted(1);
    trace_ust_off(1);
    return 0;
}
END
build_ust "$tracetool" "$include" || {
    fail "there is no program"
    exit 1
}

start_lttng "$work"
if ! lttng --no-sessiond create mine --output="$work/trace" >lttng.log 2>&1; then
    echo "skipped: no LTTng session here: $(tail -n 1 lttng.log)"
    exit 77
fi

# Nobody asked: off.
./program >out
has out 'enabled 000'

# Listed, with their fields, while the program runs.
mkfifo hold
./program hold <hold >out 2>&1 &
held=$!
exec 9>hold
for _ in {1..100}; do
    lttng --no-sessiond list --userspace --fields >listed 2>&1
    grep -q ust_error listed && break
    sleep 0.1
done
exec 9>&-
wait $held
has listed 'mine:ust_none (loglevel: TRACE_DEBUG_LINE (13))'
has listed 'mine:ust_error (loglevel: TRACE_ERR (3))'
has listed 'field: self (string)'
has listed 'field: data (unknown)'
! grep -q ust_off listed || fail "a disabled event is listed"

lttng --no-sessiond enable-event --userspace 'mine:*' \
    --exclude=mine:ust_unwanted >>lttng.log 2>&1 || fail "enable-event"
lttng --no-sessiond start >>lttng.log 2>&1 || fail "start"
./program >out
has out 'enabled 100'
lttng --no-sessiond stop >>lttng.log 2>&1 || fail "stop"
lttng --no-sessiond destroy --all >>lttng.log 2>&1

babeltrace2 --clock-cycles trace >printed 2>err || fail "babeltrace2"
sed -E 's/^.* (mine:[a-z_]+): \{ [^}]*\}, /\1 /' printed >values
cat >expected <<'END'
mine:ust_none { }
mine:ust_ints { a = -100, b = 65535, c = -70000, d = 18364758544493064720, e = 1 }
mine:ust_text { self = "seen by LTTng", null = "(null)", p = 0x1234 }
mine:ust_ten { a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10 }
mine:ust_bytes { _data_length = 3, data = [ [0] = 0x1, [1] = 0x2, [2] = 0xFF ], size = 3, _mac_length = 3, mac = [ [0] = 0x61, [1] = 0x62, [2] = 0x63 ], f = 0.5 }
mine:ust_error { code = -5 }
END
cmp -s expected values || {
    fail "not these events and values:"
    diff expected values
    cat err
}

# trackway's way: the same events, times and values.
if ! "$trackway" print --utc trace >ours 2>err &&
    grep -q 'without libbabeltrace2' err; then
    exit $failed
fi
[ ! -s err ] || fail "trackway print: $(cat err)"
sed -E 's/^([^ ]+) 0 ([^ ]+) .*/\1 \2/' ours >seen
babeltrace2 --clock-gmt --no-delta trace 2>err |
    sed -E 's/^\[([^]]+)\].* (mine:[a-z_]+): .*/\1 \2/' >expected
cmp -s expected seen || {
    fail "trackway print: not these times"
    diff expected seen
}
sed -E 's/^[^ ]+ 0 //; s/ cpu_id=[0-9]+$//' ours >values
cat >expected <<'END'
mine:ust_none
mine:ust_ints a=-100 b=65535 c=-70000 d=18364758544493064720 e=1
mine:ust_text self=seen by LTTng null=(null) p=0x1234
mine:ust_ten a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10
mine:ust_bytes _data_length=3 data=[0x1, 0x2, 0xff] size=3 _mac_length=3 mac=[0x61, 0x62, 0x63] f=0.5
mine:ust_error code=-5
END
cmp -s expected values || {
    fail "trackway print: not these events and values"
    diff expected values
}
exit $failed
