#!/bin/bash
# SPDX-License-Identifier: MIT
# test-ctf.sh TRACETOOL TRACKWAY OUTLETS EVENTS: format ctf says of the events of
# a program what the metadata of the program's recording says of them.
set -u
tracetool=$(realpath "$1")
trackway=$(realpath "$2")
program=$(realpath "$3")
events=$(realpath "$4")
if [ "$(getconf LONG_BIT)" != 64 ]; then
    echo "skipped: format ctf is of 64-bit programs"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export TRACKWAY_DIR=$work/rings
unset TRACKWAY TRACKWAY_EVENTS
"$tracetool" --format=ctf "$events" generated || exit 1
"$trackway" record -o trace -- "$program" >log 2>&1 || {
    echo "FAILED: record"
    cat log
    exit 1
}
recorded=$(find trace -name metadata | head -1)
# Of both: the types, and the events, whose ids begin where the group's do.
sed -n '/^typealias .*:= tw_[usp][0-9]/p; /^event {/,/^};/p' generated |
    grep -v '^	id = ' >a
sed -n '/^typealias .*:= tw_[usp][0-9]/p; /^event {/,/^};/p' "$recorded" |
    grep -v '^	id = ' >b
grep -q 'name = "out_disabled"' a || exit 1
diff a b && exit 0
echo "FAILED: not what the recording says"
exit 1
