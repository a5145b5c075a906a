#!/bin/bash
# SPDX-License-Identifier: MIT
# trackway sync of a program on this host, and of what can't be asked; guests
# are in tests/guest/sync.
# shellcheck source=tests/cli/commands/lib.sh disable=SC1091,SC2154
. "${0%/*}/lib.sh"

# A program's clock is the host's.
start_ticker
run sync --json --plot "$directory/width.svg" "$pid"
expect_status 0
expect_err ''
expect_equal "$(jq -c '[.target, .name, .how, .epochs, .rejected, .virtual]' <<<"$out")" \
    "[\"$pid\",\"ticker\",\"own\",1,0,false]"
expect_equal "$(jq '.exchanges > 0 and .sightings == 0 and .hz > 0 and
    .width_min_ns <= .width_median_ns and .duration_ns >= 1000000000' <<<"$out")" true
grep -q '<path fill="none" stroke="#05c" d="M' "$directory/width.svg" ||
    fail "no line in the plot"
expect_equal "$(tail -n 1 "$directory/width.svg")" '</svg>'
run sync "$pid"
expect_status 0
expect_out 'how *exchanges in 1 s*rate *Hz*width *epochs   1'
run sync --plot "$directory/none/width.svg" "$pid"
expect_status 1
expect_err "trackway: $directory/none/width.svg: No such file or directory"
end_ticker "$pid"

# A memory in which nobody answers, and one that can't be written to.
memory=$directory/memory
make_ring one 0
cp "$TRACKWAY_DIR"/one.*ring "$memory"
run sync "ram:$memory"
expect_status 1
expect_err "trackway: ram:$memory: it doesn't answer*"
run sync "image:$memory"
expect_status 1
expect_err "trackway: image:$memory: can't be written to"
run sync "channel:$memory"
expect_status 1
expect_err "trackway: channel:$memory: *"
run sync "qemu-log:$memory"
expect_status 1
expect_err "trackway: qemu-log:$memory: another tracer's events*"
run sync "ram:$directory/nothing"
expect_status 1
expect_err "trackway: ram:$directory/nothing: no such file"

# Mistakes.
run sync
expect_status 2
expect_err 'trackway sync: no TARGET given *'
run sync a b
expect_status 2
expect_err 'trackway sync: one TARGET at a time *'
run sync --duration 0 a
expect_status 2
expect_err "trackway sync: --duration: '0' is not a number from 1 to 86400 *"
