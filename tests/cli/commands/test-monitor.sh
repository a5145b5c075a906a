#!/bin/bash
# SPDX-License-Identifier: MIT
# trackway monitor: a script on standard input; what the commands answer is
# tested in tests/unit/monitor.
# shellcheck source=tests/cli/commands/lib.sh disable=SC1091,SC2154
. "${0%/*}/lib.sh"

# The rest of the arguments is the command line, standard input the script.
script()
{
    run monitor "$@"
}

states()
{
    "$trackway" events "$pid" | awk 'NR > 1 { printf "%s ", $2 }'
}

start_ticker
script ticker <<<'info tracepoints'
expect_status 0
expect_err ''
expect_equal "$out" 'tick_start 0
tick_end 0
tick_quiet 0
tick_never 0'

# It is done in the program.
script "$pid" <<<'tracepoint tick_s* on
trace-event tick_end on'
expect_status 0
expect_out ''
expect_equal "$(states)" 'on on off unavailable '
script "$pid" < <(printf 'trace-event tick_end off')
expect_equal "$(states)" 'on off off unavailable '

# Events that were written while nobody looked.
for ((tries = 0; tries < 1000; tries++)); do
    script ticker <<<'info trace'
    [[ $out == *tick_start*tick_start* ]] && break
    sleep 0.01
done
expect_out '+([0-9])@+([0-9]).??????:tick_start n=+([0-9]) who=ticker*'
expect_out "$pid@*"
script ticker <<<'info trace -x'
expect_out '*:tick_start*  0000  ?? ?? 00 00 74 69 63 6b 65 72 00   *|*ticker.|*'

# Off, and left so.
script ticker <<<'trace off
info tracepoints
tracepoint tick_end on
quit
tracepoint tick_end on'
expect_status 0
expect_equal "$out" 'tick_start 1
tick_end 0
tick_quiet 0
tick_never 0
Tracing disabled. Use "trace on" before this'
expect_equal "$(states)" 'off off off unavailable '
script ticker <<<'tracepoint tick_start on
trace off
trace on'
expect_equal "$(states)" 'on off off unavailable '

# JSON.
script --qmp ticker <<<'{"execute": "qmp_capabilities"}
{"execute": "trace-event-set-state", "arguments": {"name": "tick_end", "enable": true}, "id": 1}'
expect_status 0
expect_equal "${out//$'\r'/}" '{"QMP": {"version": {"qemu": {"micro": 0, "minor": 1, "major": 0}, "package": "trackway 0.1.0"}, "capabilities": []}}
{"return": {}}
{"return": {}, "id": 1}'
expect_equal "$(states)" 'on on off unavailable '

# Several: each has its name, and programs of one name their pids.
first=$pid
start_ticker
make_ring other "$dead"
script "$first" "$pid" other <<<"info trace-events tick*:tick_end
tracepoint ticker.$pid:tick_end on
trace-event ticker.$first:tick_end off"
expect_status 0
expect_equal "$out" "ticker.$first:tick_end : state 1
ticker.$pid:tick_end : state 0"
expect_equal "$(states)" 'off on off unavailable '
pid=$first
expect_equal "$(states)" 'on off off unavailable '

# One that has ended can be looked at.
end_ticker "$pid" KILL
script "$pid" <<<'info trace
tracepoint tick_quiet on
trace-event tick_start off
trace off'
expect_status 0
expect_out "*:tick_start n=*
cannot switch \"tick_quiet\": ticker ($pid) has ended
cannot switch \"tick_start\": ticker ($pid) has ended
cannot switch tracing off: ticker ($pid) has ended"

script
expect_status 2
expect_err 'trackway monitor: which target?*'
script --listen tcp:80 ticker
expect_status 2
expect_err 'trackway monitor: --listen takes unix:PATH*'
script nosuch </dev/null
expect_status 1
expect_err 'trackway: nosuch: *'
script channel:"$directory/x" </dev/null
expect_status 1
expect_err 'trackway: channel:*: *'

# Who reads no answers ends it, quietly.
start_ticker
"$trackway" monitor "$pid" < <(yes help) 2>"$directory/stderr" | head -n 1 >/dev/null
expect_equal "$(cat "$directory/stderr")" ''
