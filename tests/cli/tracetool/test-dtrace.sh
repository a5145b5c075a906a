#!/bin/bash
# SPDX-License-Identifier: MIT
# test-dtrace.sh TRACETOOL INCLUDE [RUNTIME]: the probes of backend dtrace are in
# the program's notes, gdb stops at them and sees their arguments, and an event
# is on exactly while somebody counts its semaphore up. With RUNTIME, the path
# of libtrackway, also together with another backend.
set -u
tracetool=$(realpath "$1")
include=$(realpath "$2")
runtime=${3:+$(realpath "$3")}
for command in gdb readelf gcc; do
    command -v $command >/dev/null || {
        echo "skipped: no $command here"
        exit 77
    }
done
echo '#include <sys/sdt.h>' | gcc -fsyntax-only -x c - 2>/dev/null || {
    echo "skipped: no sys/sdt.h here (Debian's systemtap-sdt-dev has it)"
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

fail() {
    echo "FAILED: $1"
    failed=1
}

# has FILE TEXT
has() {
    grep -qF -- "$2" "$1" || fail "'$2' is not in $1"
}

cat >events <<'END'
usdt_none(void) ""
usdt_ints(int8_t a, uint16_t b, int c, uint64_t d, bool e) "%d %u %d %" PRIu64 " %d"
usdt_text(const char *self, void *p) "%s %p"
usdt_ten(int a, int b, int c, int d, int e, int f, int g, int h, int i, uint64_t j) "%d %d %d %d %d %d %d %d %d %" PRIu64
disable usdt_off(int a) "%d"
END
cat >user.c <<'END'
#include <stdio.h>
#include "trace.h"
int main(void)
{
    printf("enabled %d%d%d%d\n", trace_usdt_none_enabled(),
           trace_usdt_ints_enabled(), trace_usdt_text_enabled(),
           trace_usdt_off_enabled());
    fflush(stdout);
    trace_usdt_none();
    trace_usdt_ints(-100, 65535, -70000, 0xfedcba9876543210u, true);
    trace_usdt_text("seen by gdb", (void *)0x1234);
    trace_usdt_ten(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    trace_usdt_off(1);
    return 0;
}
END
options=(-O2 -g -Wall -Wextra -Werror -I"$include" -I.)

# build BACKENDS COMPILER WORDS...
build() {
    local backends=$1 compiler=$2
    shift 2
    for format in h c; do
        "$tracetool" --format=$format --backends="$backends" --group=usdt \
            events trace.$format || fail "tracetool --backends=$backends"
    done
    $compiler "${options[@]}" user.c trace.c -o program "$@" ||
        fail "$compiler, backends $backends"
}

# debug WORDS...: in gdb, without the user's own settings
debug() {
    gdb -nx -batch -iex 'set debuginfod enabled off' "$@" ./program \
        </dev/null >gdb.out 2>&1
}

cat >commands <<'END'
break -probe-stap usdt:usdt_ints
commands
  silent
  printf "ints %d: %d %d %d %llx %d\n", $_probe_argc, $_probe_arg0, $_probe_arg1, $_probe_arg2, $_probe_arg3, $_probe_arg4
  continue
end
break -probe-stap usdt:usdt_text
commands
  silent
  printf "text %d: %s %#lx\n", $_probe_argc, (char *)$_probe_arg0, $_probe_arg1
  continue
end
break -probe-stap usdt:usdt_ten
commands
  silent
  printf "ten %d: %d %d %d\n", $_probe_argc, $_probe_arg0, $_probe_arg8, $_probe_arg9
  continue
end
run
END

for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    build dtrace $compiler
    readelf -nW program >notes
    [ "$(grep -c 'Provider: usdt$' notes)" = 4 ] ||
        fail "$compiler: not four probes"
    for name in none ints text ten; do
        grep -A1 "Name: usdt_$name\$" notes |
            grep -q 'Semaphore: 0x0*[1-9a-f]' ||
            fail "$compiler: usdt_$name has no semaphore"
    done
    ! grep -q usdt_off notes || fail "$compiler: a disabled event has a probe"

    # Nobody looks: off.
    ./program >out
    has out 'enabled 0000'

    debug -x commands
    if grep -q 'ptrace: Operation not permitted\|Could not trace' gdb.out; then
        echo "skipped: ptrace is not permitted here"
        exit 77
    fi
    has gdb.out 'enabled 0110'
    has gdb.out 'ints 5: -100 65535 -70000 fedcba9876543210 1'
    has gdb.out 'text 2: seen by gdb 0x1234'
    has gdb.out 'ten 10: 1 9 10'
    has gdb.out 'exited normally'
    [ $failed = 0 ] || {
        cat notes gdb.out
        exit 1
    }

    # One that is not looked at stays off.
    debug -ex 'break -probe-stap usdt:usdt_none' -ex run -ex continue
    has gdb.out 'enabled 1000'
    has gdb.out 'Breakpoint 1, '
done

# The provider's other name.
"$tracetool" --format=c --backends=dtrace --probe-prefix=qemu.system.x86_64 \
    events trace.c || fail "--probe-prefix"
has trace.c 'STAP_PROBE5(qemu_system_x86_64, usdt_ints, '

# With the ring: on for either's sake, and each gets what it asks for.
if [ -n "$runtime" ]; then
    build log,dtrace gcc "$runtime" -Wl,-rpath,"$(dirname "$runtime")"
    export TRACKWAY_DIR=$work/rings
    ./program >out 2>err
    has out 'enabled 0000'
    [ ! -s err ] || fail "log prints what nobody asked for"
    TRACKWAY_EVENTS=usdt_text ./program >out 2>err
    has out 'enabled 0010'
    has err 'usdt_text seen by gdb 0x1234'
    TRACKWAY_EVENTS=usdt_text debug -x commands
    has gdb.out 'enabled 0110'
    has gdb.out 'ints 5: -100 65535 -70000 fedcba9876543210 1'
    ! grep -q 'usdt_ints -100' gdb.out || fail "log prints gdb's event"
    has gdb.out 'usdt_text seen by gdb 0x1234'
    has gdb.out 'text 2: seen by gdb 0x1234'
fi
[ $failed = 0 ] || cat gdb.out
exit $failed
