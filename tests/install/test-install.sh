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

# What the libraries show is what their version maps name.
check_symbols() {
    local name=$1 map=$2 shown named

    shown=$(nm -D --defined-only "$library/lib$name.so" |
        sed -n 's/.* [TDBR] \([a-z_]*\)@.*/\1/p' | sort)
    named=$(sed -n 's/^\t\([a-z_]*\);$/\1/p' "$map" | sort)
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
    done
}

try_meson
try_cmake "Unix Makefiles"
try_cmake Ninja
try_make
try_static
try_channel
check_symbols trackway "$source/src/runtime/trackway.map"
check_symbols trackway-channel "$source/src/channel/trackway-channel.map"
check_paths
exit $failed
