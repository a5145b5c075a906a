#!/bin/bash
# SPDX-License-Identifier: MIT
# The program as such: help, mistakes, where its output goes.
# shellcheck source=tests/cli/commands/lib.sh disable=SC1091,SC2154
. "${0%/*}/lib.sh"

commands='list events enable disable print record stat'

run
expect_status 2
expect_out ''
[[ $err == Usage:* ]] || fail "no usage"
run --help
expect_status 0
expect_out 'Usage: trackway COMMAND*'
general=$out
for command in $commands; do
    [[ $general == *"  $command "* ]] || fail "$command is not in the help"
    run help "$command"
    expect_status 0
    expect_err ''
    expect_out "Usage: trackway $command *Options:*--help*Examples:*trackway $command*"
    help=$out
    expect_equal "$(awk 'length > 80' <<<"$help")" ''
    run "$command" --help
    expect_status 0
    expect_equal "$out" "$help"
    run "$command" -h
    expect_equal "$out" "$help"
    run "$command" --no-such-option
    expect_status 2
    expect_err "trackway $command: unknown option --no-such-option*"
done
run -h
expect_equal "$out" "$general"
run help
expect_equal "$out" "$general"
run --version
expect_status 0
expect_out 'trackway [0-9]*.[0-9]*'

run evnets
expect_status 2
expect_err 'trackway: evnets: no such command, did you mean events?'
run help lits
expect_status 2
expect_err 'trackway: lits: no such command, did you mean list?'
run xyzzy
expect_status 2
expect_err 'trackway: xyzzy: no such command (see: trackway --help)'
run --xyzzy
expect_status 2
expect_err 'trackway: --xyzzy: no such option*'
run $'ev\e[31m\nil'
expect_err 'trackway: ev\\x1b\[31m\\nil: no such command*'
run list --jsno
expect_err 'trackway list: unknown option --jsno, did you mean --json?*'
run list --js
expect_status 0
run list --json=yes
expect_status 2
expect_err 'trackway list: --json takes no value*'
run list -xy
expect_status 2
expect_err 'trackway list: unknown option -x *'

# A full disk, a closed output, a reader that has gone.
make_ring demo $((dead + 1))
"$trackway" list >/dev/full 2>"$directory/stderr"
status=$?
err=$(cat "$directory/stderr")
expect_status 1
expect_err 'trackway: stdout: No space left on device'
"$trackway" events --json demo >&- 2>"$directory/stderr"
status=$?
err=$(cat "$directory/stderr")
expect_status 1
expect_err 'trackway: stdout: Bad file descriptor'
run events demo
expect_status 0
"$trackway" --help 2>&1 >/dev/full | grep -q 'No space' || fail "help is lost"

for i in $(seq 300); do
    cp "$TRACKWAY_DIR/demo.$((dead + 1)).ring" "$TRACKWAY_DIR/demo.$i.ring"
done
"$trackway" list --json 2>"$directory/stderr" | head -1 >"$directory/stdout"
err=$(cat "$directory/stderr")
expect_err ''
expect_equal "$(cat "$directory/stdout")" '['
# A pipe whose reader has gone for certain; with the signal, and without it, as
# below a shell that ignores it.
exec 9> >(exit)
wait $!
env --default-signal=PIPE "$trackway" list >&9 2>"$directory/stderr"
status=$?
err=$(cat "$directory/stderr")
expect_status $((128 + 13))
expect_err ''
(
    trap '' PIPE
    exec "$trackway" list >&9 2>"$directory/stderr"
)
status=$?
err=$(cat "$directory/stderr")
expect_status 1
expect_err ''
exec 9>&-

# Colours on a terminal, and only there.
escape=$'\e'
run list
[[ $out != *$escape* ]] || fail "colours in a pipe"
if command -v script >/dev/null; then
    on_terminal()
    {
        env "$@" script -qec "'$trackway' list" /dev/null </dev/null
    }
    out=$(on_terminal TERM=xterm)
    [[ $out == *$escape\[33morphan* ]] || fail "no colours on a terminal"
    out=$(on_terminal TERM=xterm NO_COLOR=1)
    [[ $out == *orphan* && $out != *$escape* ]] || fail "NO_COLOR is ignored"
    out=$(on_terminal TERM=xterm NO_COLOR=)
    [[ $out == *$escape* ]] || fail "an empty NO_COLOR counts"
    out=$(on_terminal TERM=dumb)
    [[ $out == *orphan* && $out != *$escape* ]] || fail "a dumb terminal"
fi
