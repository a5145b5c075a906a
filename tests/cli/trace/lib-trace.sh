# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests of recording, printing and counting share, beside lib.sh.
# shellcheck source=tests/cli/commands/lib.sh disable=SC1091
. "${0%/*}/../commands/lib.sh"
# The tests work in a directory of their own.
trackway=$(realpath "$trackway")
ticker=$(realpath "$ticker")
make_ring=$(realpath "$make_ring")
emitter=$(realpath "$4")
# Where a recorded command's rings go.
export XDG_RUNTIME_DIR=$directory/run
mkdir -m 700 "$XDG_RUNTIME_DIR"

# Start emitter with these options in the background; its pid in pid. It waits
# until go, where it was told to.
start_emitter()
{
    local tries

    rm -f "$directory/go"
    mkfifo "$directory/go"
    : >"$directory/emitter"
    "$emitter" "$@" <"$directory/go" >"$directory/emitter" 2>&1 &
    pid=$!
    children+=("$pid")
    # Open for writing as long as we live, or its reading ends.
    exec 9>"$directory/go"
    for ((tries = 0; tries < 2000; tries++)); do
        [ -s "$directory/emitter" ] && return
        sleep 0.01
    done
    fail "emitter did not start"
}

go()
{
    echo >&9
}

# Tell a program of ours to end, and wait until it has: SIGNAL, PID. The thread
# sanitizer may keep a signal that comes early to itself.
end_by()
{
    local tries

    kill "-$1" "$2"
    while grep -q libtsan "/proc/$2/maps" 2>/dev/null; do
        for ((tries = 0; tries < 500; tries++)); do
            kill -0 "$2" 2>/dev/null || break 2
            sleep 0.01
        done
        kill "-$1" "$2" 2>/dev/null
    done
    wait "$2"
}

# Until the file holds the word.
wait_for()
{
    local tries

    for ((tries = 0; tries < 3000; tries++)); do
        grep -q "$2" "$1" 2>/dev/null && return
        sleep 0.01
    done
    fail "no '$2' in $1: $(tail -n 2 "$1")"
}

# Until the file has so many lines.
wait_for_lines()
{
    local tries

    for ((tries = 0; tries < 3000; tries++)); do
        [ "$(wc -l <"$1")" -ge "$2" ] && return
        sleep 0.01
    done
    fail "no $2 lines in $1: $(tail -n 2 "$1")"
}

# Until there are so many events in a ring, or in a recording, which may go on;
# of a program's ring that has only the pages that are full.
wait_for_events()
{
    local tries

    for ((tries = 0; tries < 3000; tries++)); do
        [ "$("$trackway" print "$1" 2>/dev/null | wc -l)" -ge "$2" ] && return
        sleep 0.02
    done
    fail "no $2 events in $1"
}

# Until a recording of this name has begun, and can be read: DIR, and the
# program's name.
wait_for_recording()
{
    local tries

    for ((tries = 0; tries < 3000; tries++)); do
        compgen -G "$1/$2-*/metadata" >"$directory/names" &&
            "$trackway" stat "$1" >/dev/null 2>&1 && return
        sleep 0.01
    done
    fail "no recording $1"
}

# Until an event of this program is on.
wait_until_on()
{
    local tries

    for ((tries = 0; tries < 3000; tries++)); do
        "$trackway" events "$1" | grep -q "^$2 *on" && return
        sleep 0.01
    done
    fail "$2 is not switched on"
}

# "N M": events and lost, from the last line of a recording.
recorded()
{
    sed -n 's/.*trackway: \([0-9]*\) events, \([0-9]*\) lost, .*/\1 \2/p' <<<"$err"
}

# All output of babeltrace2 is events, as many as these; skipped without it.
expect_babeltrace()
{
    command -v babeltrace2 >/dev/null || return
    babeltrace2 "$1" >"$directory/babeltrace" 2>"$directory/complaints"
    expect_equal "$(wc -l <"$directory/babeltrace")" "$2"
    expect_equal "$(cat "$directory/complaints")" ''
}
