#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# demo.sh BUILD: a database at work and a firmware in a virtual machine are found,
# switched, watched, recorded and measured from outside. Each step shows its
# command, then what that printed. Everything it makes is in one temporary
# directory, removed at the end.

set -euo pipefail

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
build=$(realpath "$1")
PATH=$build/bin:$build/examples:$here/sqlite-vfs:$PATH

firmware=$build/examples/disk-guest/disk-guest.elf
if [[ ! -f $firmware ]]; then
    echo "demo.sh: no $firmware: it needs a compiler for x86" >&2
    exit 1
fi

scratch=$(mktemp -d)
program=
qemu=
trap 'exit 130' INT TERM
trap clean_up EXIT

clean_up() {
    [[ -z $program ]] || kill "$program" 2>/dev/null || true
    [[ -z $qemu ]] || kill "$qemu" 2>/dev/null || true
    wait
    rm -rf "$scratch"
}

step() {
    printf '\n# %s\n' "$*"
}

# Show a command as one would type it, then run it. 141: its reader, such as
# head, had seen enough.
run() {
    printf '$ %s\n' "$*"
    eval "$*" || [[ $? -eq 141 ]]
}

# The same of what goes on while the others run; its process is $!.
start() {
    printf '$ %s &\n' "$*"
    eval "$* &"
}

cd "$scratch"
ln -s "$firmware" .

step "A database at work, for 12 seconds. It waits for nobody."
start "sqlite-vfs --seconds 12 >summary"
program=$!

step "A firmware that reads its disk, in a QEMU as it comes, with QEMU's own log of
# what its devices do"
run "seq -f %0511.0f 0 8191 >disk.img"
start "qemu-system-x86_64 -M pc -kernel disk-guest.elf -display none \\
    -drive file=disk.img,format=raw,if=ide -msg timestamp=on -D qemu \\
    -trace ide_dma_cb -trace dma_complete 2>errors"
qemu=$!

step "From outside: what can be traced here?"
run trackway list
for ((i = 0; i < 100; i++)); do
    kill -0 "$qemu" 2>/dev/null || { cat errors >&2 && exit 1; }
    ! trackway events "vm:$qemu" >/dev/null 2>&1 || break
    sleep 0.1
done
run trackway list "vm:$qemu"

step "The events of the two, all of them off"
run trackway events "$program"
run trackway events "vm:$qemu"

step "Switch on, in the running program, the calls that write to disk for good"
run trackway enable "$program" vfs_sync vfs_truncate
sleep 0.3
run "trackway print $program | tail -n 5 | cut -c -79"
run trackway disable "$program" "'*'"

step "Record all events of both for 3 seconds"
run "trackway record -o trace --seconds 3 vm:$qemu $program"

step "One timeline of the firmware, QEMU's devices and the database: the firmware
# reads a sector, QEMU does so, the database goes on"
run "trackway print -e 'disk_*' -e ide_dma_cb -e dma_complete \\
    -e vfs_sync -e vfs_truncate trace qemu-log:qemu |
    sed 's/IDEState [^ ]* //' | cut -c -79 | grep -A 20 -m 1 'number=[0-9]*0 '"

step "How far off the firmware's times may be: so much later, or earlier"
run "trackway print --bounds -n 3 -e 'disk_*' trace | cut -c -79"

step "What was recorded"
run trackway stat trace

step "What took the database how long: each event carries its call's duration"
run "trackway print --json -e 'vfs_*' trace | operation-times.py"

step "Another reader of the same recording"
run "babeltrace2 trace | head -n 3 | cut -c -79"

step "The database, all the while"
wait "$program"
program=
cat summary
