#!/bin/bash
# SPDX-License-Identifier: MIT
# test-guest.sh GUEST: a program that takes ids and numbers, as a guest sends
# them, through format guest's switch to the log.
set -u
program=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export TRACKWAY_DIR=$work/rings TRACKWAY_EVENTS='*'
unset TRACKWAY TRACKWAY_LOG
cat >expected-out <<'END'
0: served
1: served
2: served
3: served
4: refused
5: served
6: refused
18446744073709551615: refused
END
cat >expected-err <<'END'
guest_none 
guest_ints -1 255 -70000 18446744073709551615 1 1.5
guest_text (guest) 0x7fff0000 0
guest_ten 1 2 3 4 5 6 0 0 0 0
guest_bytes  0 00 00 00
guest_ten 1 2 3 4 5 6 7 8 9 10
END
"$program" >out 2>err || exit 1
cmp -s expected-out out && cmp -s expected-err err && exit 0
diff expected-out out
diff expected-err err
exit 1
