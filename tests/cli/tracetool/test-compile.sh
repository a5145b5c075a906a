#!/bin/bash
# SPDX-License-Identifier: MIT
# test-compile.sh TRACETOOL INCLUDE EVENTS [quick|provider]: generated code
# compiles without a warning, with every compiler at hand, and a wrong format is
# blamed on the trace-events file. quick is for the thousands of events of QEMU
# (QEMU_TRACE_EVENTS names the file, too): the compilers only check, and fewer
# variants. provider is for the same, and for nothing but the file of LTTng's
# macros, which takes compilers longer than all the rest.
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

# has HEADER
has() {
    echo "#include <$1>" | gcc -fsyntax-only -x c - 2>/dev/null
}

# Each backend alone, and all at once in both orders; without those whose
# headers are not here.
skipped=()
has sys/sdt.h || skipped+=(-e dtrace)
has lttng/tracepoint.h || skipped+=(-e ust)
[ ${#skipped[@]} = 0 ] || echo "no headers: not compiled ${skipped[*]}"
mapfile -t variants < <("$tracetool" --list-backends | tr -d ' ' | tr , '\n' |
    grep -vxF -e none "${skipped[@]}")
all=$(IFS=, && echo "${variants[*]}")
standards=(c11 gnu11)
[ -z "$quick" ] || variants=(nop) standards=(gnu11)
variants+=("$all")
[ -n "$quick" ] || variants+=("$(tr , '\n' <<<"$all" | tac | paste -sd,)")
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

# generate FORMAT FILE [INPUT]
generate() {
    "$tracetool" --format="$1" --backends="$backends" --group=test \
        --dialect=7.2 --binary=/bin/x --probe-prefix=test "${3-$events}" \
        "$2" || fail "format $1, backends $backends"
}

if [ "$quick" = provider ]; then
    has lttng/tracepoint.h || exit 77
    backends=ust
    generate ust-events-h trace-ust-test.h
    generate ust-events-c trace-ust.c
    for cc in gcc clang; do
        compile $cc -std=gnu11 -fsyntax-only trace-ust.c
    done
    exit $failed
fi

# Every backend, compiled here or not, in every format.
for backends in $("$tracetool" --list-backends | tr , ' '); do
    for format in c ctf d events guest guest-h h log-stap simpletrace-stap stap \
        ust-events-c ust-events-h; do
        generate $format "generated-$format"
        [ -s "generated-$format" ] ||
            fail "format $format, backend $backends: empty"
    done
done

# What the parser has understood, it understands again.
generate events understood generated-events
cmp generated-events understood ||
    fail "format events is not read as it was written"

printf '#include "trace.h"\n#include "trace.h"\n' >user.c
printf '#include "guest-trace.h"\n' | tee guest-user.c >>user.c
generate guest-h guest-trace.h
cp user.c user.cc
for backends in "${variants[@]}"; do
    generate h trace.h
    generate c trace.c
    generate guest guest.c
    generate ust-events-h trace-ust-test.h
    for cc in gcc clang; do
        for std in "${standards[@]}"; do
            if [ -n "$quick" ]; then
                compile $cc -std="$std" -fsyntax-only trace.c
            else
                compile $cc -std="$std" -O0 -c -Wstrict-prototypes trace.c
                compile $cc -std="$std" -O2 -fPIC -c -Wmissing-prototypes trace.c
            fi
            compile $cc -std="$std" -fsyntax-only -Wmissing-prototypes guest.c
            compile $cc -std="$std" -fsyntax-only -Wmissing-prototypes user.c
            compile $cc -std="$std" -fsyntax-only guest-user.c
        done
    done
    for cxx in g++ clang++; do
        compile $cxx -std=c++17 -fsyntax-only user.cc
    done
done
echo "$compiled compiler runs"
[ "$compiled" -gt 0 ] || exit 77
[ -z "$quick" ] || exit $failed

# The macros of LTTng, and they alone: it is included again and again.
if has lttng/tracepoint.h; then
    generate ust-events-c trace-ust.c
    compile gcc -O2 -fPIC -c trace-ust.c
    compile clang -O2 -fPIC -c trace-ust.c
fi

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
for backends in ring nop "$all"; do
    "$tracetool" --format=ust-events-h --group=none none trace-ust-none.h
    "$tracetool" --format=ust-events-c --group=none none ust-none.c
    "$tracetool" --format=c --backends="$backends" --group=none none none.c
    "$tracetool" --format=h --backends="$backends" --group=none none trace.h
    compile gcc -O2 -c none.c
    compile gcc -O2 -c ust-none.c
    compile gcc -fsyntax-only user.c
done

# The compiler's complaint names the line to be mended.
printf '# one\n\nwrong(const char *s) "%%d"\n' >blame.events
for backends in log syslog ftrace ring,log; do
    "$tracetool" --format=c --backends=$backends blame.events blame.c
    if gcc -fsyntax-only "${common[@]}" blame.c 2>err; then
        fail "gcc likes %d for a string, backends $backends"
    fi
    grep -q '^blame.events:3:.*%d' err ||
        fail "not blamed on blame.events:3, backends $backends"
done
# ... and only for that line: what follows is blame.c's own again.
echo 'int 0;' >>blame.c
gcc -fsyntax-only "${common[@]}" blame.c 2>err
grep -q "^blame.c:$(wc -l <blame.c):" err || fail "blame.c's lines are off"
exit $failed
