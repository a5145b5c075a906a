#!/bin/bash
# SPDX-License-Identifier: MIT
# Recording: running programs and commands, exact numbers, states put back.
# shellcheck source=tests/cli/trace/lib-trace.sh disable=SC1091,SC2154
. "${0%/*}/lib-trace.sh"
cd "$directory" || exit 1

# ---- A command ----

run record -o plain -- "$emitter" 1000
expect_status 0
expect_out emitted
expect_err 'trackway: 1000 events, 0 lost, from 1 producer in plain'
expect_equal "$(ls plain)" "$(basename plain/emitter-*)"
expect_equal "$(stat -c %a plain plain/*/lane-0 | tr '\n' ' ')" '700 600 '
expect_babeltrace plain 1000
run print plain
expect_equal "$(wc -l <<<"$out")" 1000
expect_err ''
# Each event once and in order.
expect_equal "$(sed 's/.* n=\([0-9]*\) .*/\1/' <<<"$out" | cksum)" \
    "$(seq 0 999 | cksum)"
# Nothing is left of the command's rings.
expect_equal "$(find "$TRACKWAY_DIR" "$XDG_RUNTIME_DIR" -mindepth 1)" ''
rings=$TRACKWAY_DIR
unset TRACKWAY_DIR
run record -o elsewhere -- "$emitter" 1000
expect_err 'trackway: 1000 events, 0 lost, from 1 producer in elsewhere'
export TRACKWAY_DIR=$rings
expect_equal "$(find "$TRACKWAY_DIR" "$XDG_RUNTIME_DIR" -mindepth 1)" \
    "$XDG_RUNTIME_DIR/trackway"

run record -o x -- "$emitter" -x 3 10
expect_status 3
run record -o x2 -- sh -c 'kill -TERM $$'
expect_status 1
expect_out ''
expect_err 'trackway: *: has made no ring*'
[ ! -e x2 ] || fail "an empty directory is left"
run record -o x3 -- sh -c "'$emitter' 10; kill -TERM \$\$"
expect_status 143
run record -o x4 -- ./no-such-command
expect_status 127
expect_err 'trackway: ./no-such-command: cannot be run: No such file*'
[ ! -e x4 ] || fail "an empty directory is left"
run record -o x5 -- "$directory"
expect_status 126

# Threads, children by fork and by exec: all that they did.
run record -o many -- sh -c "'$emitter' -t 4 500; '$emitter' -f 3 500"
expect_status 0
expect_err 'trackway: 4000 events, 0 lost, from 5 producers in many'
expect_babeltrace many 4000
expect_equal "$("$trackway" print many | wc -l)" 4000
# A child's threads lose what they emit while its ring is made, and say so.
run record -o both -- "$emitter" -t 4 -f 3 500
read -r events lost <<<"$(recorded)"
expect_equal "$((events + lost))" 8000

# Some of its events.
run record -o some -e 'odd*' -e '-count' -- "$emitter" -o 1
expect_err 'trackway: 1 events, 0 lost, from 1 producer in some'
run record -o none -e 'c*' -- "$emitter" -o 1
expect_err 'trackway: 0 events, 0 lost, from 1 producer in none'
run record -o all-but -e -count -- "$emitter" 5
expect_err 'trackway: 0 events, 0 lost, *'
TRACKWAY=off run record -o on -- "$emitter" 5
expect_err 'trackway: 5 events, 0 lost, *'

# Too much for its ring, in each mode.
for mode in overwrite discard; do
    run record -o "$mode" --ring-size 64K --mode "$mode" -- \
        "$emitter" -t 3 200000
    read -r events lost <<<"$(recorded)"
    expect_equal "$((events + lost))" 600000
    expect_equal "$("$trackway" print "$mode" 2>lost | wc -l)" "$events"
    expect_equal "$(awk '{ n += $2 } END { print n + 0 }' lost)" "$lost"
    run stat --json "$mode"
    [[ $out == *"\"count\":$events,"*"\"lost\":$lost,"* ]] ||
        fail "stat counts otherwise"
done
run record -o block --ring-size 64K --mode block:60000 -- "$emitter" -t 3 50000
expect_err 'trackway: 150000 events, 0 lost, *'
expect_babeltrace block 150000

# A limit of seconds: the command is told to end. On a machine that has other
# things to do it may not have got far by then, and has more time.
for ((seconds = 1; seconds <= 16; seconds *= 2)); do
    run record -o "limited-$seconds" --seconds "$seconds" -- \
        "$emitter" -p 1000 1000000
    read -r events lost <<<"$(recorded)"
    [ "${events:-0}" -gt 10 ] && break
done
expect_status 0
[ "${events:-0}" -gt 10 ] || fail "few events"

# A signal is passed on to the command, whose status counts. What a shell starts
# in the background has SIGINT ignored: not so here.
for number in 2 15; do
    python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' \
        "$trackway" record -o "signal-$number" -- "$emitter" -p 1000 1000000 \
        2>stderr &
    recorder=$!
    children+=("$recorder")
    wait_for_recording "signal-$number" emitter
    emitting=$(echo "signal-$number"/emitter-*)
    wait_for_events "${emitting##*-}" 11
    end_by "$number" "$recorder"
    status=$? err=$(cat stderr)
    expect_status $((128 + number))
    read -r events lost <<<"$(recorded)"
    [ "$events" -gt 10 ] || fail "few events"
    expect_equal "$("$trackway" print signal-$number | wc -l)" "$events"
done

# ---- Running programs ----

start_emitter -r -w 2000
"$trackway" record -o live emitter 2>stderr &
recorder=$!
children+=("$recorder")
wait_until_on "$pid" count
compgen -G 'live/emitter-*/metadata' >/dev/null ||
    fail "on before there is a recording"
go
wait_for "$directory/emitter" emitted
end_by TERM "$recorder"
status=$? err=$(cat stderr)
expect_status 0
expect_err 'trackway: 2000 events, 0 lost, from 1 producer in live'
expect_babeltrace live 2000
run events "$pid"
expect_out '*count *off*'
# From now on: nothing of what the ring holds; with --history, all.
run record -o later --seconds 1 "$pid"
expect_err 'trackway: 0 events, 0 lost, *'
run record -o history --history --seconds 1 "$pid"
expect_err 'trackway: 2000 events, 0 lost, *'
# What was on before stays on.
run enable "$pid" filler
run record -o again -e 'count' --seconds 1 "$pid"
run events "$pid"
expect_out '*count *off*filler *on*'
# It ends when its target does.
"$trackway" record -o until-end "$pid" 2>stderr &
recorder=$!
children+=("$recorder")
wait_until_on "$pid" count
go
wait "$recorder"
status=$? err=$(cat stderr)
expect_status 0

# Two at once; one is killed, the other goes on.
start_ticker
one=$pid
start_ticker
two=$pid
"$trackway" record -o two -e 'tick_start' "$one" "$two" 2>stderr &
recorder=$!
children+=("$recorder")
wait_for_events "$one" 1
wait_for_events "$two" 1
end_ticker "$one" KILL
before=$("$trackway" print "$two" | wc -l)
wait_for_events "$two" $((before + 1))
end_by TERM "$recorder"
status=$? err=$(cat stderr)
expect_status 0
[[ $err == *'trackway: '*' events, 0 lost, from 2 producers in two' ]] ||
    fail "not all is said"
expect_equal "$("$trackway" print two | wc -l)" \
    "$(tail -n 1 stderr | awk '{ print $2 }')"
# A dead program's ring, as far as it goes.
run record -o orphan "$one"
expect_status 0
read -r events lost <<<"$(recorded)"
[ "$events" -gt 0 ] || fail "no events of the dead"

# SIGTERM twice in a moment is one.
"$trackway" record -o twice "$two" 2>stderr &
recorder=$!
children+=("$recorder")
wait_for_recording twice ticker
kill -TERM "$recorder"
kill -TERM "$recorder" 2>/dev/null
wait "$recorder"
status=$? err=$(cat stderr)
expect_status 0

# A recorder that is killed leaves what it had.
"$trackway" record -o killed "$two" 2>stderr &
recorder=$!
children+=("$recorder")
wait_for_recording killed ticker
kill -KILL "$recorder"
wait "$recorder" 2>/dev/null
run print killed
expect_status 0
expect_babeltrace killed "$(printf '%s' "$out" | grep -c '')"
run stat killed
expect_status 0
[[ $err == *"did not end as it should"* ]] || fail "not said to be cut off"
run disable "$two" '*'

# ---- Mistakes ----

run record "$two"
expect_status 2
run record -o m
expect_status 2
run record -o m --
expect_status 2
run record -o m "$two" --
expect_status 2
run record -o m --history -- true
expect_status 2
run record -o m --mode sometimes -- true
expect_status 2
run record -o m --ring-size 1K -- true
expect_status 2
run record -o m --ring-size 1M "$two"
expect_status 2
run record -o m --seconds 0 "$two"
expect_status 2
run record -o m no-such-program
expect_status 1
expect_err 'trackway: no-such-program*'
run record -o m "$two" "$dead"
expect_status 1
run record -o m -e 'nothing*' "$two"
expect_status 1
expect_err "trackway: no event matches 'nothing\*'"
run record -o plain "$two"
expect_status 1
expect_err 'trackway: plain: the directory is not empty*'
run record -o a/b "$two"
expect_status 1
expect_err 'trackway: a/b: cannot make the directory: No such file*'
[ ! -e m ] || fail "a directory was made for nothing"
run events "$two"
[[ $out != *' on'* ]] || fail "events are left on"
