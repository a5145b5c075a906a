#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Each installed header stands alone, in C and in C++, without a warning.
#
# usage: check-headers.sh SOURCE_ROOT COMPILER OPTION...

set -eu

root=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if ! "$1" --version >/dev/null 2>&1; then
    echo "no $1 here"
    exit 77
fi

# compile NAME COMPILER OPTION...
compile() {
    name=$1
    shift
    if [ "$name" = guest.h ]; then
        set -- "$@" -DTW_GUEST
    fi
    printf '#include <trackway/%s>\n' "$name" >"$scratch/includes.source"
    "$@" -I"$root/include" -D_GNU_SOURCE -Wall -Wextra -Werror -Wshadow \
        -Wundef -fsyntax-only "$scratch/includes.source"
}

count=0
for header in "$root"/include/trackway/*.h; do
    compile "$(basename "$header")" "$@"
    count=$((count + 1))
done
test "$count" -gt 0

# A twin that must fail.
if compile no-such-header.h "$@" 2>/dev/null; then
    echo "this script would not see a broken header"
    exit 1
fi
