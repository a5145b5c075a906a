#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# emit.sh BUILD [--json]: run build/bench/emit, with LTTng-UST as its peer where
# its tools and headers are installed. The session daemon is a private one: it
# is started here, its files are in a temporary directory, and it is stopped
# before this script ends.

set -euo pipefail

self=$(realpath "${BASH_SOURCE[0]}")
build=$1
shift
module=$build/bench/bench-lttng.so

say() {
    printf 'bench: %s\n' "$*" >&2
}

lttng_is_installed() {
    [[ -e $module ]] && command -v lttng lttng-sessiond >/dev/null
}

# Root's daemon has its sockets in /run/lttng, wherever HOME is; a mount of our
# own over it keeps it private. Other users' are below LTTNG_HOME.
with_own_lttng_directory() {
    local made=

    if [[ $(id -u) -ne 0 ]]; then
        "$self" "$build" --inside "$@"
        return
    fi
    [[ -d /run/lttng ]] || made=yes
    mkdir -p /run/lttng
    if unshare --mount true 2>/dev/null; then
        # shellcheck disable=SC2016 # the inner shell's arguments
        unshare --mount bash -c \
            'mount -t tmpfs tmpfs /run/lttng && exec "$@"' bash \
            "$self" "$build" --inside "$@"
    elif [[ -n $made ]]; then
        "$self" "$build" --inside "$@"
    else
        say "LTTng is in use here; measuring without it"
        "$build/bench/emit" "$@"
    fi
    [[ -z $made ]] || rmdir --ignore-fail-on-non-empty /run/lttng
}

start_session() {
    # With enough room for all that a run emits, so that nothing is discarded,
    # which would be quicker.
    lttng create trackway-bench --output="$scratch/trace"
    lttng enable-channel --userspace --discard \
        --subbuf-size=8M --num-subbuf=8 bench
    lttng enable-event --userspace --channel=bench trackway_bench:on
    lttng start
}

stop_daemon() {
    lttng destroy --all >/dev/null 2>&1 || true
    kill "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
    rm -rf "$scratch"
    [[ -n $shm_was_there ]] || rm -f /dev/shm/lttng-ust-wait-8*
}

check_discarded() {
    local discarded

    lttng stop trackway-bench >/dev/null
    discarded=$(lttng list trackway-bench |
        sed -n 's/.*Discarded events: *\([0-9]*\).*/\1/p')
    [[ ${discarded:-0} -eq 0 ]] ||
        say "LTTng discarded $discarded events: its figure is too low"
}

run_with_session() {
    scratch=$(mktemp -d)
    shm_was_there=$(compgen -G '/dev/shm/lttng-ust-wait-*' || true)
    export LTTNG_HOME=$scratch HOME=$scratch
    lttng-sessiond --no-kernel >"$scratch/log" 2>&1 &
    daemon=$!
    trap stop_daemon EXIT
    for _ in {1..100}; do
        lttng --no-sessiond list >/dev/null 2>&1 && break
        sleep 0.05
    done
    if start_session >"$scratch/log" 2>&1; then
        "$build/bench/emit" --lttng "$(realpath "$module")" "$@"
        check_discarded
    else
        say "no LTTng session: $(tail -n 1 "$scratch/log")"
        "$build/bench/emit" "$@"
    fi
}

if [[ ${1:-} == --inside ]]; then
    shift
    run_with_session "$@"
elif lttng_is_installed; then
    with_own_lttng_directory "$@"
else
    "$build/bench/emit" "$@"
fi
