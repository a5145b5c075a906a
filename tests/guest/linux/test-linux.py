#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A Linux guest in a stock QEMU: Debian's kernel, a traced program, and its
ring in the memory of an ivshmem device, which the host reads in a file.

usage: test-linux.py TRACKWAY PROGRAM
"""

import os
import pathlib
import shutil
import sys
import tempfile
import time
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import initramfs  # noqa: E402
import lib  # noqa: E402
from lib import Skip, check, wait_for  # noqa: E402

EVENTS = ["linux_quit", "linux_thread", "linux_tick"]
MEMORY = 16 << 20
MAGIC = b"\x89TRKWAY\n"
CONTROL_SIZE = 208


def step(text):
    """What is done next; the test's log shows it with the time."""
    print(f"{time.monotonic() - step.began:6.2f} {text}", flush=True)


step.began = time.monotonic()


def find_kernel():
    kernels = [path for path in pathlib.Path("/boot").glob("vmlinuz-*-amd64")
               if os.access(path, os.R_OK)]
    if not kernels:
        raise Skip("no kernel of Debian's in /boot (linux-image-cloud-amd64)")
    return max(kernels, key=lambda path: ("-cloud-" in path.name,
                                          path.stat().st_mtime))


def make_initramfs(program, path):
    lib.need("busybox", "ldd")
    busybox = shutil.which("busybox")
    path.write_bytes(initramfs.make({
        "init": HERE / "init",
        "program": program,
        "bin/busybox": busybox,
        **initramfs.libraries(busybox),
        **initramfs.libraries(program),
    }))


def make_machine(program, directory):
    """As lib.Guest takes it; what it calls the firmware is the kernel."""
    initrd = directory / "initramfs"
    make_initramfs(program, initrd)
    return types.SimpleNamespace(name="linux", qemu=[
        "qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-cpu", "max",
        "-m", "256", "-nodefaults", "-no-reboot",
        "-kernel", "FIRMWARE", "-initrd", str(initrd),
        "-append", "console=ttyS0 quiet panic=-1 nokaslr mitigations=off",
        "-object", f"memory-backend-file,id=r2,size={MEMORY},share=on,"
                   f"mem-path={directory / 'memory'}",
        "-device", "ivshmem-plain,memdev=r2"])


def ring_of(target):
    """What the first bytes of the memory say (trackway/ring.h): a reader of the
    test's own, that knows the ring before it has any events."""
    with open(target.partition(":")[2], "rb") as memory:
        control = memory.read(CONTROL_SIZE)
    if not control.startswith(MAGIC):
        return {}
    return {"generation": int.from_bytes(control[48:52], "little"),
            "name": control[160:192].rstrip(b"\0").decode()}


def find(trackway, guest, target, generation):
    """The ring, once it is there and has its events, as the program has made
    it."""
    def look():
        check(guest.process.poll() is None, "the guest has ended")
        ring = ring_of(target)
        return (ring.get("generation") == generation and
                len(trackway.states(target)) == len(EVENTS))

    # A whole kernel boots meanwhile, on a machine that is emulated and may have
    # other things to do.
    wait_for(f"the ring of generation {generation}", look, 4 * lib.LIMIT)
    ring = ring_of(target)
    check(ring["name"] == "program", f"the ring's name: {ring}")
    check(trackway.states(target) == dict.fromkeys(EVENTS, "off"),
          "not the program's events, or not all are off")


def check_ticks(events):
    numbers = [event["args"]["number"] for event in events]
    check(numbers == list(range(numbers[0], numbers[0] + len(numbers))),
          f"not one after the other: {numbers}")
    for event in events:
        number = event["args"]["number"]
        check(event["args"]["text"] ==
              f"{('even', 'odd')[number % 2]} {number}", f"text of {event}")


def check_thread(events):
    for event in events:
        number = event["args"]["number"]
        check(event["args"]["check"] == number * 2654435761 % (1 << 32),
              f"check of {event}")


def switch(trackway, target):
    """An event on and off while the guest runs; another one shows that it
    still did."""
    trackway.run("enable", target, "linux_tick")
    wait_for("20 ticks",
             lambda: len(trackway.events(target, "linux_tick")) >= 20)
    check(trackway.states(target)["linux_tick"] == "on", "linux_tick is off")
    trackway.run("disable", target, "linux_tick")
    # One may have been under way.
    trackway.run("enable", target, "linux_thread")
    wait_for("linux_thread", lambda: trackway.events(target, "linux_thread"))
    before = trackway.events(target, "linux_tick")
    seen = len(trackway.events(target, "linux_thread"))
    wait_for("20 more of the thread's events", lambda: len(
        trackway.events(target, "linux_thread")) >= seen + 20)
    trackway.run("disable", target, "linux_thread")
    ticks = trackway.events(target, "linux_tick")
    check(len(ticks) == len(before), "linux_tick went on when switched off")
    check_ticks(ticks)
    threads = trackway.events(target, "linux_thread")
    check_thread(threads)
    check(len({event["tid"] for event in ticks + threads}) == 2,
          "not two threads' events")


def record(trackway, target, directory):
    with trackway.record(directory, target, "linux_tick") as recording:
        seen = len(trackway.events(target, "linux_tick"))
        wait_for("200 more ticks", lambda: len(
            trackway.events(target, "linux_tick")) >= seen + 200)
        recording.end()
    stat = trackway.json("stat", directory)["producers"]
    check(len(stat) == 1 and stat[0]["lost"] == 0, f"recorded: {stat}")
    ticks = trackway.events(directory, "linux_tick")
    check(len(ticks) >= 200, f"{len(ticks)} ticks recorded")
    check_ticks(ticks[-200:])


def crash(trackway, guest, target):
    """QEMU is killed; what the program has emitted is still there."""
    trackway.run("enable", target, "linux_thread")
    wait_for("linux_thread", lambda: trackway.events(target, "linux_thread"))
    guest.kill()
    check_thread(trackway.events(target, "linux_thread"))
    check(ring_of(target)["generation"] == 2, "not that ring")


def test(directory):
    trackway = lib.Trackway(sys.argv[1])
    target = f"ram:{directory / 'memory'}"
    lib.need("qemu-system-x86_64")
    kernel = find_kernel()
    machine = make_machine(sys.argv[2], directory)
    step("boot")
    with lib.Guest(machine, kernel, directory) as guest:
        try:
            find(trackway, guest, target, 1)
            step("switch")
            switch(trackway, target)
            step("record")
            record(trackway, target, directory / "trace")
            step("second generation")
            trackway.run("enable", target, "linux_quit")
            find(trackway, guest, target, 2)
            step("crash")
            crash(trackway, guest, target)
        finally:
            print(guest.serial.read_text(errors="replace"))
    step("done")


def main():
    with tempfile.TemporaryDirectory(prefix="trackway-linux-") as name:
        return lib.main(types.SimpleNamespace(name="linux"),
                        lambda: test(pathlib.Path(name)))


sys.exit(main())
