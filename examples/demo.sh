#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# demo.sh BUILD: a database at work is found, switched, watched, recorded and
# measured from outside. Each step shows its command, then what that printed.
# Everything it makes is in one temporary directory, removed at the end.

set -euo pipefail

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
build=$(realpath "$1")
PATH=$build/bin:$build/examples:$here/sqlite-vfs:$PATH

scratch=$(mktemp -d)
program=
trap 'exit 130' INT TERM
trap clean_up EXIT

clean_up() {
    [[ -z $program ]] || kill "$program" 2>/dev/null || true
    wait
    rm -rf "$scratch"
}

step() {
    printf '\n# %s\n' "$*"
}

# Show a command as one would type it, then run it. 141: its reader, such as
# head, had seen enough.
run() {
    printf '$ %s\n' "$*"
    eval "$*" || [[ $? -eq 141 ]]
}

cd "$scratch"

step "A database at work, for 8 seconds. It waits for nobody."
printf '$ sqlite-vfs --seconds 8 &\n'
sqlite-vfs --seconds 8 >summary &
program=$!
sleep 0.3

step "From outside: what can be traced here?"
run trackway list

step "Its events, all of them off"
run trackway events "$program"

step "Switch on, in the running program, the calls that write to disk for good"
run trackway enable "$program" vfs_sync vfs_truncate
sleep 0.3
run "trackway print $program | tail -n 5"
run trackway disable "$program" "'*'"

step "Record every call for 3 seconds"
run "trackway record -o trace --seconds 3 $program"

step "What was recorded"
run "trackway print trace | head -n 8"
run trackway stat trace

step "What took how long: each event carries its call's duration"
run "trackway print --json trace | operation-times.py"

step "Another reader of the same recording"
run "babeltrace2 trace | head -n 3"

step "The program, all the while"
wait "$program"
program=
cat summary
