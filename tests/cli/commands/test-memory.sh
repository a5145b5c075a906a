#!/bin/bash
# SPDX-License-Identifier: MIT
# trackway events, enable and disable of the rings in a guest's memory.
# shellcheck source=tests/cli/commands/lib.sh disable=SC1091,SC2154
. "${0%/*}/lib.sh"

memory=$directory/memory
make_ring one 0
make_ring two 0 big
cat "$TRACKWAY_DIR"/one.*ring "$TRACKWAY_DIR"/two.*ring >"$memory"
size=$(stat -c %s "$TRACKWAY_DIR"/one.*ring)
second=$(printf '0x%x' "$size")

# All of them, or the one that is named.
run enable "ram:$memory" demo_start
expect_status 0
expect_err ''
expect_equal "$out" '2 events on in 2 rings'
run enable "ram:$memory" '*'
expect_equal "$out" '4 events on in 2 rings, 2 of them as before'
run disable "ram:$memory/two" demo_start
expect_equal "$out" '1 event off'
run disable --json "ram:$memory/$second" demo_stop
expect_equal "$out" "{\"target\":\"ram:$memory/$second\",\"rings\":1,\"state\":\"off\",\"count\":1,\"changed\":1,\"events\":[\"demo_stop\"]}"
run events "ram:$memory"
expect_status 0
expect_equal "$(awk 'NR > 1 { printf "%s %s %s,", $1, $2, $3 }' <<<"$out")" \
    'demo_start on one,demo_stop on one,demo_never unavailable one,demo_start off two,demo_stop off two,demo_never unavailable two,'
run events --json "image:$memory/one" demo_stop
expect_equal "$(jq -c '.[] | [.name, .state, .program]' <<<"$out")" \
    '["demo_stop","on","one"]'

# Mistakes switch nothing.
run disable "ram:$memory" demo_start nonsense
expect_status 1
expect_err "trackway: ram:$memory: no event 'nonsense'"
run events "ram:$memory/one" demo_start
expect_out '*demo_start *on*'
run enable "image:$memory" demo_start
expect_status 1
expect_err "trackway: image:$memory: can't be written to"
run enable "ram:$memory/three" demo_start
expect_status 1
expect_err "trackway: ram:$memory: no such ring: three"
run enable "ram:$directory/nothing" demo_start
expect_status 1
expect_err "trackway: ram:$directory/nothing: no such file"
run events --schema "$directory/nothing" "ram:$memory"
expect_status 1
expect_err "trackway: $directory/nothing: No such file or directory"

# A program's memory, of which nothing is a guest's.
start_ticker
run events "vm:$pid"
expect_status 1
expect_err "trackway: vm:$pid*"
run enable vm:999999999 demo_start
expect_status 1
expect_err 'trackway: vm:999999999: no such process'
end_ticker "$pid"
