# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# Sourced by the tests of the commands. They are run with the paths of
# trackway, ticker and make-ring, and fail at their end if any check did.

set -u
trackway=$1
ticker=$2
make_ring=$3

unset TRACKWAY TRACKWAY_EVENTS TRACKWAY_KEEP NO_COLOR
directory=$(mktemp -d)
export TRACKWAY_DIR=$directory/rings
mkdir "$TRACKWAY_DIR"
failures=0
children=()
status=0
out=
err=
# Above every pid that a kernel gives.
dead=4194304

finish()
{
    local result=$?
    local pid

    for pid in "${children[@]}"; do
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    rm -rf "$directory"
    if [ "$failures" -gt 0 ]; then
        echo "$failures checks failed"
        exit 1
    fi
    exit "$result"
}
trap finish EXIT

fail()
{
    local frame=1

    # Where the test itself is, whatever helpers there are between.
    while [[ ${BASH_SOURCE[frame]} == */lib.sh ]]; do
        frame=$((frame + 1))
    done
    echo "line ${BASH_LINENO[frame - 1]}: $*"
    echo "    status $status, stdout '$out', stderr '$err'"
    failures=$((failures + 1))
}

# Run trackway; its results in status, out, err.
run()
{
    out=$("$trackway" "$@" 2>"$directory/stderr")
    status=$?
    err=$(cat "$directory/stderr")
}

expect_status()
{
    [ "$status" -eq "$1" ] || fail "status is not $1"
}

# Whole output against a pattern of the shell's.
expect_out()
{
    # shellcheck disable=SC2053
    [[ $out == $1 ]] || fail "stdout does not match '$1'"
}

# The same for stderr; whatever it is, it is one line.
expect_err()
{
    # shellcheck disable=SC2053
    [[ $err == $1 ]] || fail "stderr does not match '$1'"
    [ "$(wc -l <"$directory/stderr")" -le 1 ] || fail "stderr has lines"
}

expect_equal()
{
    [ "$1" == "$2" ] || fail "'$1' is not '$2'"
}

# Start ticker in the background; its pid in pid.
start_ticker()
{
    local ready tries

    ready=$(mktemp -p "$directory")
    "$ticker" >"$ready" 2>&1 &
    pid=$!
    children+=("$pid")
    for ((tries = 0; tries < 2000; tries++)); do
        [ -s "$ready" ] && return
        sleep 0.01
    done
    fail "ticker did not start"
}

end_ticker()
{
    kill "-${2:-TERM}" "$1"
    wait "$1" 2>/dev/null
}

make_ring()
{
    "$make_ring" "$TRACKWAY_DIR/$1.$2.ring" "$1" "$2" "${3:-}" ||
        fail "make-ring"
}
