#!/bin/bash
# SPDX-License-Identifier: MIT
# trackway monitor at a terminal: completion, history, Ctrl-C and Ctrl-D, and a
# window that changes its size. The terminal is tmux's.
# shellcheck source=tests/cli/commands/lib.sh disable=SC1091,SC2154
. "${0%/*}/lib.sh"

if ! command -v tmux >/dev/null; then
    echo "skipped: there is no tmux"
    exit 77
fi
tmux=(tmux -S "$directory/tmux" -f /dev/null)

# What is on the screen; the last line that is not empty in line.
look()
{
    screen=$("${tmux[@]}" capture-pane -p)
    line=$(grep -v '^ *$' <<<"$screen" | tail -n 1)
}

# Wait for a last line, and for something above it.
await()
{
    local tries

    for ((tries = 0; tries < 500; tries++)); do
        look
        # shellcheck disable=SC2053
        [[ $line == $1 && $screen == *${2:-}* ]] && return
        sleep 0.01
    done
    # shellcheck disable=SC2034
    out=$screen
    fail "the last line is not '$1' below '${2:-}'"
}

keys()
{
    "${tmux[@]}" send-keys "$@"
}

start_ticker
make_ring other "$dead"
"${tmux[@]}" new-session -d -x 80 -y 24 \
    "TERM=screen '$trackway' monitor ticker; echo status \$?; read -r" || {
    echo "skipped: tmux has no terminal"
    exit 77
}
await '(trackway)'

# Commands, events and states; what is not unique is shown.
keys he Tab
await '(trackway) help'
keys C-c
await '(trackway)'
keys tracep Tab
await '(trackway) tracepoint'
keys t Tab
await '(trackway) tracepoint tick_'
keys Tab
await '(trackway) tracepoint tick_' 'tick_start  tick_end    tick_quiet'
keys s Tab
await '(trackway) tracepoint tick_start'
keys on Enter
await '(trackway)' 'tracepoint tick_start on'
keys 'info tracepoi' Tab
await '(trackway) info tracepoint'
keys s Enter
await '(trackway)' 'tick_start 1'

# History.
keys Up Up
await '(trackway) tracepoint tick_start on'
keys C-a C-k 'info trace-events tick_e' Tab Enter
await '(trackway)' 'tick_end : state 0'
keys C-r sta
await 'bck*sta*'
keys C-c
await '(trackway)' '^C'

# A line that is given up is no command, wherever the cursor is.
keys 'quit now' C-a Right C-c
await '(trackway)' ' quit now^C'
[[ $screen != *extraneous* ]] || fail "it was done"

# A smaller window.
"${tmux[@]}" resize-window -x 40 -y 12
keys 'info trace-events tick_quiet' Enter
await '(trackway)' 'tick_quiet : state 0'

keys 'some' C-u C-d
await 'status 0'
keys Enter
