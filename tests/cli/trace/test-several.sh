#!/bin/bash
# SPDX-License-Identifier: MIT
# Several producers at once: programs, a guest and a command in one recording;
# recordings, rings and guests in one print, with a column for their names.
# shellcheck source=tests/cli/trace/lib-trace.sh disable=SC1091,SC2154
. "${0%/*}/lib-trace.sh"
player=$(realpath "$5")
cd "$directory" || exit 1
export TZ=UTC

# ---- A guest, a program by its name and one by its pid ----

mkfifo orders
: >answers
"$player" - 0x100000 65536 firmware <orders >answers &
machine=$!
children+=("$machine")
exec 8>orders
echo boot >&8
wait_for answers booted

# Tell the guest to emit ten events, and wait until it has.
count_guest()
{
    local before

    before=$(wc -l <answers)
    echo 'emit 10' >&8
    while [ "$(wc -l <answers)" -eq "$before" ]; do
        sleep 0.01
    done
}

start_ticker
one=$pid
start_emitter -r -w 500
two=$pid
"$trackway" record -o all "vm:$machine" "pid:$one" emitter "pid:$one" \
    2>stderr &
recorder=$!
children+=("$recorder")
wait_until_on "$one" tick_start
wait_until_on "$two" count
wait_for_events "$one" 1
echo wait >&8
wait_for answers on
# The end of one doesn't end the others.
go
wait_for "$directory/emitter" emitted
go
wait "$two"
end_ticker "$one"
kill -0 "$recorder" || fail "the recording ended with its first producers"
count_guest
end_by TERM "$recorder"
status=$? err=$(cat stderr)
expect_status 0
expect_equal "$(find all -mindepth 1 -maxdepth 1 | sort | tr '\n' ' ')" \
    "all/emitter-$two all/firmware-epoch1 all/ticker-$one "
grep -qx "trackway: all/emitter-$two: 500 events, 0 lost" stderr ||
    fail "no line for the emitter"
grep -qx "trackway: all/firmware-epoch1: 10 events, 0 lost" stderr ||
    fail "no line for the guest"
expect_equal "$(wc -l <stderr)" 4
[[ $(tail -n 1 stderr) == "trackway: "*" events, 0 lost, from 3 producers in all" ]] ||
    fail "no line for all"
total=$(tail -n 1 stderr | awk '{ print $2 }')
expect_equal "$(awk -F': ' 'NF == 3 { sum += $3 } END { print sum }' stderr)" \
    "$total"

# ---- Printed as one ----

"$trackway" print all >lines
expect_equal "$(wc -l <lines)" "$total"
expect_equal "$(sort -c lines 2>&1)" ''
# A column as wide as the longest name; nothing of colours.
expect_equal "$(cut -c 19-28 lines | sort | uniq -c | awk '{ print $2 }' |
    tr '\n' ' ')" 'emitter firmware ticker '
expect_equal "$(cut -c 19-28 lines | sort -u | tr '\n' '|')" \
    ' emitter  | firmware | ticker   |'
grep -q $'\x1b' lines && fail "colours in a file"
# Omitted where there is one; the same events from parts as from all.
"$trackway" print "all/emitter-$two" >part
expect_equal "$(cut -c 1-19 part)" "$(grep ' emitter ' lines | cut -c 1-19)"
grep -q emitter part && fail "a name that tells nothing"
"$trackway" print all/* >parts
expect_equal "$(cksum <parts)" "$(cksum <lines)"
# A target that is named twice is printed once.
run print all all
expect_equal "$(wc -l <<<"$out")" "$total"
# Colours on a terminal, one for each.
if script --version >/dev/null 2>&1; then
    TERM=xterm script -qc "'$trackway' print all" /dev/null </dev/null >screen
    grep -q $'\x1b\[36memitter ' screen || fail "no colour"
    grep -q $'\x1b\[35mfirmware' screen || fail "no other colour"
    TERM=xterm NO_COLOR=1 script -qc "'$trackway' print all" /dev/null \
        </dev/null >screen
    grep -q $'\x1b' screen && fail "colours, despite NO_COLOR"
fi
run stat --json all
expect_equal "$(grep -o '"name":"[a-z]*","pid"' <<<"$out" | tr '\n' ' ')" \
    '"name":"emitter","pid" "name":"firmware","pid" "name":"ticker","pid" '

# The same program twice: its pid tells them apart. A long name is cut.
ln -s "$emitter" emitter-of-a-very-long-name
"$trackway" record -o long -- sh -c \
    "'$emitter' 3; '$emitter' 4; ./emitter-of-a-very-long-name 5;
    ./emitter-of-a-very-long-name 5" >/dev/null 2>stderr
"$trackway" print long >lines
expect_equal "$(grep -cE '^[0-9:.]{18} emitter:[0-9]+ +[0-9]+ count ' lines)" 7
expect_equal "$(grep -cE '^[0-9:.]{18} emitter-[of]+~:[0-9]+ [0-9]+ count ' \
    lines)" 10
expect_equal "$(cut -c 36 lines | sort -u)" ' '

# ---- Bounds ----

# Of a guest that answers nothing it is known by when its events were there, no
# more; what is on the host's clock has no bounds.
"$trackway" print --bounds all >lines
expect_equal "$(grep -cE '^[0-9:.]{18}      \+0      -0  (emitter|ticker) ' lines)" \
    "$((total - 10))"
expect_equal "$(grep -cE '^[0-9:.]{18} +\+[0-9][0-9.nums]* +-\?  firmware ' lines)" 10
"$trackway" print --json all >lines
expect_equal "$(grep -cE '"plus_ns":[0-9]+,"minus_ns":null,"producer":"firmware"' \
    lines)" 10
expect_equal "$(grep -c plus_ns lines)" 10
"$trackway" print --json --bounds all >lines
expect_equal "$(grep -c '"plus_ns":0,"minus_ns":0,"producer"' lines)" \
    "$((total - 10))"
run stat all/firmware-epoch1
[[ $out == *', times to +'[0-9]*' -?'$'\n'* ]] || fail "stat knows bounds"
run stat "all/emitter-$two"
[[ $out == *'times to'* ]] && fail "stat knows bounds of the host's clock"

# ---- Live ----

start_ticker
one=$pid
start_ticker
two=$pid
"$trackway" enable "$one" tick_start >enabled || fail enable
"$trackway" enable "$two" tick_end >enabled || fail enable
"$trackway" enable "vm:$machine" count >enabled || fail enable
"$trackway" print -f --json "$one" "pid:$two" "vm:$machine" all >followed \
    2>stderr &
follower=$!
children+=("$follower")
# Not those that were recorded.
wait_for followed "\"pid\":$one,.*tick_start"
wait_for followed "\"pid\":$two,.*tick_end"
expect_equal "$(grep -c firmware followed)" 10
count_guest
for ((tries = 0; tries < 3000; tries++)); do
    [ "$(grep -c firmware followed)" -ge 20 ] && break
    sleep 0.01
done
expect_equal "$(grep -c firmware followed)" 20
# The end of one doesn't end the others.
end_ticker "$one"
wait_for_lines followed $(($(wc -l <followed) + 20))
end_by TERM "$follower"
status=$?
expect_status 0
python3 - followed stderr <<'END' || fail "lines are not in order"
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
assert {event["producer"] for event in events} == {
    "ticker", "emitter", "firmware"}
assert {event["event"] for event in events} >= {"tick_start", "tick_end"}
# In order, but for those that say that they are not: a machine as busy as this
# one may be can keep a program from writing for longer than that.
last = 0
late = 0
for event in events:
    if event.get("late"):
        late += 1
    else:
        assert event["time_ns"] + 10000 >= last, event
        last = max(last, event["time_ns"])
said = [line for line in open(sys.argv[2]) if "came too late" in line]
assert (late > 0) == (len(said) == 1), (late, said)
if late:
    assert said[0].startswith(f"trackway: {late} event"), said
END
end_ticker "$two"

# ---- The end of one doesn't end the others; that of the last does ----

start_ticker
one=$pid
start_emitter -r 500
two=$pid
"$trackway" record -o ends -e tick_start -e count "$one" "$two" 2>stderr &
recorder=$!
children+=("$recorder")
wait_until_on "$one" tick_start
wait_until_on "$two" count
end_ticker "$one"
for ((tries = 0; tries < 3000; tries++)); do
    "$trackway" stat --json "ends/ticker-$one" >stat 2>/dev/null
    grep -q '"complete":true' stat && break
    sleep 0.01
done
grep -q '"complete":true' stat || fail "the first one's recording has no end"
go
wait "$two"
wait "$recorder"
expect_equal "$?" 0
grep -qx "trackway: ends/emitter-$two: 500 events, 0 lost" stderr ||
    fail "the other was not recorded: $(cat stderr)"

# ---- A command beside others ----

start_ticker
one=$pid
# It lasts until the program has come to its turn.
run record -o beside -e tick_start -e count pid:"$one" -- sh -c "'$emitter' 100
    until '$trackway' print $one | grep -q tick_start; do sleep 0.01; done"
expect_status 0
expect_out emitted
grep -q "trackway: beside/emitter-[0-9]*: 100 events, 0 lost" <<<"$err" ||
    fail "no line for the command"
grep -q "trackway: beside/ticker-$one: [1-9][0-9]* events, 0 lost" <<<"$err" ||
    fail "no line for the program"
run events "$one"
[[ $out != *' on'* ]] || fail "events are left on"
# The command's status counts, also of one that emits nothing.
run record -o status -e tick_start "$one" -- sh -c 'sleep 0.1; exit 7'
expect_status 7
run record -o none -e tick_start "$one" -- ./no-such-command
expect_status 127
run events "$one"
[[ $out != *' on'* ]] || fail "events are left on"
# Nothing is started where a target can't be had.
run record -o nothing "$one" "$dead" -- touch started
expect_status 1
[ ! -e started ] || fail "the command was started"
[ ! -e nothing ] || fail "a directory was made"
end_ticker "$one"

echo quit >&8
wait "$machine"
