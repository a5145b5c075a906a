#!/bin/bash
# SPDX-License-Identifier: MIT
# Printing: live rings, orphans and recordings, as text and as JSON.
# shellcheck source=tests/cli/trace/lib-trace.sh disable=SC1091,SC2154
. "${0%/*}/lib-trace.sh"
cd "$directory" || exit 1
export TZ=UTC-5

"$trackway" record -o dir -- "$emitter" 100 >/dev/null 2>&1
"$trackway" record -o threads -- "$emitter" -t 4 300 >/dev/null 2>&1
"$trackway" record -o odd -- "$emitter" -o 1 >/dev/null 2>&1

# ---- Text ----

run print dir
expect_status 0
expect_equal "$(grep -cE '^[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{9} [0-9]+ count thread=0 n=[0-9]+ check=0x[0-9a-f]+$' <<<"$out")" 100
local_hour=${out%%:*}
run print --utc dir
utc_hour=${out%%:*}
expect_equal "$(((10#$utc_hour + 5) % 24))" "$((10#$local_hour))"
run print --relative dir
expect_equal "${out%% *}" '+0.000000000'
run print --delta -n 2 dir
expect_equal "$(wc -l <<<"$out")" 2
[[ $out =~ ^\+0\.000000000\ .*$'\n'\+0\.[0-9]{9}\  ]] || fail "no differences"
run print -n 5 -e count dir
expect_equal "$(wc -l <<<"$out")" 5
run print -e -count dir
expect_out ''
expect_status 0
# A single producer's directory; and two recordings, each line with its program.
run print dir/emitter-*
expect_equal "$(wc -l <<<"$out")" 100
run print dir threads
expect_equal "$(grep -cE ' emitter:[0-9]+ +[0-9]+ count ' <<<"$out")" 1300
# In the order of time, over all threads.
run print threads
expect_equal "$(sort -c <<<"$out" 2>&1)" ''
for thread in 0 1 2 3; do
    expect_equal "$(sed -n "s/.*thread=$thread n=\([0-9]*\) .*/\1/p" \
        <<<"$out" | cksum)" "$(seq 0 299 | cksum)"
done
# What reaches a terminal is harmless.
run print odd
expect_out "*odd_values -1 18446744073709551615 1 'a\"\\\\\\\\\\\\n\\\\x1b\[31m\\\\xffé' (nil)"

# ---- JSON ----

run print --json dir
expect_status 0
run print --format json odd
python3 - "$out" <<'END' || fail "JSON is not what was emitted"
import json, sys
event = json.loads(sys.argv[1])
assert event["event"] == "odd_values" and event["producer"] == "emitter"
assert event["args"] == {"minus": -1, "most": 2**64 - 1, "yes": True,
                         "text": "a\"\\\n\x1b[31m\ufffd\u00e9", "p": 0}, event
assert event["time_ns"] > 1.6e18 and event["tid"] == event["pid"]
END
"$trackway" print --json threads >json
python3 - json <<'END' || fail "JSON lines are not the events"
import json, sys
last, seen = 0, set()
for line in open(sys.argv[1]):
    event = json.loads(line)
    assert event["time_ns"] >= last
    last = event["time_ns"]
    args = event["args"]
    assert args["check"] == (args["n"] * 2654435761 ^ args["thread"])
    seen.add((args["thread"], args["n"]))
assert len(seen) == 1200
END

# ---- Loss ----

# The recorder is stopped in the midst, or it might keep up.
"$trackway" record -o lossy --ring-size 64K -- "$emitter" -s 300000 \
    >/dev/null 2>stderr
read -r _ events _ lost _ <stderr
[ "$lost" -gt 0 ] || fail "nothing was lost"
run print lossy
expect_equal "$(wc -l <<<"$out")" "$events"
[[ $err =~ ^---\ [0-9]+\ events?\ lost\ \(lane\ 0\)\ ---  ]] ||
    fail "loss is not told"
"$trackway" print --json lossy >json
python3 - json "$events" "$lost" <<'END' || fail "JSON tells another loss"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert sum("event" in line for line in lines) == int(sys.argv[2])
assert sum(line.get("lost", 0) for line in lines) == int(sys.argv[3])
known = 0
for line in lines:  # where it was: the gap in n is the loss
    if "lost" in line:
        known += line["lost"]
    else:
        assert line["args"]["n"] == known
        known += 1
END

# ---- Rings ----

export TRACKWAY_EVENTS='*'
start_emitter -w 50
run print emitter
expect_equal "$(wc -l <<<"$out")" 50
run print "$pid"
expect_equal "$(wc -l <<<"$out")" 50
kill -KILL "$pid"
wait "$pid" 2>/dev/null
run print "$pid"
expect_status 0
expect_equal "$(wc -l <<<"$out")" 50
run print "$TRACKWAY_DIR"/emitter.*.ring
expect_equal "$(wc -l <<<"$out")" 50
# One that has ended has nothing to follow.
run print --follow "$pid"
expect_status 0
expect_equal "$(wc -l <<<"$out")" 50
rm "$TRACKWAY_DIR"/*.ring

# Followed: each event at once, though its page is never full; then the end.
unset TRACKWAY_EVENTS
start_emitter -l 3
"$trackway" enable "$pid" '*' >/dev/null
# Only this shell has the emitter's input open.
"$trackway" print --follow "$pid" >followed 2>stderr 9>&- &
follower=$!
children+=("$follower")
# From when on it does, there is no other way to tell.
: >followed
for ((count = 3; count < 3000; count += 3)); do
    go
    sleep 0.1
    [ -s followed ] && break
done
go
wait_for followed "n=$((count + 2)) "
first=$(sed -n '1s/.* n=\([0-9]*\) .*/\1/p' followed)
expect_equal "$(sed 's/.* n=\([0-9]*\) .*/\1/' followed)" \
    "$(seq "$first" $((count + 2)))"
exec 9>&-
wait "$follower"
status=$? out=$(cat followed) err=$(cat stderr)
expect_status 0
expect_err ''
expect_equal "$(wc -l <<<"$out")" $((count + 3 - first))

start_ticker
"$trackway" enable "$pid" '*' >/dev/null
run print -f -n 7 "$pid"
expect_status 0
expect_equal "$(wc -l <<<"$out")" 7
run print -f --history -n 1 "$pid"
first=${out#* }
sleep 0.1
run print -f --history -n 1 "$pid"
expect_equal "${out#* }" "$first"
# SIGTERM ends it as it should; so does a reader that has gone, quietly.
"$trackway" print -f "$pid" >followed 2>stderr &
follower=$!
children+=("$follower")
wait_for followed tick_end
end_by TERM "$follower"
status=$? err=$(cat stderr)
expect_status 0
expect_err ''
"$trackway" print -f "$pid" 2>stderr | head -n 1 >followed
err=$(cat stderr)
expect_err ''
expect_equal "$(wc -l <followed)" 1
"$trackway" print --json dir >/dev/full 2>stderr
status=$? err=$(cat stderr)
expect_status 1
expect_err 'trackway: stdout: No space left on device'

# ---- Mistakes ----

run print
expect_status 2
run print --format xml dir
expect_status 2
expect_err 'trackway print: --format*xml*'
run print no-such
expect_status 1
expect_err 'trackway: no-such*'
run print ./no-such
expect_status 1
mkdir empty
run print ./empty
expect_status 1
expect_err 'trackway: ./empty: holds no trace'
run print empty
expect_status 1
for command in print stat events; do
    run "$command" --events json dir
    expect_status 1
    expect_err "trackway: --events: no target is a guest's channel*"
    run "$command" --schema json dir
    expect_status 1
    expect_err "trackway: --schema: no target is a guest's memory*"
done
run print -e cuont dir
expect_status 1
expect_err "trackway: no event 'cuont', did you mean 'count'?"
run print -e 'x*' dir
expect_status 1
expect_err "trackway: no event matches 'x\*'"

# What is cut off is read as far as it goes, with one line about it.
cp -r dir cut
lane=$(echo cut/*/lane-0)
truncate -s -1 "$lane"
run print cut
expect_status 0
expect_err "trackway: $lane: ends early: a packet that is not whole at byte*"
truncate -s 10 cut/*/.trackway
run print cut
expect_status 1
expect_err 'trackway: cut/*: *'
