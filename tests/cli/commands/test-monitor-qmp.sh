#!/bin/bash
# SPDX-License-Identifier: MIT
# trackway monitor --qmp --listen, for those who speak QMP by socat as QEMU's
# documents show it; and --prompt, for those who type.
# shellcheck source=tests/cli/commands/lib.sh disable=SC1091,SC2154
. "${0%/*}/lib.sh"

if ! command -v socat >/dev/null; then
    echo "skipped: there is no socat"
    exit 77
fi

# Serve $pid's events at $socket; options in the arguments.
serve()
{
    local tries

    socket=$directory/socket
    : >"$directory/server"
    "$trackway" monitor "$@" --listen "unix:$socket" "$pid" \
        2>"$directory/server" &
    children+=("$!")
    server=$!
    for ((tries = 0; tries < 2000; tries++)); do
        grep -q listening "$directory/server" && return
        sleep 0.01
    done
    fail "the monitor does not listen"
}

end_server()
{
    kill -TERM "$server"
    wait "$server" || fail "the monitor's status"
}

# What standard input says to the socket, and out what is answered.
talk()
{
    out=$(socat -t 60 STDIO "UNIX-CONNECT:$socket")
    status=$?
    out=${out//$'\r'/}
}

start_ticker
serve --qmp

# The greeting comes first, and nothing is done before capabilities are agreed.
talk <<'END'
{ "execute": "query-commands" }
{ "execute": "qmp_capabilities" }
{ "execute": "trace-event-set-state",
  "arguments": { "name": "tick_s*", "enable": true }, "id": "on" }
{ "execute": "trace-event-get-state", "arguments": { "name": "tick_*" } }
{ "execute": "stop" }
{ "execute": "trace-event-get-state", "arguments": { "name": "none" }, "id": [3] }
END
expect_status 0
expect_out '{"QMP": {"version": {"qemu": {"micro": +([0-9]), "minor": +([0-9]), "major": +([0-9])}, "package": "*"}, "capabilities": \[*\]}}
*'
expect_equal "${out#*$'\n'}" \
    '{"error": {"class": "CommandNotFound", "desc": "Expecting capabilities negotiation with '"'qmp_capabilities'"'"}}
{"return": {}}
{"return": {}, "id": "on"}
{"return": [{"name": "tick_start", "state": "enabled"}, {"name": "tick_end", "state": "disabled"}, {"name": "tick_quiet", "state": "disabled"}, {"name": "tick_never", "state": "unavailable"}]}
{"error": {"class": "CommandNotFound", "desc": "The command stop has not been found"}}
{"id": [3], "error": {"class": "GenericError", "desc": "unknown event \"none\""}}'
[ "$("$trackway" events "$pid" | awk '$2 == "on" { print $1 }')" = tick_start ] ||
    fail "the event is not on in the program"
end_server

# A prompt before each line, however many come at once, and none at the end.
serve --prompt
talk <<<'trace-event tick_end on

info trace-events tick_e*
nonsense
quit'
expect_status 0
expect_equal "$out" "(trackway) (trackway) (trackway) tick_end : state 1
(trackway) unknown command: 'nonsense'
(trackway) "
talk < <(printf 'info trace-events tick_end')
expect_equal "$out" '(trackway) tick_end : state 1'
end_server
run monitor --prompt "$pid" <<<'info trace-events tick_end'
expect_status 0
expect_equal "$out" '(trackway) tick_end : state 1
(trackway) '

# A program that ends while it is looked at can't be switched any more. One that
# was killed has left its ring, which can still be seen by who comes later; one
# that ended as it should takes it along.
for signal in KILL TERM; do
    left=':tick_start n='
    [ "$signal" = KILL ] || left='.ring: no such file'
    start_ticker
    serve
    talk <<<'tracepoint tick_start on'
    expect_out ''
    for ((tries = 0; tries < 1000; tries++)); do
        talk <<<'info trace'
        [[ $out == *tick_start* ]] && break
        sleep 0.01
    done
    end_ticker "$pid" "$signal"
    talk <<<'tracepoint tick_quiet on
trace-event tick_start off
info trace-events tick_start
info trace'
    expect_status 0
    expect_out "cannot switch \"tick_quiet\": ticker ($pid) has ended
cannot switch \"tick_start\": ticker ($pid) has ended
tick_start : state [01]
*$left*"
    end_server
done

start_ticker
run monitor --schema /dev/null "$pid" </dev/null
expect_status 1
expect_err 'trackway: --schema: no target is a guest*'
run monitor --prompt --qmp "$pid"
expect_status 2
expect_err 'trackway monitor: --prompt is for text, --qmp has none*'
