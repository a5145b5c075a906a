# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Read by tests that record with LTTng: a session daemon of their own. root's has
# its sockets in /run/lttng, over which a mount of our own goes; other users' are
# below LTTNG_HOME.

# private_lttng ARGUMENTS...: this script again, with these and --inside, where
# nobody else's daemon is seen. Exits, unless that has been done. 77: it can't be.
private_lttng() {
    local self command status made=""

    [ "${*: -1}" != --inside ] || return 0
    self=$(realpath "$0")
    for command in lttng lttng-sessiond babeltrace2 gcc; do
        command -v $command >/dev/null || {
            echo "skipped: no $command here"
            exit 77
        }
    done
    echo '#include <lttng/tracepoint.h>' | gcc -fsyntax-only -x c - \
        2>/dev/null || {
        echo "skipped: no lttng/tracepoint.h here (Debian's liblttng-ust-dev)"
        exit 77
    }
    [ "$(id -u)" = 0 ] || exec "$self" "$@" --inside
    unshare --mount true 2>/dev/null || {
        echo "skipped: no mount namespace here, and LTTng may be in use"
        exit 77
    }
    [ -d /run/lttng ] || made=yes
    mkdir -p /run/lttng
    # The shared memory too: two daemons would have one wake-up word.
    # shellcheck disable=SC2016 # the inner shell's arguments
    unshare --mount bash -c 'mount -t tmpfs tmpfs /run/lttng &&
        mount -t tmpfs tmpfs /dev/shm && exec "$@"' bash \
        "$self" "$@" --inside
    status=$?
    [ -z "$made" ] || rmdir --ignore-fail-on-non-empty /run/lttng
    exit $status
}

# build_ust TRACETOOL INCLUDE: the program that user.c is, with the tracepoints of
# the file events, as provider mine.
build_ust() {
    local name

    for name in h:trace.h c:trace.c ust-events-h:trace-ust-mine.h \
        ust-events-c:trace-ust.c; do
        "$1" --format="${name%%:*}" --backends=ust --group=mine events \
            "${name##*:}" || return 1
    done
    gcc -O2 -Wall -Wextra -Werror -I"$2" -I. user.c trace.c trace-ust.c \
        -o program -llttng-ust -ldl
}

lttng_daemon=

# start_lttng DIRECTORY: the daemon, which has its files there.
start_lttng() {
    export LTTNG_HOME=$1 HOME=$1 LTTNG_UST_REGISTER_TIMEOUT=-1
    lttng-sessiond --no-kernel >"$1/daemon.log" 2>&1 &
    lttng_daemon=$!
    for _ in {1..300}; do
        lttng --no-sessiond list >/dev/null 2>&1 && break
        sleep 0.1
    done
}

stop_lttng() {
    [ -n "$lttng_daemon" ] || return 0
    lttng --no-sessiond destroy --all >/dev/null 2>&1
    kill "$lttng_daemon" 2>/dev/null
    wait "$lttng_daemon" 2>/dev/null
}
