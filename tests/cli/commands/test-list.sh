#!/bin/bash
# SPDX-License-Identifier: MIT
# trackway list: running, killed, ended and kept; nothing; --json; --clean.
# shellcheck source=tests/cli/commands/lib.sh disable=SC1091,SC2154
. "${0%/*}/lib.sh"

# Nothing at all.
run list
expect_status 0
expect_out ''
expect_err 'trackway: no program of yours is being traced*'
run list --json
expect_status 0
expect_equal "$out" '[]'
expect_err ''
run list --clean
expect_out '0 rings of ended programs removed'

# A program, from start to end.
start_ticker
run list
expect_status 0
expect_err ''
expect_out "NAME *PID *STATE *EVENTS *ON *RING *STARTED*ticker *$pid *running *3 *0 *16M *ago"
run list --json
expect_equal "$(jq -c '.[] | [.name, .pid, .state, .events, .enabled]' \
    <<<"$out")" "[\"ticker\",$pid,\"running\",3,0]"
expect_equal "$(jq -r '.[].path' <<<"$out")" \
    "$TRACKWAY_DIR/ticker.$pid.ring"
age=$(jq '(now - .[0].started_ns / 1e9) | floor' <<<"$out")
[[ $age -ge 0 && $age -lt 600 ]] || fail "started $age s ago"
run enable ticker tick_start
run list
expect_out "*ticker *$pid *running *3 *1 *16M *"
end_ticker "$pid"
run list
expect_out ''

# One that is killed, one that goes on, one that is kept.
start_ticker
killed=$pid
end_ticker "$killed" KILL
start_ticker
running=$pid
TRACKWAY_KEEP=1 start_ticker
kept=$pid
end_ticker "$kept"
pid=$running
run list --json
expect_equal "$(jq -r '.[] | "\(.pid) \(.state)"' <<<"$out" | sort)" \
    "$(printf '%s\n' "$killed orphan" "$kept closed" "$pid running" | sort)"

# What is no ring of a program's is neither listed nor removed.
touch "$TRACKWAY_DIR/empty.1.ring"
ln -s "ticker.$killed.ring" "$TRACKWAY_DIR/link.1.ring"
make_ring newer $((dead + 1)) newer
run list
expect_status 0
expect_err "trackway: *newer.*.ring: made by a newer Trackway*"
expect_equal "$(wc -l <<<"$out")" 4

# By name, then by pid; the other byte order is listed like any.
make_ring zeta $((dead + 1)) big
make_ring alpha $((dead + 3))
make_ring alpha $((dead + 2)) closed
run list
expect_equal "$(awk 'NR > 1 { print $1 }' <<<"$out" | tr '\n' ' ')" \
    'alpha alpha ticker ticker ticker zeta '
expect_out "*alpha *$((dead + 2)) *closed *
alpha *$((dead + 3)) *orphan *"

# Every line of a table is as wide as a terminal at most.
expect_equal "$(awk 'length > 80' <<<"$out")" ''

run list --clean --json
expect_status 0
expect_equal "$out" '{"removed":5}'
run list
expect_equal "$(awk 'NR > 1 { print $2 }' <<<"$out")" "$pid"
[ -e "$TRACKWAY_DIR/empty.1.ring" ] || fail "a file that is no ring is gone"
[ -L "$TRACKWAY_DIR/link.1.ring" ] || fail "a link is gone"
[ -e "$TRACKWAY_DIR/newer.$((dead + 1)).ring" ] || fail "a newer ring is gone"
run enable "$pid" tick_start
expect_status 0

# Names of programs may be anything; a terminal must not obey them.
make_ring $'red\e[31m' $((dead + 7))
run list
expect_out '*red\\x1b\[31m*'
run list --json
expect_out '*"red\\u001b\[31m"*'
jq . <<<"$out" >/dev/null || fail "no JSON"

# A guest's memory: a ring, and one that is cut off.
make_ring guest $((dead + 8))
memory=$TRACKWAY_DIR/memory
{
    head -c 8192 /dev/zero
    cat "$TRACKWAY_DIR/guest.$((dead + 8)).ring"
    head -c 4096 "$TRACKWAY_DIR/guest.$((dead + 8)).ring"
} >"$memory"
run list "image:$memory"
expect_status 0
expect_out "NAME *BOOT *STATE *EVENTS *ON *RING *PLACE
guest *image:$memory/0x2000
*refused *image:$memory/0x*: *"
run list --json "image:$memory"
expect_equal "$(jq -c '.[0] | [.name, .place]' <<<"$out")" '["guest",8192]'
expect_equal "$(jq -c '.[1] | [.state, .why != null]' <<<"$out")" \
    '["refused",true]'
head -c 8192 /dev/zero >"$memory"
run list "image:$memory"
expect_status 0
expect_out ''
expect_err 'trackway: no ring is there*'
run list --json "image:$memory"
expect_equal "$out" '[]'
run list "image:$memory.not"
expect_status 1


# Targets of all kinds together: programs first, then guests' memories. A name
# stands for all that have it, and a ring that is named twice is listed once.
cat "$TRACKWAY_DIR/guest.$((dead + 8)).ring" >"$memory"
make_ring alpha $((dead + 2)) closed
make_ring alpha $((dead + 3))
run list "image:$memory" alpha "$pid" ticker "ring:$TRACKWAY_DIR/ticker.$pid.ring" \
    "$pid"
expect_status 0
expect_err ''
expect_equal "$(awk '{ print $1, $2 }' <<<"$out")" "NAME PID
alpha $((dead + 2))
alpha $((dead + 3))
ticker $pid
 
NAME BOOT
guest 1"
run list --json "image:$memory" "$pid" alpha
expect_status 0
expect_equal "$(jq -c '[.[].name]' <<<"$out")" \
    '["ticker","alpha","alpha","guest"]'
run list --json "image:$memory"
expect_equal "$(jq -c '[.[].name]' <<<"$out")" '["guest"]'
run list "$pid"
expect_equal "$(wc -l <<<"$out")" 2
# What isn't there is said, and leaves the others.
run list "$pid" surplus "image:$memory"
expect_status 1
expect_err 'trackway: surplus: no traced program of this name*'
expect_equal "$(wc -l <<<"$out")" 5
run list "$pid" "image:$memory.not"
expect_status 1
expect_err "trackway: image:$memory.not: *"
expect_equal "$(wc -l <<<"$out")" 2
run list --json surplus
expect_status 1
expect_equal "$out" '[]'
run list $((dead + 9))
expect_status 1
expect_err "trackway: $((dead + 9)): no such process"
expect_out ''
run list "channel:$memory"
expect_status 1
expect_err 'trackway: channel:*: a channel has no ring*'
run list qemu-log:x
expect_status 1
expect_err "trackway: qemu-log:x: another tracer's events*"
run list --clean "image:$memory"
expect_status 2
run list --clean "$pid"
expect_status 2
expect_err 'trackway list: --clean takes no target*'
