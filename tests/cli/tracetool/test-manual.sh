#!/bin/bash
# SPDX-License-Identifier: MIT
# test-manual.sh TRACETOOL MANUAL: tracetool(1) and --help tell the same options,
# formats and backends.
set -u
tracetool=$(realpath "$1")
manual=$(realpath "$2")
failed=0

# same WHAT HELPED WRITTEN
same() {
    if [ "$2" != "$3" ] || [ -z "$2" ]; then
        echo "FAILED: $1, --help and manual:"
        diff <(echo "$2") <(echo "$3")
        failed=1
    fi
}

# helped HEADING: first words of the lines of that part of --help
helped() {
    "$tracetool" --help | sed -n "/^$1/,/^\$/p" | sed 1d |
        sed -n 's/^  \(--\)\{0,1\}\([a-z-]*\).*/\2/p' | sort
}

# written HEADING: what the manual has set apart in that part of it
written() {
    sed -n "/^# $1\$/,/^# /p" "$manual" | grep '^\*' | sed 's/ (also .*//' |
        grep -oE '\*[a-z-]+\*' | tr -d '*' | sed 's/^--//' | sort
}

same options "$(helped Options)" "$(written OPTIONS)"
same formats "$(helped Formats)" "$(written FORMATS)"
same backends "$(helped Backends)" "$(written BACKENDS)"
exit $failed
