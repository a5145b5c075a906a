#!/bin/bash
# SPDX-License-Identifier: MIT
# test-outlets.sh OUTLETS [--inside LOG]: what a program with the backends log,
# syslog and ftrace writes really comes out where it should, and nowhere else.
# The system's log is a socket of our own, in a mount namespace.
set -u
program=$(realpath "$1")
self=$(realpath "$0")

# Inside the namespace: /dev/log is ours.
if [ "${2-}" = --inside ]; then
    exec python3 - "$program" "$3" <<'END'
import socket, subprocess, sys

log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
log.setblocking(False)
status = subprocess.run([sys.argv[1]], stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL).returncode
with open(sys.argv[2], "wb") as out:
    try:
        while True:
            out.write(log.recv(65536) + b"\n")
    except BlockingIOError:
        pass
sys.exit(status)
END
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
skipped=0
export TRACKWAY_DIR=$work/rings TRACKWAY_EVENTS='out_*'
unset TRACKWAY TRACKWAY_LOG

fail() {
    echo "FAILED: $1"
    failed=1
}

# same EXPECTED FILE WHAT
same() {
    cmp -s "$1" "$2" || {
        fail "$3:"
        diff "$1" "$2" | cut -c 1-200 | head -20
    }
}

large=$(printf 'x%.0s' {1..2000})
messages=(
    'out_none '
    'out_ints a -1 b 4000000000 c 0xfedcba9876543210 d 1'
    'out_text text "100% ä" limit 7 function 0x1000'
    'out_error code -128'
    'out_bare a=-32768 b=b'
    "out_text text \"$large\" limit 8 function (nil)"
)
printf '%s\n' "${messages[@]}" >expected

# log, on stderr and nowhere else; ftrace, in the file that stands for the
# kernel's.
: >marker
TRACKWAY_FTRACE_MARKER=$work/marker "$program" >out 2>err || fail "exit $?"
echo "enabled 1" >expected-out
same expected-out out "stdout"
same expected err "log on stderr"
{
    printf '%s\n' "${messages[@]:0:5}"
    printf '%s' "${messages[5]}" | head -c 511
    echo
} >expected-marker
same expected-marker marker "ftrace"

# Off is off.
: >marker
TRACKWAY_EVENTS='' TRACKWAY_FTRACE_MARKER=$work/marker "$program" >out 2>err ||
    fail "off: exit $?"
echo "enabled 0" >expected-out
same expected-out out "stdout, off"
[ ! -s err ] || fail "off, yet on stderr"
[ ! -s marker ] || fail "off, yet in the marker"

# QEMU's form of the line: TID@SEC.USEC:
TRACKWAY_LOG=timestamp TRACKWAY_FTRACE_MARKER=/nonexistent/marker "$program" \
    >/dev/null 2>err || fail "timestamps: exit $?"
sed -E 's/^[1-9][0-9]*@[1-9][0-9]{9}\.[0-9]{6}://' err >stripped
same expected stripped "log with timestamps"
grep -qE '^[1-9][0-9]*@[1-9][0-9]{9}\.[0-9]{6}:out_error code -128$' err ||
    fail "no TID@SEC.USEC: before the line"

# Where the marker may not be written, ftrace is silent.
for marker in /nonexistent/marker "$work"; do
    TRACKWAY_FTRACE_MARKER=$marker "$program" >/dev/null 2>err ||
        fail "no marker: exit $?"
    same expected err "log, with ftrace's marker $marker"
done

# The program closes the marker's file and opens others in its place.
: >marker
TRACKWAY_FTRACE_MARKER=$work/marker "$program" victim >/dev/null 2>&1 ||
    fail "victim: exit $?"
echo 'out_error code 5' >>expected-marker
same expected-marker marker "ftrace, after its file was closed"
{ [ -e victim ] && [ ! -s victim ]; } || fail "ftrace wrote into another's file"

# One write() for each line.
if strace -f -o trace -e trace=write true 2>/dev/null; then
    : >marker
    ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 \
        TRACKWAY_FTRACE_MARKER=$work/marker \
        strace -y -o trace -e trace=write "$program" >/dev/null 2>&1
    count=$(grep -c "marker>" trace)
    [ "$count" = 6 ] || fail "ftrace: $count writes for 6 events"
else
    echo "skipped: no strace here, ftrace's writes are not counted"
fi

# syslog: a private /dev/log, in a /dev of our own with little else.
if [ "$(id -u)" = 0 ] && command -v python3 >/dev/null &&
    unshare --mount true 2>/dev/null; then
    mkdir dev
    # shellcheck disable=SC2016 # the inner shell's arguments
    TRACKWAY_FTRACE_MARKER=/nonexistent/marker unshare --mount bash -c '
        mount --rbind /dev dev && mount -t tmpfs tmpfs /dev &&
            touch /dev/null /dev/urandom &&
            mount --bind dev/null /dev/null &&
            mount --bind dev/urandom /dev/urandom && exec "$@"' \
        bash "$self" "$program" --inside "$work/syslog" || fail "syslog: exit $?"
    # "<PRIORITY>Mmm dd hh:mm:ss outlets: MESSAGE"; 14 is user.info, 11 user.err.
    sed -E 's/^(<[0-9]+>)[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} [a-z-]+: /\1/' \
        syslog >stripped
    for i in "${!messages[@]}"; do
        case ${messages[i]} in
        out_error*) echo "<11>${messages[i]}" ;;
        *) echo "<14>${messages[i]}" ;;
        esac
    done >expected-syslog
    same expected-syslog stripped "syslog"
else
    echo "skipped: no mount namespace here, syslog is not tested"
    skipped=1
fi
[ $failed = 0 ] || exit 1
[ $skipped = 0 ] || exit 77
