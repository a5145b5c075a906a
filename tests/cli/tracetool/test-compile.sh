#!/bin/bash
# SPDX-License-Identifier: MIT
# test-compile.sh TRACETOOL INCLUDE EVENTS [quick]: generated code compiles
# without a warning, with every compiler at hand, and a wrong format is blamed
# on the trace-events file. quick is for the thousands of events of QEMU
# (QEMU_TRACE_EVENTS names the file, too): the compilers only check, and fewer
# variants.
set -u
tracetool=$(realpath "$1")
include=$(realpath "$2")
quick=${4-}
events=$(realpath -m "$3")
[ -z "$quick" ] || events=${QEMU_TRACE_EVENTS-$events}
if [ ! -f "$events" ]; then
    echo "no $events here (Debian's qemu-system-common has it)"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
compiled=0
variants=(ring log 'ring,log' 'log,simple' nop)
standards=(c11 gnu11)
[ -z "$quick" ] || variants=('ring,log' nop) standards=(gnu11)
common=(-Wall -Wextra -Werror -Wshadow -Wundef -Wwrite-strings
    -Wmissing-declarations -I"$include" -I.)

fail() {
    echo "FAILED: $1"
    failed=1
}

# compile WORDS...: is clean, if there is such a compiler
compile() {
    command -v "$1" >/dev/null || return 0
    "$@" "${common[@]}" 2>err || {
        fail "$*, backends $backends"
        head -20 err
    }
    compiled=$((compiled + 1))
}

printf '#include "trace.h"\n#include "trace.h"\n' >user.c
cp user.c user.cc
for backends in "${variants[@]}"; do
    "$tracetool" --format=h --backends="$backends" --group=test "$events" \
        trace.h || fail "format h, backends $backends"
    "$tracetool" --format=c --backends="$backends" --group=test "$events" \
        trace.c || fail "format c, backends $backends"
    for cc in gcc clang; do
        for std in "${standards[@]}"; do
            if [ -n "$quick" ]; then
                compile $cc -std="$std" -fsyntax-only trace.c
            else
                compile $cc -std="$std" -O0 -c -Wstrict-prototypes trace.c
                compile $cc -std="$std" -O2 -fPIC -c -Wmissing-prototypes trace.c
            fi
            compile $cc -std="$std" -fsyntax-only -Wmissing-prototypes user.c
        done
    done
    for cxx in g++ clang++; do
        compile $cxx -std=c++17 -fsyntax-only user.cc
    done
done
echo "$compiled compiler runs"
[ "$compiled" -gt 0 ] || exit 77
[ -z "$quick" ] || exit $failed

# Nothing to link for nop.
"$tracetool" --format=c --backends=nop "$events" nop.c
"$tracetool" --format=h --backends=nop "$events" nop.h
echo '#include "nop.h"
int main(void)
{
    trace_awk_empty();
    trace_awk_cxx(1, true, "x", 2);
    return trace_awk_empty_enabled() ||
           trace_event_get_state_backends(TRACE_AWK_EMPTY);
}' >main.c
{ gcc -I"$include" main.c nop.c -o nop && ./nop; } || fail "nop does not link"

# A group of nothing.
: >none
for backends in ring nop; do
    "$tracetool" --format=c --backends="$backends" --group=none none none.c
    "$tracetool" --format=h --backends="$backends" --group=none none trace.h
    compile gcc -O2 -c none.c
    compile gcc -fsyntax-only user.c
done

# The compiler's complaint names the line to be mended.
printf '# one\n\nwrong(const char *s) "%%d"\n' >blame.events
"$tracetool" --format=c --backends=ring,log blame.events blame.c
if gcc -fsyntax-only "${common[@]}" blame.c 2>err; then
    fail "gcc likes %d for a string"
fi
grep -q '^blame.events:3:.*%d' err || fail "not blamed on blame.events:3"
# ... and only for that line: what follows is blame.c's own again.
echo 'int 0;' >>blame.c
gcc -fsyntax-only "${common[@]}" blame.c 2>err
grep -q "^blame.c:$(wc -l <blame.c):" err || fail "blame.c's lines are off"
exit $failed
