#!/bin/sh
# SPDX-License-Identifier: MIT
#
# src/ring needs no C library: built freestanding, with none of its headers and
# with a firmware's own integer types, it leaves nothing undefined but what
# compilers themselves may call.
#
# usage: check-freestanding.sh SOURCE_ROOT COMPILER [OPTION...]

set -eu

root=$1
shift
compiler=$*
stubs=$root/tests/unit/ring/freestanding
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if ! $compiler --version >/dev/null 2>&1; then
    echo "no $1 here"
    exit 77
fi

# compile SOURCE OBJECT [OPTION...]
compile() {
    source=$1
    object=$2
    shift 2
    # shellcheck disable=SC2086 # the compiler is words
    $compiler -std=gnu11 -ffreestanding -fno-pic -fno-stack-protector \
        -nostdinc -isystem "$($compiler -print-file-name=include)" \
        -isystem "$stubs" -I"$root/include" -Wall -Wextra -Werror -Wundef \
        "$@" -c "$source" -o "$object"
}

# The symbols that objects want and do not have, but for compilers' own.
missing_symbols() {
    nm --defined-only "$@" | awk 'NF == 3 { print $3 }' | sort -u \
        >"$scratch/defined"
    nm -u "$@" | awk '$1 == "U" { print $2 }' | sort -u |
        comm -23 - "$scratch/defined" |
        grep -vxE 'mem(cpy|set|move|cmp)' || true
}

echo 'int tw_empty;' >"$scratch/empty.c"
if ! compile "$scratch/empty.c" "$scratch/empty.o" 2>/dev/null; then
    echo "$compiler does not work here"
    exit 77
fi

# A twin that must be found out, or the rest would prove nothing.
cat >"$scratch/hosted.c" <<'TWIN'
unsigned long strlen(const char *);
unsigned long tw_hosted(const char *text);
unsigned long tw_hosted(const char *text) { return strlen(text); }
TWIN
compile "$scratch/hosted.c" "$scratch/hosted.o"
if [ "$(missing_symbols "$scratch/hosted.o")" != strlen ]; then
    echo "this script would not see an undefined symbol"
    exit 1
fi
rm "$scratch/hosted.o" "$scratch/empty.o"

for options in -O0 -Os "-O2 -DTW_TYPES_HEADER=<own-types.h>"; do
    for source in "$root"/src/ring/*.c; do
        # shellcheck disable=SC2086
        compile "$source" "$scratch/$(basename "$source" .c).o" $options
    done
    missing=$(missing_symbols "$scratch"/*.o)
    if [ -n "$missing" ]; then
        echo "$compiler $options: src/ring wants $missing"
        exit 1
    fi
done
