#!/bin/bash
# SPDX-License-Identifier: MIT
# trace-file in trackway monitor: a program recorded from inside the monitor,
# into a file and then into a directory, which their readers read. What the
# command answers is tested in tests/unit/monitor.
# shellcheck source=tests/cli/commands/lib.sh disable=SC1091,SC2154
. "${0%/*}/lib.sh"

events=$(realpath "${0%/*}/trace-events")
file=$directory/file
to=$directory/trace/
last=$directory/last/

# The numbers of the ticks in a recording, a line each.
ticks()
{
    "$trackway" print "$1" 2>"$directory/stderr" |
        sed -n 's/.*tick_start.* n=\([0-9]*\) .*/\1/p'
}

# Flush until a recording has ticks; $1 as for ticks.
await_ticks()
{
    local tries

    for ((tries = 0; tries < 2000; tries++)); do
        echo "trace-file flush" >&"${monitor[1]}"
        [ "$(ticks "$1" | wc -l)" -ge 5 ] && return
        sleep 0.01
    done
    fail "no ticks in $1"
}

start_ticker
coproc monitor { exec "$trackway" monitor "$pid" 2>&1; }
monitor_pid=$!
children+=("$monitor_pid")
exec {answers}<&"${monitor[0]}"
cat >&"${monitor[1]}" <<END
trace-event tick_start on
trace-file set $file
trace-file on
END
await_ticks "simpletrace:$file,events=$events"
echo "trace-file set $to" >&"${monitor[1]}"
await_ticks "$to"
# A program that ends while it is recorded leaves it whole.
echo "trace-file set $last" >&"${monitor[1]}"
await_ticks "$last"
end_ticker "$pid"
cat >&"${monitor[1]}" <<END
trace-file
trace-file off
trace-file
quit
END
out=$(cat <&"$answers")
expect_equal "$out" "Trace file \"$last\" on.
Trace file \"$last\" off."
wait "$monitor_pid"
expect_equal $? 0

# Each tick once, in one of them, in order.
first=$(ticks "simpletrace:$file,events=$events")
err=$(cat "$directory/stderr")
expect_equal "$err" ''
second=$(ticks "$to")
expect_equal "$(cat "$directory/stderr")" ''
third=$(ticks "$last")
expect_equal "$(cat "$directory/stderr")" ''
expect_equal "$(printf '%s\n' "$first" "$second" "$third")" \
    "$(seq "${first%%$'\n'*}" "${third##*$'\n'}")"

# Others read it just so.
if command -v babeltrace2 >/dev/null; then
    expect_equal "$(babeltrace2 "$to" 2>&1 |
        sed -n 's/.*tick_start.* n = \([0-9]*\),.*/\1/p')" "$second"
fi
