#!/bin/bash
# SPDX-License-Identifier: MIT
# test-disassembly.sh TRACETOOL INCLUDE: an event that is off is two
# instructions on x86-64, a compare with a byte of the group's states and a
# branch that is not taken; whatever the event's arguments are.
set -u
tracetool=$(realpath "$1")
include=$(realpath "$2")
if [ "$(uname -m)" != x86_64 ] || ! command -v objdump gcc >/dev/null; then
    echo "needs x86-64, gcc and objdump"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

fail() {
    echo "FAILED: $1"
    failed=1
}

cat >events <<'END'
first(void) ""
ints(int a, int b, int c) "%d %d %d"
text(const char *s, unsigned long n) "%s %lu"
END
# What the traced code does besides is nothing, so that a function is the event.
cat >user.c <<'END'
#include "trace.h"
void user_first(void);
void user_first(void)
{
    trace_first();
}
void user_ints(int a, int b, int c);
void user_ints(int a, int b, int c)
{
    trace_ints(a, b, c);
}
void user_text(const char *s);
void user_text(const char *s)
{
    trace_text(s, 5);
}
END
cat >loop.c <<'END'
#include <signal.h>
#include <sys/time.h>
#include "trace.h"
struct tw_states_test tw_states_test;
static int seen;
void _tw_emit_first(void)
{
    seen = 1;
}
static void handler(int number)
{
    (void)number;
    *(volatile uint8_t *)&tw_states_test.state[0] = 1;
}
int main(void)
{
    const struct itimerval soon = {{0, 0}, {0, 20000}};

    signal(SIGALRM, handler);
    setitimer(ITIMER_REAL, &soon, NULL);
    while (!seen)
        trace_first();
    return 0;
}
END
"$tracetool" --format=h --backends=ring --group=test events trace.h || exit 1

# code FUNCTION: its first instructions, up to a return, and their relocations
code() {
    objdump -dr --no-show-raw-insn -j ".text.$1" user.o |
        grep -E '^ +[0-9a-f]+:|R_X86_64' | sed '/\bret\b/q'
}

# check FUNCTION INDEX: it is the test of the event's state, and no more
check() {
    local function=$1 place code expected
    # From the end of an instruction whose last byte is the constant.
    place=$(printf %x $((32 + $2 - 5)))
    expected=" +0:[[:space:]]+cmpb +\\\$0x0,0x0\(%rip\).*
.*R_X86_64_PC32[[:space:]]tw_states_test\+0x$place
 +7:[[:space:]]+jne .*
 +9:[[:space:]]+ret *"
    code=$(code "$function")
    [[ $code =~ ^$expected$ ]] || {
        fail "$compiler $options: $function is not two instructions:"
        echo "$code"
    }
}

for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    for options in "-O2" "-O2 -fPIC" "-O2 -fno-pie" "-O3"; do
        # shellcheck disable=SC2086 # several words
        $compiler $options -ffunction-sections -fcf-protection=none -I"$include" -I. -c user.c ||
            fail "$compiler $options"
        check user_first 0
        check user_ints 1
        check user_text 2
    done
    # ... and it is made anew each time: a loop sees what a signal has changed.
    $compiler -O3 -I"$include" -I. loop.c -o loop || fail "$compiler loop.c"
    timeout 20 ./loop || fail "$compiler: the test was moved out of a loop"
done
exit $failed
