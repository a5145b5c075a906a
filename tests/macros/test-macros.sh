#!/bin/bash
# SPDX-License-Identifier: MIT
# test-macros.sh TRACKWAY INCLUDE LIBTRACKWAY: events made by the macros of
# trackway/tracepoint.h, from C and from C++: seen by readers, switched from
# outside, two instructions while off, and what can't work doesn't compile.
set -u
trackway=$(realpath "$1")
include=$(realpath "$2")
library=$(realpath -s "$3")
source=$(realpath "${0%/*}")
if ! command -v gcc >/dev/null; then
    echo "needs gcc"
    exit 77
fi
case $(nm -D "$library" 2>/dev/null) in
*__tsan_* | *__asan_*)
    echo "compiles programs of its own, without sanitizers"
    exit 77
    ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset TRACKWAY TRACKWAY_EVENTS TRACKWAY_RING_SIZE TRACKWAY_MODE
export TRACKWAY_DIR=$work/rings
export TRACKWAY_KEEP=1
failed=0

fail() {
    echo "FAILED: $compiler: $*"
    failed=1
}

expect() { # WHAT GOT WANTED
    [[ $2 == "$3" ]] || fail "$1:
$2
-- is not
$3"
}

warnings=(-Wall -Wextra -Werror -Wshadow -Wundef -Wvla -Wwrite-strings)

# $compiler is words: the compiler, the language, the level.
compile() {
    # shellcheck disable=SC2086 # words
    $compiler "${warnings[@]}" -fPIC -I"$include" -I"$source" "$@"
}

build() {
    rm -f ./*.o ./*.so program
    compile -c "$source/events.c" -o events.o &&
        compile -c "$source/program.c" -o program.o &&
        compile -c "$source/plugin.c" -o plugin.o &&
        $linker -shared plugin.o "$library" -o plugin.so &&
        $linker program.o events.o "$library" -Wl,-rpath,"${library%/*}" \
            -ldl -o program
}

# One line to the program, and its answer: whether macro_seed is on.
turn() { # ON|OFF
    echo >&"${program[1]}"
    read -r answer <&"${program[0]}"
    [[ $answer == "$1" ]] || fail "the program said '$answer'"
}

wanted_all="macro_seed var1 -1 var2 99
macro_inline text 'text' number 65535 address (nil)
macro_inline text '' number 1 address (nil)
macro_kinds 1 x -3 255 7 0.5 -0.25 abcdef hello -5
macro_nothing nothing
macro_nothing_seed 100%
format size 3 name 1
macro_seed var1 5 var2 6
macro_nothing nothing
plugin_event number 42
plugin_event number 42"

wanted_list="format off
macro_inline off
macro_kinds off
macro_nothing off
macro_nothing_seed off
macro_seed off"

# The events' text, without time and thread.
printed() {
    "$trackway" print "$1" | cut -d' ' -f3-
}

check_program() {
    local ring all pid

    rm -rf rings
    coproc program { ./program ./plugin.so; }
    # shellcheck disable=SC2154
    pid=$program_PID
    read -r answer <&"${program[0]}"
    ring=$(echo rings/*.ring)
    expect "the list" "$("$trackway" events "$ring" | awk 'NR > 1 { print $1, $2 }' |
        sort)" "$wanted_list"
    turn off
    expect "off" "$(printed "$ring")" ""
    "$trackway" enable "$ring" macro_seed >/dev/null
    turn on
    expect "one" "$(printed "$ring")" "macro_seed var1 -1 var2 99
macro_seed var1 5 var2 6"
    "$trackway" disable "$ring" macro_seed >/dev/null
    turn off
    # shellcheck disable=SC2012 # a count
    expect "off again" "$(printed "$ring" | wc -l)" 2
    # The plugin has been there, so that it is known by now.
    "$trackway" enable "$ring" 'macro_*' format >/dev/null || fail "enable"
    turn on
    all=$(printed "$ring" | tail -n +3)
    expect "all" "$all" "$(head -n 9 <<<"$wanted_all")"
    eval "exec ${program[1]}>&-"
    wait "$pid" || fail "the program's status is $?"
    TRACKWAY_EVENTS='*' TRACKWAY_DIR=$work/rings2 ./program ./plugin.so <<<x \
        >/dev/null || fail "the program's status is $?"
    expect "with the plugin" "$(printed rings2/*.ring)" "$wanted_all"
    rm -rf rings2
}

# What the blob says, beside the text: names, types, kinds, in the order of the
# record.
check_schema() {
    local got

    rm -rf rings
    TRACKWAY_EVENTS=format ./program <<<x >/dev/null
    got=$("$trackway" print --json rings/*.ring)
    [[ $got == *'"size":3,"name":1,"file":"two"'* ]] ||
        fail "fields in the order of the record: $got"
    got=$("$trackway" events --json rings/*.ring)
    [[ $got == *'"group":"macros"'* ]] || fail "the group: $got"
    rm -rf rings
}

# must_not_compile WHAT MESSAGE FIELDS PRINTK [ASSIGN]
must_not_compile() {
    local message

    cat >wrong.c <<END
#include <trackway/tracepoint.h>
DECLARE_TRACE(e, TP_PROTO(int p), TP_STRUCT__entry($3))
DEFINE_TRACE(e, TP_PROTO(int p), TP_fast_assign(${5:-}__entry->a = p;), TP_printk($4))
END
    if message=$(compile -c wrong.c -o wrong.o 2>&1); then
        [[ -z $2 ]] || fail "$1 compiles"
    elif [[ -z $2 ]]; then
        fail "$1 does not compile: $message"
    elif [[ $message != *$2* ]]; then
        fail "$1: the message is $message"
    fi
}

check_errors() {
    local ab='__field(int, a); __field(int, b);'

    must_not_compile "the model" "" "$ab" '"%d %d", __entry->b, __entry->a' \
        '__entry->b = 1;'
    must_not_compile "an expression" e "$ab" '"%d", __entry->a + 1'
    must_not_compile "a variable" e "$ab" '"%d", p'
    must_not_compile "no such field" e "$ab" '"%d", __entry->c'
    must_not_compile "a field twice" "printed twice" "$ab" \
        '"%d %d", __entry->a, __entry->a'
    must_not_compile "a wrong format" format "$ab" '"%s", __entry->a'
    must_not_compile "too few arguments" format "$ab" '"%d %d", __entry->a'
    must_not_compile "an impossible type" "of this type: c" \
        "$ab __field(long double, c);" '"%d", __entry->a'
    must_not_compile "an array of int" "only char has arrays" \
        "$ab __array(int, c, 3);" '"%d", __entry->a'
    must_not_compile "eleven fields" error \
        "$ab $(printf '__field(int, f%d); ' {1..9})" '"%d", __entry->a'
}

# First instructions of a function, up to a return, with their relocations.
code() {
    objdump -dr --no-show-raw-insn -j ".text.$1" user.o |
        grep -E '^ +[0-9a-f]+:|R_X86_64' | sed '/\bret\b/q'
}

check_instructions() {
    local function expected

    [[ $(uname -m) == x86_64 ]] && command -v objdump >/dev/null || return
    cat >user.c <<'END'
#include "events.h"
#ifdef __cplusplus
extern "C" {
#endif
void user_inline(const char *s);
void user_inline(const char *s)
{
    trace_macro_inline(s, 5, s);
}
void user_seed(int a);
void user_seed(int a)
{
    DO_TRACE(macro_seed, a, 2);
}
#ifdef __cplusplus
}
#endif
END
    for function in user_inline user_seed; do
        compile -O2 -ffunction-sections -fcf-protection=none -c user.c \
            -o user.o || fail "user.c"
        # 32 for the header, less 5 to the instruction's end.
        expected=" +0:[[:space:]]+cmpb +\\\$0x0,0x0\(%rip\).*
.*R_X86_64_PC32[[:space:]]tw_states_tp_macro_${function#user_}\+0x1b
 +7:[[:space:]]+jne .*
 +9:[[:space:]]+ret *"
        [[ $(code $function) =~ ^$expected$ ]] ||
            fail "$function is not two instructions:
$(code $function)"
    done
}

for linker in gcc clang g++ clang++; do
    case $linker in
    *++) language="-std=c++17 -x c++" ;;
    *) language="-std=gnu11 -Wmissing-prototypes -Wstrict-prototypes" ;;
    esac
    if ! command -v "$linker" >/dev/null; then
        echo "without $linker"
        continue
    fi
    for level in -O0 -O2; do
        compiler="$linker $language $level"
        build || {
            fail "does not build"
            continue
        }
        check_program
        check_schema
    done
    check_errors
    check_instructions
done

# Defined in C, emitted from C++.
if command -v g++ >/dev/null; then
    compiler="gcc -std=gnu11"
    linker=g++
    build
    compiler="g++ -std=c++17 -x c++"
    compile -c "$source/program.c" -o program.o
    g++ program.o events.o "$library" -Wl,-rpath,"${library%/*}" -ldl \
        -o program || fail "C and C++ don't link"
    TRACKWAY_EVENTS='*' ./program <<<x >/dev/null
    expect "both" "$(printed rings/*.ring)" "$(head -n 9 <<<"$wanted_all")"
fi
exit $failed
