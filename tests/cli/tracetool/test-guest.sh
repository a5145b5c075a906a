#!/bin/bash
# SPDX-License-Identifier: MIT
# test-guest.sh GUEST: a program that takes ids and numbers, and frames, as a
# guest sends them, through format guest's switches to the log.
set -u
program=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export TRACKWAY_DIR=$work/rings TRACKWAY_EVENTS='*'
unset TRACKWAY TRACKWAY_LOG
cat >expected-out <<'END'
numbers 0: served
numbers 1: served
numbers 2: served
numbers 3: served
numbers 4: refused
numbers 5: served
numbers 9: refused
numbers 18446744073709551615: refused
ten 3: served
event 3: served
1 1 1 1 0 1 1 0 1 -1 -1 -1 -1 1 0 1 -1 -1 of 9, 3
frame 0: served
frame 1: served
frame 2: served
frame 2: served
frame 3: served
frame 5: served
frame 5: served
frame 5: served
frame 5: served
frame 5: served
frame 5: served
frame 200: served
frame 201: served
frame 201: served
frame 202: served
END
cat >expected-err <<'END'
guest_none 
guest_ints -1 255 -70000 18446744073709551615 1 1.5
guest_text (guest) 0x7fff0000 0
guest_ten 1 2 3 4 5 6 0 0 0 0
guest_bytes  0 00 00 00
guest_ten 1 2 3 4 5 6 7 8 9 10
guest_ten 10 9 8 7 6 5 4 3 2 1
guest_none 
guest_ints -1 255 -70000 18446744073709551615 1 1.5
guest_text text é 0x7fff0000 0
guest_text text 0x7fff0000 33
guest_ten 1 2 3 4 5 6 7 8 9 -1
guest_bytes 01 02 03 3 04 05 06
guest_bytes 01 02 03 3 04 05 06
guest_bytes 01 02 2 04 05 06
guest_bytes  -1 04 05 06
guest_bytes  0 04 00 00
guest_bytes  0 04 05 06
part_nothing 
part_words -1 4294967295 4 -2 65534 -3 0x10000 1.5
part_words -1 4294967301 4294967300 -2 65534 -3 0x100000000 1.5
part_two 01 02 2 04 05
END
"$program" >out 2>err || exit 1
cmp -s expected-out out && cmp -s expected-err err && exit 0
diff expected-out out
diff expected-err err
exit 1
