#!/bin/bash
# SPDX-License-Identifier: MIT
# trackway events: of running programs, of killed ones, of foreign rings.
# shellcheck source=tests/cli/commands/lib.sh disable=SC1091,SC2154
. "${0%/*}/lib.sh"

start_ticker
run events ticker
expect_status 0
expect_err ''
expect_equal "$out" "NAME        STATE
tick_start  off
tick_end    off
tick_quiet  off
tick_never  unavailable"

# All ways to say which program.
for target in "$pid" "pid:$pid" "$TRACKWAY_DIR/ticker.$pid.ring" \
    "ring:$TRACKWAY_DIR/ticker.$pid.ring"; do
    run events "$target" tick_quiet
    expect_status 0
    expect_equal "$out" "NAME        STATE
tick_quiet  off"
done

run enable ticker tick_end
run events ticker '*_e*' 'tick_start'
expect_equal "$out" "NAME        STATE
tick_start  off
tick_end    on"

run events -v ticker tick_start
expect_status 0
expect_out "tick_start(int n, const char \*who)
    state   off
    format  n=%d who=%s
    group   *
    from    *trace-events:2"
run events --verbose ticker
expect_equal "$(grep -c '^    from ' <<<"$out")" 4
expect_out '*tick_quiet(void)*'

run events --json ticker
expect_status 0
expect_equal "$(jq -c '.[] | [.name, .state, .line]' <<<"$out")" \
    '["tick_start","off",2]
["tick_end","on",3]
["tick_quiet","off",4]
["tick_never","unavailable",5]'
expect_equal "$(jq -c '.[0] | [.format, .pid, .program]' <<<"$out")" \
    "[\"n=%d who=%s\",$pid,\"ticker\"]"
expect_equal "$(jq -c '.[0].arguments' <<<"$out")" \
    '[{"name":"n","type":"int","kind":"signed","size":4},{"name":"who","type":"const char *","kind":"string","size":0}]'

# Names that are nobody's.
run events ticker tick_strat
expect_status 1
expect_out ''
expect_err "trackway: ticker: no event 'tick_strat', did you mean 'tick_start'?"
run events ticker nothing_like_it
expect_status 1
expect_err "trackway: ticker: no event 'nothing_like_it'"
run events ticker 'x*'
expect_status 1
expect_err "trackway: ticker: no event matches 'x\*'"

# Targets that are none.
run events tikcer
expect_status 1
expect_err 'trackway: tikcer: no traced program of this name*'
run events $((dead + 1))
expect_status 1
expect_err "trackway: $((dead + 1)): no such process"
run events $$
expect_status 1
expect_err "trackway: $$: the process has no ring*"
run events "$directory"
expect_status 1
expect_err "trackway: $directory: a directory, not a ring file"
run events "$directory/none"
expect_status 1
expect_err "trackway: $directory/none: no such file"
mkfifo "$directory/fifo"
run events "$directory/fifo"
expect_status 1
expect_err "trackway: $directory/fifo: a FIFO, not a ring file"

make_ring short $((dead + 1)) short
run events short
expect_status 1
expect_err "trackway: *: truncated: 3072 bytes of a ring of 6144"
make_ring newer $((dead + 1)) newer
run events newer
expect_status 1
expect_err 'trackway: *: made by a newer Trackway: ring version 2, *'

# Two of a name, then the one that runs.
first=$pid
start_ticker
run events ticker
expect_status 1
expect_err "trackway: ticker: several rings, give one's PID: *$first (running)*"
end_ticker "$pid" KILL
run events ticker
expect_status 0
run events "$pid"
expect_status 0
expect_out '*tick_start*'
end_ticker "$first"
run events ticker
expect_status 0
run events "$first"
expect_status 1

# The other byte order.
make_ring be $((dead + 1)) big
run events -v be demo_start
expect_status 0
expect_out "demo_start(int value, const char \*text)*demo/trace-events:3"

run events
expect_status 2
expect_err 'trackway events: which target?*'
