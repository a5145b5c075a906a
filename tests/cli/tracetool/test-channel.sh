#!/bin/bash
# SPDX-License-Identifier: MIT
# test-channel.sh TRACETOOL INCLUDE RUNTIME CHANNEL: from trace_NAME() in a guest,
# by backend channel and frames, to trace_NAME() in a host, by the decoder and
# format guest, each field as it was.
set -u
tracetool=$(realpath "$1")
include=$(realpath "$2")
runtime=$(realpath "$3")
channel=$(realpath "$4")
outlets=$(realpath "$(dirname "$0")")/outlets
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export TRACKWAY_DIR=$work/rings TRACKWAY_EVENTS='*'
unset TRACKWAY TRACKWAY_LOG
warnings=(-std=gnu11 -Wall -Wextra -Werror)

# generate FOLDER FORMAT BACKEND FILE
generate() {
    "$tracetool" --format="$2" --backends="$3" --group=guest \
        "$outlets/guest.events" "$1/$4" || exit 1
}

mkdir guest host
"$tracetool" --emit-guest-runtime=guest || exit 1
generate guest h channel trace.h
generate guest c channel trace.c
generate host h log trace.h
generate host c log trace.c
generate host guest log switch.c
generate host guest-h log switch.h
gcc "${warnings[@]}" -DTW_GUEST -DTW_GUEST_NO_RING -include sys/types.h \
    -Iguest guest/trace.c guest/trackway-guest.c "$outlets/channel-guest.c" \
    -o emit || exit 1
gcc "${warnings[@]}" -Ihost -I"$include" host/trace.c host/switch.c \
    "$outlets/channel-host.c" "$channel" "$runtime" \
    -Wl,-rpath,"$(dirname "$runtime")" -o receive || exit 1
cat >expected-out <<'END'
start of guest, 9 events
a console's text
9 events, 0 lost, 0 bad
END
cat >expected-err <<'END'
guest_none 
guest_ints -1 255 -70000 18446744073709551615 1 1.5
guest_text hello 0x1234 33
guest_ten 1 2 3 4 5 6 7 8 9 -10
guest_bytes 61 61 61 61 4 01 02 03
guest_bytes 61*61 992 00 00 00
guest_bytes  0 00 00 00
part_words -1 8 7 -2 65535 -3 0x1000 2.5
part_two 01 02 2 02 03
END
./emit >stream && ./receive <stream >out 2>err || exit 1
sed -i 's/ 61 61 61 61 61.* 61 / 61*61 /' err
cmp -s expected-out out && cmp -s expected-err err && exit 0
diff expected-out out
diff expected-err err
exit 1
