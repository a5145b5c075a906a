#!/bin/bash
# SPDX-License-Identifier: MIT
# test-install.sh SOURCE BUILD: install into a scratch directory, then build
# each of examples/build-* against that alone and see its event with the
# installed trackway. The tree is moved once in between: nothing may depend on
# where it was.
set -u
source=$(realpath "$1")
build=$(realpath "$2")
for program in meson ninja cmake make pkg-config gcc; do
    if ! command -v "$program" >/dev/null; then
        echo "needs $program"
        exit 77
    fi
done
case $(nm -D "$build/src/runtime/libtrackway.so" 2>/dev/null) in
*__tsan_* | *__asan_*)
    echo "builds programs of its own, without sanitizers"
    exit 77
    ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
# A directory that was configured before this was the default keeps it off.
if ! grep -q '^prefix=${pcfiledir}' "$build/meson-private/trackway.pc"; then
    echo "needs meson configure -Dpkgconfig.relocatable=true $build"
    exit 77
fi
unset TRACKWAY TRACKWAY_RING_SIZE TRACKWAY_MODE DESTDIR CFLAGS LDFLAGS MAKEFLAGS

fail() {
    echo "FAILED: $*"
    failed=1
}

meson install -C "$build" --no-rebuild --quiet --destdir "$work/first" \
    >"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
}
mkdir "$work/moved"
mv "$work/first" "$work/moved/second"
cd "$work" || exit 1

header=$(find moved -path '*/include/trackway/trackway.h')
prefix=$work/${header%/include/trackway/trackway.h}
library=$(find "$prefix" -name libtrackway.so)
library=${library%/*}
export PKG_CONFIG_PATH=$library/pkgconfig
export CMAKE_PREFIX_PATH=$prefix
export LD_LIBRARY_PATH=$library
export TRACKWAY_DIR=$work/rings
export TRACKWAY_KEEP=1
export TRACKWAY_EVENTS='*'

# check WHAT PROGRAM: it runs, and its event is there for the installed reader.
check() {
    local out

    rm -rf rings
    out=$("$2" world) || fail "$1: greet's status is $?"
    [[ $out == "Hello, world" ]] || fail "$1: greet says '$out'"
    out=$("$prefix/bin/trackway" print rings/*.ring)
    [[ $out == *" greet name world length 5" ]] || fail "$1: print says '$out'"
    case $(ldd "$2" 2>&1) in
    *"$library/libtrackway.so."*) ;;
    *) [[ $1 == static ]] || fail "$1: not with the installed library" ;;
    esac
}

# quietly COMMAND...: its output only if it fails.
quietly() {
    "$@" >log 2>&1 </dev/null || {
        fail "$*"
        cat log
    }
}

copy() {
    cp -r "$source/examples/build-$1" "$1"
    cd "$1" || exit 1
}

try_meson() {
    copy meson
    quietly meson setup build
    quietly ninja -C build
    cd ..
    check meson meson/build/greet
}

try_cmake() {
    local generator=$1

    copy cmake
    quietly cmake -G "$generator" -S . -B build
    quietly cmake --build build
    # A changed trace-events file is seen.
    sed -i 's/"name %s/"who %s/' trace-events
    quietly cmake --build build
    cd ..
    rm -rf rings
    cmake/build/greet you >/dev/null
    [[ $("$prefix/bin/trackway" print rings/*.ring) == *"greet who you length 3" ]] ||
        fail "cmake: a changed trace-events file is not seen"
    sed -i 's/"who %s/"name %s/' cmake/trace-events
    quietly cmake --build cmake/build
    check "cmake, $generator" cmake/build/greet
    rm -rf cmake
}

try_make() {
    copy make
    quietly make
    make -q || fail "make: not up to date after make"
    sed -i 's/"name %s/"who %s/' trace-events
    quietly make
    grep -q who trace.c || fail "make: a changed trace-events file is not seen"
    sed -i 's/"who %s/"name %s/' trace-events
    quietly make
    cd ..
    check make make/greet
}

try_static() {
    # shellcheck disable=SC2046 # words
    quietly gcc -static $(pkg-config --cflags trackway-static) -Imake \
        make/greet.c make/trace.c $(pkg-config --libs trackway-static) -o greet
    check static ./greet
}

# What a VMM links: with pkg-config, statically, with CMake.
try_channel() {
    mkdir channel
    cd channel || exit 1
    cat >vmm.c <<'END'
#include <trackway/channel.h>

static bool see(void *context, const struct tw_channel_event *event)
{
    *(uint64_t *)context = event->id + event->arguments[5];
    return true;
}

int main(void)
{
    uint64_t seen = 0;
    const struct tw_fw_cfg_channel_options options = {
        sizeof(options), &seen, see, NULL, 10};
    static const uint8_t message[56] = {2, [48] = 40};
    struct tw_fw_cfg_channel *channel;

    if (tw_fw_cfg_channel_create(&channel, &options))
        return 1;
    tw_fw_cfg_channel_select(channel, TW_FW_CFG_CHANNEL);
    tw_fw_cfg_channel_write(channel, message, sizeof(message));
    tw_fw_cfg_channel_destroy(channel);
    return seen != 42;
}
END
    cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(vmm C)
find_package(Trackway REQUIRED)
add_executable(vmm vmm.c)
target_link_libraries(vmm PRIVATE Trackway::channel)
END
    # shellcheck disable=SC2046 # words
    quietly gcc $(pkg-config --cflags trackway-channel) vmm.c \
        $(pkg-config --libs trackway-channel) -o shared
    # shellcheck disable=SC2046
    quietly gcc -static $(pkg-config --cflags trackway-channel) vmm.c \
        $(pkg-config --static --libs trackway-channel) -o static
    quietly cmake -S . -B build
    quietly cmake --build build
    for program in ./shared ./static build/vmm; do
        "$program" || fail "channel: $program"
    done
    for program in ./shared build/vmm; do
        [[ $(ldd "$program") == *"$library/libtrackway-channel.so."* ]] ||
            fail "channel: $program is not with the installed library"
    done
    cd ..
}

# What a program links that lets somebody look at its own events; and one that
# has none, and no libtrackway.
try_monitor() {
    local program

    mkdir monitor
    cd monitor || exit 1
    cat >own.c <<'END'
#include <trackway/monitor.h>
#include <trackway/tracepoint.h>

#include <stdio.h>
#include <string.h>

DECLARE_TRACE(hello, TP_PROTO(int number), TP_ARGS(number),
              TP_STRUCT__entry(__field(int, number);))
DEFINE_TRACE(hello, TP_PROTO(int number),
             TP_fast_assign(__entry->number = number;),
             TP_printk("number %d", __entry->number))

int main(int argc, char **argv)
{
    static const char said[] = "trace-event hello on\ninfo trace-events hello\n";
    struct tw_monitor_client *client;
    struct tw_monitor *monitor;
    char text[400];
    size_t size;

    if (tw_monitor_open(NULL, 0, &monitor, text, sizeof(text))) {
        puts(text);
        return 1;
    }
    if (tw_monitor_client_create(monitor, TW_MONITOR_TEXT, &client))
        return 1;
    if (tw_monitor_feed(client, said, strlen(said)) != strlen(said))
        return 1;
    trace_hello(42);
    if (tw_monitor_feed(client, "info trace\n", 11) != 11)
        return 1;
    size = tw_monitor_pull(client, text, sizeof(text) - 1);
    text[size] = '\0';
    fputs(text, stdout);
    tw_monitor_client_destroy(client);
    tw_monitor_destroy(monitor);
    return !strstr(text, "hello : state 1\n") ||
           !strstr(text, ":hello number 42\n");
}
END
    cat >other.c <<'END'
#include <trackway/monitor.h>

#include <string.h>

int main(void)
{
    static const char *const target = "no-such-program";
    struct tw_monitor *monitor;
    char why[200] = "";

    if (tw_monitor_open(&target, 1, &monitor, why, sizeof(why)) >= 0)
        return 1;
    return !strstr(why, target);
}
END
    cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(own C)
find_package(Trackway REQUIRED)
add_executable(own own.c)
target_link_libraries(own PRIVATE Trackway::monitor Trackway::trackway)
END
    # shellcheck disable=SC2046 # words
    quietly gcc $(pkg-config --cflags trackway-monitor trackway) own.c \
        $(pkg-config --libs trackway-monitor trackway) -o shared
    # shellcheck disable=SC2046
    quietly gcc $(pkg-config --cflags trackway-monitor) other.c \
        $(pkg-config --libs trackway-monitor) -o other
    quietly cmake -S . -B build
    quietly cmake --build build
    for program in ./shared ./other build/own; do
        "$program" >log || {
            fail "monitor: $program"
            cat log
        }
        [[ $(ldd "$program") == *"$library/libtrackway-monitor.so."* ]] ||
            fail "monitor: $program is not with the installed library"
    done
    # Where there is a jansson to be linked so, all of it statically.
    if gcc -static -xc /dev/null -Wl,--unresolved-symbols=ignore-all \
        -nostartfiles -ljansson -o probe 2>/dev/null; then
        # shellcheck disable=SC2046
        quietly gcc -static $(pkg-config --cflags trackway-monitor) own.c \
            $(pkg-config --static --libs trackway-monitor trackway-static) \
            -o static
        ./static >log || {
            fail "monitor: static"
            cat log
        }
    fi
    [[ $(ldd "$library/libtrackway-monitor.so" |
        sed -n 's/^[[:space:]]*\(lib[a-z_-]*\)[.].*/\1/p' | sort) == \
        $'libc\nlibjansson' ]] || {
        fail "libtrackway-monitor.so needs more than libc and jansson"
        ldd "$library/libtrackway-monitor.so"
    }
    cd ..
}

# A program with the option and a monitor, as a project outside has them, and
# both from C++.
try_option() {
    local tracetool format program

    cp -r "$source/examples/monitored" option
    cd option || exit 1
    rm meson.build
    tracetool=$(pkg-config --variable=tracetool trackway)
    for format in h c; do
        quietly "$tracetool" --format=$format --backends=ring \
            --group=monitored trace-events trace.$format
    done
    # shellcheck disable=SC2046 # words
    quietly gcc -D_GNU_SOURCE $(pkg-config --cflags trackway-monitor trackway) \
        ./*.c $(pkg-config --libs trackway-monitor trackway) -o shared
    rm trace.h trace.c
    cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(monitored C)
find_package(Trackway REQUIRED)
add_executable(monitored client.c main.c server.c store.c)
target_compile_definitions(monitored PRIVATE _GNU_SOURCE)
target_link_libraries(monitored PRIVATE Trackway::monitor)
trackway_add_events(monitored FILES trace-events BACKENDS ring)
END
    quietly cmake -S . -B build
    quietly cmake --build build
    for program in ./shared build/monitored; do
        [[ $("$program" -trace 'store_*' -trace help) == client_came*store_new ]] ||
            fail "option: $program -trace help"
        "$program" -trace foo=bar store 2>log && fail "option: $program foo=bar"
        [[ $(<log) == "monitored: Invalid parameter 'foo'" ]] || {
            fail "option: $program foo=bar says"
            cat log
        }
    done
    cat >both.cc <<'END'
#include <trackway/monitor.h>
#include <trackway/option.h>

int main()
{
    tw_monitor *monitor;

    return tw_trace_option("nothing*", nullptr) ||
           !tw_monitor_open(nullptr, 0, &monitor, nullptr, 0);
}
END
    if command -v g++ >/dev/null; then
        # shellcheck disable=SC2046
        quietly g++ -Wall -Wextra -Werror \
            $(pkg-config --cflags trackway-monitor trackway) both.cc \
            $(pkg-config --libs trackway-monitor trackway) -o both
        # It has no event, hence no ring, and no monitor.
        ./both || fail "option: C++"
    fi
    cd ..
}

# What the libraries show is what their version maps name.
check_symbols() {
    local name=$1 map=$2 shown named

    shown=$(nm -D --defined-only "$library/lib$name.so" |
        sed -n 's/.* [TDBR] \([a-z0-9_]*\)@.*/\1/p' | sort)
    named=$(sed -n 's/^\t\([a-z0-9_]*\);$/\1/p' "$map" | sort)
    [[ -n $shown && $shown == "$named" ]] || {
        fail "lib$name.so and $map"
        diff <(echo "$named") <(echo "$shown")
    }
}

# The files name no directory of the build, nor where they were first.
check_paths() {
    local file guest

    for file in "$library"/pkgconfig/*.pc "$library"/cmake/Trackway/*; do
        if grep -n -e "$work" -e "$build" -e "$source" "$file"; then
            fail "$file names a directory"
        fi
    done
    for file in "$prefix"/include/trackway/*.h; do
        guest=()
        [[ $file != */guest.h ]] || guest=(-DTW_GUEST)
        echo "#include <trackway/${file##*/}>" |
            gcc -std=gnu11 -Wall -Wextra -Werror "${guest[@]}" \
                -I"$prefix/include" -fsyntax-only -xc - || fail "$file does not stand alone"
        command -v g++ >/dev/null || continue
        echo "#include <trackway/${file##*/}>" |
            g++ -std=c++17 -Wall -Wextra -Werror "${guest[@]}" \
                -I"$prefix/include" -fsyntax-only -xc++ - || fail "$file is not for C++"
    done
}

try_meson
try_cmake "Unix Makefiles"
try_cmake Ninja
try_make
try_static
try_channel
try_monitor
try_option
check_symbols trackway "$source/src/runtime/trackway.map"
check_symbols trackway-channel "$source/src/channel/trackway-channel.map"
check_symbols trackway-monitor "$source/src/monitor/trackway-monitor.map"
check_paths
exit $failed
