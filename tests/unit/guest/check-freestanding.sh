#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The guest runtime and what tracetool generates, compiled for one machine as a
# firmware would, leave nothing undefined: no function of a C library, none of a
# compiler's own library. And not a warning. PART is ring or channel.
#
# usage: check-freestanding.sh SOURCE_ROOT PART GENERATED_C COMPILER [OPTION...]

set -eu

root=$1
case $2 in
ring) sources=guest ;;
channel) sources="channel transport-fw-cfg transport-stream" ;;
*) exit 2 ;;
esac
generated=$3
shift 3
compiler=$*
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if ! command -v "$1" >/dev/null; then
    echo "no $1 here"
    exit 77
fi
echo 'int tw_empty;' >"$scratch/empty.c"
# shellcheck disable=SC2086 # the compiler is words
if ! $compiler -c "$scratch/empty.c" -o "$scratch/empty.o"; then
    echo "$compiler does not work here"
    exit 77
fi

# compile SOURCE OBJECT [OPTION...]
compile() {
    source=$1
    object=$2
    shift 2
    # shellcheck disable=SC2086
    $compiler -std=gnu11 -fno-pic -fno-stack-protector -nostdinc \
        -isystem "$($compiler -print-file-name=include)" \
        -I"$root/include" -I"$root/tests/unit/guest" -I"$scratch" \
        -DTW_GUEST '-DTW_GUEST_CONFIG="config.h"' \
        -Wall -Wextra -Werror -Wundef -Wshadow -Wredundant-decls \
        -Wmissing-prototypes -Wnested-externs \
        "$@" -c "$source" -o "$scratch/$object.o"
}

# The symbols that objects want and do not have. Small code for PowerPC keeps
# registers by functions that every firmware of that kind has to have; a float
# that goes to a printk becomes a double, where there are none by a function.
missing_symbols() {
    nm --defined-only "$@" | awk 'NF == 3 { print $3 }' | sort -u \
        >"$scratch/defined"
    nm -u "$@" | awk '$1 == "U" { print $2 }' | sort -u |
        comm -23 - "$scratch/defined" |
        grep -vxE '_(rest|save)gpr_[0-9]+(_x)?|firmware_printk|__aeabi_f2d|__extendsfdf2' || true
}

fail() {
    echo "$compiler: $*"
    exit 1
}

# check OPTION...
check() {
    compile "$generated" trace "$@"
    objects=$scratch/trace.o
    for part in $sources; do
        compile "$root/src/guest/$part.c" "$part" "$@"
        objects="$objects $scratch/$part.o"
    done
    # shellcheck disable=SC2086
    missing=$(missing_symbols $objects)
    [ -z "$missing" ] || fail "$* wants $missing"
}

# What every machine has: a printk, whose formats the compiler checks.
begin_config() {
    cat >"$scratch/config.h" <<'PRINTK'
int firmware_printk(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
#define TW_GUEST_PRINTK(format, ...) firmware_printk(format, ##__VA_ARGS__)
PRINTK
}
begin_config

# A twin that must be found out, or the rest would prove nothing.
cat >"$scratch/hosted.c" <<'TWIN'
int tw_missing(int);
int tw_hosted(int value);
int tw_hosted(int value) { return tw_missing(value) + 1; }
TWIN
compile "$scratch/hosted.c" hosted -Os
[ "$(missing_symbols "$scratch/hosted.o")" = tw_missing ] ||
    fail "this script would not see an undefined symbol"

# What a machine may have to be given.
add_clock() {
    cat >>"$scratch/config.h" <<'CLOCK'
#define TW_GUEST_CLOCK() \
	((unsigned long long)*(volatile unsigned int *)0x40000004)
CLOCK
}

add_guard() {
    cat >>"$scratch/config.h" <<'GUARD'
#define TW_GUEST_GUARD_ENTER() (*(volatile unsigned int *)0x40000008)
#define TW_GUEST_GUARD_LEAVE(saved) \
	((void)(*(volatile unsigned int *)0x40000008 = (unsigned int)(saved)))
GUARD
}

# refuses MESSAGE OPTION...: whether it does not compile, and says so.
refuses() {
    message=$1
    shift
    if compile "$root/src/guest/${sources%% *}.c" guest -ffreestanding -Os "$@" \
        2>"$scratch/why"; then
        return 1
    fi
    grep -qF "$message" "$scratch/why"
}

if refuses 'no clock that is known'; then
    add_clock
fi
if refuses 'a guard is needed'; then
    add_guard
fi
for optimization in -Os -O2 -O0; do
    check -ffreestanding $optimization
done

# Two CPUs with compare-and-swap, and not without.
set -- -DTW_GUEST_CPUS=2 '-DTW_GUEST_CPU()=0'
# shellcheck disable=SC2086
if $compiler -dM -E - </dev/null | grep -q __GCC_HAVE_SYNC_COMPARE_AND_SWAP_4
then
    check -ffreestanding -Os "$@"
else
    refuses 'there can be one CPU only' "$@" ||
        fail "two CPUs without compare-and-swap"
fi

# With types of the firmware's own, all that there is to be had, and for a
# compiler that may take loops for a library's functions.
begin_config
add_clock
add_guard
echo '#define TW_TYPES_HEADER "../ring/freestanding/own-types.h"' \
    >>"$scratch/config.h"
for optimization in -Os -O2; do
    check -DTW_GUEST_WHOLE_GUARD -DTW_GUEST_NO_BLOBS -DTW_GUEST_LEVELS=3 \
        $optimization
done
