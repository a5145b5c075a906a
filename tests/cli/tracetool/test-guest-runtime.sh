#!/bin/bash
# SPDX-License-Identifier: MIT
# test-guest-runtime.sh TRACETOOL EVENTS: the guest runtime as tracetool writes
# it needs no other file, and the code that tracetool generates compiles with it
# for every machine whose compiler is here.
set -u
tracetool=$(realpath "$1")
events=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
compiled=0

fail() {
    echo "FAILED: $1"
    failed=1
}

# expect STATUS WORDS...: run tracetool
expect() {
    local expected=$1 status
    shift
    "$tracetool" "$@" >out 2>err
    status=$?
    [ "$status" = "$expected" ] || fail "exit $status, not $expected: $*"
}

# New, unchanged, not what it was.
mkdir guest
expect 0 --emit-guest-runtime=guest
[ "$(cd guest && echo *)" = "trackway-guest.c trackway-guest.h" ] ||
    fail "there is $(ls guest)"
[ ! -s out ] || fail "prints although it has files"
cp -r guest first
touch -d @1000 guest/*
expect 0 --emit-guest-runtime guest
[ "$(stat -c %Y guest/*)" = $'1000\n1000' ] || fail "unchanged files were written"
echo mine >guest/trackway-guest.h
expect 0 --emit-guest guest
cmp -s guest/trackway-guest.h first/trackway-guest.h || fail "a header was kept"
[ "$(stat -c %Y guest/trackway-guest.c)" = 1000 ] || fail "both were written"

# What is wrong is said.
expect 1 --emit-guest-runtime=none
grep -q '^Error: cannot write none/trackway-guest.h: No such file' err ||
    fail "no folder: $(head -1 err)"
for more in "$events" --format=h; do
    expect 1 --emit-guest-runtime=guest "$more"
    grep -q '^Error: --emit-guest-runtime goes with no format' err ||
        fail "with $more: $(head -1 err)"
done

# Nothing of ours is included, each file says whose it is, once.
for file in guest/*; do
    grep -q 'include *[<"]\(trackway/\|\.\.\)' "$file" &&
        fail "$file includes what is not there"
    [ "$(grep -c 'SPDX-License-Identifier' "$file")" = 1 ] ||
        fail "$file has not one licence"
    grep -q 'Permission is hereby granted' "$file" || fail "$file has no terms"
done

# A group of a macro's name, since compilers for Linux define it. What has types
# of the C library's is not for guests.
grep -v 'ssize_t' "$events" >guest.events
echo 'rt_bytes(const void *data, unsigned size, const uint8_t fixed[7])' \
    >>guest.events
cat >user.c <<'END'
#include "trace.h"
#include "trace.h"
void *user(int number);
void *user(int number)
{
	trace_awk_empty();
	if (trace_awk_cxx_enabled())
		trace_awk_cxx(number, true, "text", 1);
	trace_rt_bytes("data", 4, (const uint8_t *)"seven x");
	return GROUP;
}
END
# What the lines of text go to.
cat >config.h <<'END'
#define TW_GUEST_PRINTK firmware_printk
int firmware_printk(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
END
cp user.c user.cc
cp guest/* .
options=(-DTW_GUEST '-DTW_GUEST_CONFIG="config.h"' -Os -ffreestanding -nostdinc -I. -Wall -Wextra -Werror -Wundef
    -Wshadow -Wredundant-decls)
of_c=(-Wmissing-prototypes -Wnested-externs -Wstrict-prototypes)

# compile FILE OPTION... COMPILER OPTION...
compile() {
    local file=$1
    shift
    command -v "$1" >/dev/null || return 0
    [[ $file = *.c ]] && set -- "$@" "${of_c[@]}"
    "$@" "${options[@]}" -isystem "$("$1" -print-file-name=include)" \
        -c "$file" -o "${file%%.*}.o" 2>err || {
        fail "$file: $*"
        head -20 err
    }
    compiled=$((compiled + 1))
}

# build COMPILER OPTION...: all of it, and what it needs is part of it
build() {
    local foreign
    for file in trackway-guest.c trace.c user.c; do
        compile $file "$@"
    done
    command -v "$1" >/dev/null || return 0
    # The stack and big-endian PowerPC's registers are the linker's.
    nm --defined-only trackway-guest.o trace.o user.o |
        sed -n 's/^[0-9a-f]* . //p' | sort -u >defined
    foreign=$(nm -u trackway-guest.o trace.o user.o |
        sed -n 's/^ *U //p' | sort -u | comm -23 - defined |
        grep -vx '_GLOBAL_OFFSET_TABLE_\|_\(sav\|rest\)[a-z0-9_]*' |
        grep -vx 'firmware_printk\|__aeabi_f2d')
    [ -z "$foreign" ] || fail "$*: needs $foreign"
}

# generate BACKENDS
generate() {
    "$tracetool" --format=h --backends="$1" --group=linux guest.events \
        trace.h || fail "format h, $1"
    "$tracetool" --format=c --backends="$1" --group=linux guest.events \
        trace.c || fail "format c, $1"
}

clock='-DTW_GUEST_CLOCK()=0'
for backends in ring channel ring,channel,log log nop; do
    case $backends in
    ring | log) group='-DGROUP=&tw_group_linux' ;;
    *channel*) group='-DGROUP=&tw_channel_group_linux' ;;
    # Nothing else is compiled with nop, and it has no group.
    nop) group=-DGROUP=0 ;;
    esac
    generate $backends
    build gcc "$group"
    build clang "$group"
    compile user.cc g++ "$group"
    compile user.cc clang++ "$group"
    [[ $backends = *ring* ]] || continue
    build clang --target=i386-linux-gnu "$group"
    build arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb "$clock" "$group"
    build arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb "$clock" "$group"
    build aarch64-linux-gnu-gcc "$group"
    build sparc64-linux-gnu-gcc -m32 -mcpu=supersparc "$clock" "$group"
    build powerpc-linux-gnu-gcc "$group"
done

# Half of the runtime, without a clock.
generate channel
group='-DGROUP=&tw_channel_group_linux'
build gcc -DTW_GUEST_NO_RING "$group"
build arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb -DTW_GUEST_NO_CLOCK "$group"
nm trackway-guest.o | grep -q ' tw_guest_start$' && fail "the ring is not left out"
generate ring
build gcc -DTW_GUEST_NO_CHANNEL '-DGROUP=&tw_group_linux'
nm trackway-guest.o | grep -q ' trace0$' && fail "the channel is not left out"

# Without a printk it says what is missing.
generate log
echo >config.h
if gcc "${options[@]}" -isystem "$(gcc -print-file-name=include)" -c trace.c \
    2>err; then
    fail "log compiles without a printk"
fi
grep -q 'error: .*TW_GUEST_PRINTK' err || fail "not said: $(head -1 err)"
echo "$compiled compiler runs"
[ "$compiled" -gt 0 ] || exit 77
exit $failed
