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
wait_for_events "$pid" 50
# Its time begins when the look does. A program that is kept from running
# counts less meanwhile, so it may take more than one second.
for ((seconds = 1; seconds < 64; seconds *= 2)); do
    begin=$(date +%s%N)
    run stat --seconds "$seconds" "$pid"
    took=$((($(date +%s%N) - begin) / 1000000))
    counted=$(sed -n 's/^tick_start *\([0-9]*\).*/\1/p' <<<"$out")
    [ "${counted:-0}" -gt 20 ] && break
done
expect_status 0
expect_out "ticker $pid: * events,*0 lost, in *.??? s*tick_quiet*"
expect_equal "$(awk '/^EVENT/ { on = 1; next } /^$/ { on = 0 } on { print $2 }' \
    <<<"$out" | sort -rnc 2>&1)" ''
[[ $out =~ in\ ([0-9]+)\.([0-9]{3})\ s ]] || fail "no time"
seconds_ms=$((10#${BASH_REMATCH[1]}${BASH_REMATCH[2]}))
{ [ "$seconds_ms" -ge $((seconds * 1000)) ] && [ "$seconds_ms" -le "$took" ]; } ||
    fail "$seconds s are $seconds_ms ms, of $took ms"
# It ticks each 5 ms at the most.
{ [ "$counted" -gt 20 ] && [ "$counted" -le $((took / 5 + 1)) ]; } ||
    fail "$counted events in $took ms"
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
