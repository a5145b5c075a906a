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
export XDG_STATE_HOME=$directory/state
history=$XDG_STATE_HOME/trackway/monitor-history

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

# To so many columns and rows; tmux tells the terminal a little later.
resize()
{
    local tries terminal

    "${tmux[@]}" resize-window -x "$1" -y "$2"
    terminal=$("${tmux[@]}" display -p '#{pane_tty}')
    for ((tries = 0; tries < 500; tries++)); do
        [ "$(stty -F "$terminal" size)" = "$2 $1" ] && return
        sleep 0.01
    done
    fail "the window is as it was"
}

keys()
{
    "${tmux[@]}" send-keys "$@"
}

start_ticker
make_ring other "$dead"
# Again and again, as a shell's user would.
"${tmux[@]}" new-session -d -x 80 -y 24 \
    "while TERM=screen '$trackway' monitor ticker; do echo status 0; read -r
    done; echo failed; read -r" || {
    echo "skipped: tmux has no terminal"
    exit 77
}
await '(trackway)' "Trackway * monitor - type 'help' for more information"

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

# What is wrong by a letter or two is told of, behind the answer.
keys 'tracepont tick_end on' Enter
await '(trackway)' "unknown command: 'tracepont'
did you mean \"tracepoint\"?"
keys 'trace-event tick_strat on' Enter
await '(trackway)' 'unknown event "tick_strat"
did you mean "tick_start"?'
keys 'trace-event elsewhere on' Enter
await '(trackway)' 'unknown event "elsewhere"
(trackway)'

# A smaller window: a line that is longer than it can still be edited, and what
# completes a word is shown in as many columns as there are.
resize 30 12
keys C-l 'info trace-events tick_quiet'
await 'ick_quiet' ' info trace-events t'
keys C-a X
await 'tick_quiet' ' Xinfo trace-events'
keys BSpace C-e Enter
await '(trackway)' 'tick_quiet : state 0'
keys 'tracepoint tick_' Tab
await '(trackway) tracepoint tick_' 'tick_start  tick_end
tick_quiet'

# Ctrl-D deletes as long as there is something, and ends it if not.
keys C-u 'quitt' Left C-d
await '(trackway) quit'
keys C-u C-d
await 'status 0'

# The next one knows what was typed.
resize 80 24
keys Enter
await '(trackway)'
keys Up
await '(trackway) info trace-events tick_quiet'
keys C-u C-d
await 'status 0'
expect_equal "$(stat -c %a "$history")" 600
expect_equal "$(grep -c '^info trace-events tick_quiet$' "$history")" 1
! grep -q 'quit now' "$history" || fail "what was given up is kept"
