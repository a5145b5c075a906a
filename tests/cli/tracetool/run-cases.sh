#!/bin/bash
# SPDX-License-Identifier: MIT
# run-cases.sh TRACETOOL FOLDER [NAME]...
#
# Every case is a command line, NAME.args, run in an empty folder that holds
# trace-events (NAME.in, or golden-all.in if NAME begins with golden-all-) and
# trace-events2 (NAME.in2); NAME.stdin, if there is one, is its standard input.
# Beside it lies what must come of it:
#
#   NAME.out.exact, NAME.err.exact   the bytes of stdout and stderr
#   NAME.out.glob, NAME.err.glob     a pattern for the whole of them
#   NAME.exit                        the exit status, if it is not 0
#
# No case may leave a file behind. UPDATE=1 writes the .out.exact of the cases
# whose name begins with "golden-".
set -u
tracetool=$(realpath "$1")
cases=$(realpath "$2")
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

fail() {
    echo "FAILED $name: $1"
    good=false
}

# check KIND: the bytes of $work/KIND against NAME.KIND.exact and NAME.KIND.glob
check() {
    local kind=$1 text pattern
    if [ -f "$cases/$name.$kind.exact" ] &&
        ! cmp -s "$work/$kind" "$cases/$name.$kind.exact"; then
        fail "std$kind differs"
        diff "$cases/$name.$kind.exact" "$work/$kind" | head -20
    fi
    if [ -f "$cases/$name.$kind.glob" ]; then
        text=$(cat "$work/$kind" && echo .)
        pattern=$(cat "$cases/$name.$kind.glob" && echo .)
        # shellcheck disable=SC2053 # a pattern is what is wanted
        if [[ $text != $pattern ]]; then
            fail "std$kind does not match"
            head -5 "$work/$kind"
        fi
    fi
}

run_case() {
    local args expected=0 status stdin=/dev/null
    good=true
    rm -rf "$work/in" && mkdir "$work/in"
    [[ $name = golden-all-* ]] &&
        cp "$cases/golden-all.in" "$work/in/trace-events"
    [ -f "$cases/$name.stdin" ] && stdin=$cases/$name.stdin
    [ -f "$cases/$name.in" ] && cp "$cases/$name.in" "$work/in/trace-events"
    [ -f "$cases/$name.in2" ] && cp "$cases/$name.in2" "$work/in/trace-events2"
    [ -f "$cases/$name.exit" ] && expected=$(cat "$cases/$name.exit")
    ls -A "$work/in" >"$work/before"
    read -ra args <"$cases/$name.args"
    (cd "$work/in" && "$tracetool" "${args[@]}") >"$work/out" 2>"$work/err" \
        <"$stdin"
    status=$?
    ls -A "$work/in" >"$work/after"
    if [ -n "${UPDATE-}" ] && [[ $name = golden-* ]]; then
        cp "$work/out" "$cases/$name.out.exact"
    fi
    [ "$status" = "$expected" ] || fail "exit status $status, not $expected"
    cmp -s "$work/before" "$work/after" || fail "left a file behind"
    check out
    check err
    if $good; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

if [ $# = 0 ]; then
    for file in "$cases"/*.args; do
        set -- "$@" "$(basename "$file" .args)"
    done
fi
for name in "$@"; do
    run_case
done
echo "$passed cases passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
