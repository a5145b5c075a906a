#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every testpoint of the ring is named by a test here, and is in the code.
#
# usage: check-testpoints.sh SOURCE_ROOT

set -eu

root=$1
failed=0

points=$(sed -n '/^enum tw_testpoint {/,/^};/s/^\t\(TW_AT_[A-Z_]*\),.*/\1/p' \
    "$root/src/ring/ring-write.h" | grep -vx TW_AT_COUNT)
test -n "$points"
for point in $points; do
    grep -qw "$point" "$root"/tests/race/*.c || {
        echo "$point: named by no test"
        failed=1
    }
    grep -qw "TW_TESTPOINT($point)" "$root"/src/ring/*.c || {
        echo "$point: nowhere in the code"
        failed=1
    }
done
exit "$failed"
