#!/bin/bash
# SPDX-License-Identifier: MIT
# test-byte-order.sh SOURCE_ROOT TRACE_C: the same events are the same bytes on
# machines of either byte order and word size, and the same switches are heard.
set -u
root=$1
trace=$2
here=$root/tests/unit/guest-channel
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
foreign=0

# A switch frame: all events but event 1 on. Around it, one that is wrong and would
# switch that on, and an event's own frame, cut off.
python3 - >"$work/switches" <<'END'
import struct, sys, zlib


def frame(switches):
    payload = b"".join(struct.pack("<HB", *switch) for switch in switches)
    body = struct.pack("<HBI", len(payload), 3, 0) + payload
    return b"\xf7" + body + struct.pack("<I", zlib.crc32(body))


wrong = bytearray(frame([(1, 1)]))
wrong[-1] ^= 1
sys.stdout.buffer.write(b"login: \xf7\x14\x00\x01" + wrong +
                        frame([(0xffff, 1), (1, 0)]) + wrong)
END

# run NAME RUNNER COMPILER OPTION...: its bytes are in NAME.out
run() {
    local name=$1 runner=$2
    shift 2
    if ! command -v "$1" >/dev/null ||
        ! command -v "${runner:-true}" >/dev/null; then
        echo "$name: no $1${runner:+, or no $runner}"
        return 1
    fi
    if ! "$@" -std=gnu11 -O2 -ffreestanding -fno-pic -no-pie -nostdlib -static \
        -fno-stack-protector -DTW_GUEST '-DTW_GUEST_CLOCK()=0x0102030405' \
        '-DTW_GUEST_GUARD_ENTER()=0' '-DTW_GUEST_GUARD_LEAVE(saved)=((void)(saved))' \
        -I"$root/include" -I"$here" -I"$(dirname "$trace")" \
        "$here/byte-order.c" "$root"/src/guest/{channel,transport-*}.c \
        "$trace" -o "$work/$name" 2>"$work/err"; then
        echo "FAILED: $name does not compile"
        cat "$work/err"
        failed=1
        return 1
    fi
    # shellcheck disable=SC2086 # no runner is no word
    $runner "$work/$name" <"$work/switches" >"$work/$name.out" || {
        echo "FAILED: $name ends with $?"
        failed=1
    }
}

# compare NAME RUNNER COMPILER OPTION...
compare() {
    run "$@" || return 0
    foreign=$((foreign + 1))
    cmp "$work/native.out" "$work/$1.out" || failed=1
}

[ "$(uname -m)" = x86_64 ] || exit 77
run native "" gcc || exit 1
# Ten events by the stream, eight by fw_cfg, two of them of two messages each.
size=$(stat -c %s "$work/native.out")
expected=$((10 * 20 + 12 + 16 + 12 + 28 + 80 + 3 + 2 + 9 + 14 + 12 + 10 * 70))
[ "$size" = $expected ] || {
    echo "FAILED: $size bytes, not $expected"
    failed=1
}
compare x86 "" gcc -m32
compare powerpc qemu-ppc powerpc-linux-gnu-gcc
compare sparc qemu-sparc sparc64-linux-gnu-gcc -m32 -mcpu=supersparc -mflat
[ $foreign -gt 0 ] || exit 77
echo "$foreign machines beside this one"
exit $failed
