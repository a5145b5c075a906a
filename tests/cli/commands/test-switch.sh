#!/bin/bash
# SPDX-License-Identifier: MIT
# trackway enable and disable.
# shellcheck source=tests/cli/commands/lib.sh disable=SC1091,SC2154
. "${0%/*}/lib.sh"

states()
{
    "$trackway" events "$pid" | awk 'NR > 1 { printf "%s ", $2 }'
}

start_ticker
run enable ticker tick_start
expect_status 0
expect_err ''
expect_equal "$out" '1 event on'
expect_equal "$(states)" 'on off off unavailable '
run enable ticker tick_start tick_end
expect_equal "$out" '2 events on, 1 of them as before'
run enable ticker tick_start
expect_equal "$out" '1 event on, as before'
run disable ticker 'tick_e*' tick_e
expect_status 1
expect_err "trackway: ticker: no event 'tick_e', did you mean 'tick_end'?"
expect_equal "$(states)" 'on on off unavailable '
run disable ticker 'tick_e*' '*end'
expect_equal "$out" '1 event off'
expect_equal "$(states)" 'on off off unavailable '

# All: what is compiled out is no part of it.
run enable "$pid" '*'
expect_status 0
expect_equal "$out" '3 events on, 1 of them as before'
run disable "$pid" '*'
expect_equal "$out" '3 events off'
expect_equal "$(states)" 'off off off unavailable '

run enable ticker tick_never
expect_status 1
expect_err "trackway: ticker: 'tick_never' is unavailable: *"
run enable ticker '*_never'
expect_status 1

# Any mistake, and nothing is switched; each is named.
run enable ticker 'tick_*' nonsense 'zz*'
expect_status 1
expect_equal "$err" "trackway: ticker: no event 'nonsense'
trackway: ticker: no event matches 'zz*'"
expect_equal "$(states)" 'off off off unavailable '

run enable --json ticker tick_quiet
expect_status 0
expect_equal "$out" "{\"target\":\"ticker\",\"pid\":$pid,\"state\":\"on\",\"count\":1,\"changed\":1,\"events\":[\"tick_quiet\"]}"
expect_equal "$(states)" 'off off on unavailable '

# The program itself goes by it: an event that is on is written.
end_ticker "$pid"
start_ticker
run enable ticker tick_end
for ((tries = 0; tries < 3000; tries++)); do
    run print "$pid"
    [[ $out == *tick_end* ]] && break
    sleep 0.01
done
end_ticker "$pid" KILL
run print "$pid"
expect_status 0
expect_out '*tick_end*took *'
[[ $out != *tick_start* ]] || fail "an event that was off is there"

# It is dead now.
run enable ticker tick_end
expect_status 1
expect_err "trackway: ticker: not running: process $pid has ended"
run disable "$TRACKWAY_DIR/ticker.$pid.ring" tick_end
expect_status 1
expect_err "trackway: *: not running: *"

run enable
expect_status 2
expect_err 'trackway enable: which target?*'
run enable ticker
expect_status 2
expect_err "trackway enable: which events? Name them, or say '\*' for all*"
run disable --bogus ticker '*'
expect_status 2
expect_err 'trackway disable: unknown option --bogus*'

# Read only: seen, not switched.
as_nobody()
{
    setpriv --reuid 65534 --regid 65534 --clear-groups "$@" 2>&1
}
if [ "$(id -u)" -eq 0 ] && as_nobody "$trackway" --version >/dev/null; then
    chmod 711 "$directory" "$TRACKWAY_DIR"
    start_ticker
    ring=$TRACKWAY_DIR/ticker.$pid.ring
    chmod 604 "$ring"
    out=$(as_nobody "$trackway" events "$ring" tick_end)
    expect_out '*tick_end*'
    out=$(as_nobody "$trackway" enable "$ring" tick_end)
    expect_out "trackway: $ring: its ring is not yours to write to"
    chmod 600 "$ring"
    out=$(as_nobody "$trackway" events "$ring")
    expect_out "trackway: $ring: not yours: it belongs to root"
    out=$(as_nobody env -u TRACKWAY_DIR "$trackway" events "$pid")
    expect_out "trackway: $pid: not yours: the process belongs to root"
    expect_equal "$(states)" 'off off off unavailable '
fi
