#!/bin/bash
# SPDX-License-Identifier: MIT
# Counting: by event and by lane, in recordings and rings.
# shellcheck source=tests/cli/trace/lib-trace.sh disable=SC1091,SC2154
. "${0%/*}/lib-trace.sh"
cd "$directory" || exit 1

"$trackway" record -o dir -- sh -c "'$emitter' -t 3 100; '$emitter' -o 1" \
    >/dev/null 2>&1

run stat dir
expect_status 0
expect_err ''
expect_out "emitter *: 300 events, 8400 bytes, 0 lost, in *"
[[ $out =~ count\ +300\ +[0-9.]+\ +8400\ +100\.0%$'\n' ]] || fail "no count"
[[ $out =~ LANE\ +THREAD\ +NAME\ +LEVEL\ +EVENTS\ +OVERWRITTEN\ +DISCARDED ]] ||
    fail "no lanes"
# A thread that came when another had gone has its lane.
expect_equal "$(awk '$3 == "emitter" && $4 == 0 && $6 == 0 && $7 == 0 \
    { n += $5 } END { print n }' <<<"$out")" 301

run stat --json dir
expect_status 0
python3 - "$out" <<'END' || fail "JSON counts otherwise"
import json, sys
one, two = json.loads(sys.argv[1])["producers"]
assert one["name"] == two["name"] == "emitter" and one["pid"] < two["pid"]
assert one["count"] == 300 and one["lost"] == one["discarded"] == 0
assert one["complete"] is True and one["seconds"] > 0
event, = one["events"]
assert event["name"] == "count" and event["bytes"] == 8400
assert abs(event["rate"] * one["seconds"] - 300) < 1e-6
assert sum(lane["count"] for lane in one["lanes"]) == 300
assert all(lane["count"] % 100 == 0 for lane in one["lanes"])
assert {lane["name"] for lane in one["lanes"]} == {"emitter"}
assert two["events"][0]["name"] == "odd_values" and two["count"] == 1
END

# Most frequent first, in a live ring and in a dead one's.
start_ticker
"$trackway" enable "$pid" '*' >/dev/null
sleep 0.5
run stat --seconds 1 "$pid"
expect_status 0
expect_out "ticker $pid: * events,*0 lost, in 1.*tick_end*tick_start*tick_quiet*"
counted=$(sed -n 's/^tick_start *\([0-9]*\).*/\1/p' <<<"$out")
{ [ "$counted" -gt 20 ] && [ "$counted" -lt 400 ]; } ||
    fail "$counted events in a second"
run stat "$pid"
expect_status 0
[ "$(sed -n 's/^tick_start *\([0-9]*\).*/\1/p' <<<"$out")" -gt "$counted" ] ||
    fail "the ring holds no more than a second's"
end_ticker "$pid" KILL
run stat "$pid"
expect_status 0
dead_count=$(sed -n 's/^tick_start *\([0-9]*\).*/\1/p' <<<"$out")
expect_equal "$("$trackway" print -e tick_start "$pid" | wc -l)" "$dead_count"

# Overwritten, to the event.
export TRACKWAY_EVENTS='*' TRACKWAY_RING_SIZE=64K
start_emitter -t 2 -w 50000
run stat --json "$pid"
python3 - "$out" <<'END' || fail "loss is not exact"
import json, sys
it, = json.loads(sys.argv[1])["producers"]
assert it["lost"] > 0 and it["count"] + it["lost"] == 100000, it
assert sum(lane["lost"] for lane in it["lanes"]) == it["lost"]
END
expect_equal "$("$trackway" print "$pid" 2>/dev/null | wc -l)" \
    "$(python3 -c 'import json, sys
print(json.loads(sys.argv[1])["producers"][0]["count"])' "$out")"
go

run stat
expect_status 2
run stat no-such
expect_status 1
run stat --seconds x dir
expect_status 2
