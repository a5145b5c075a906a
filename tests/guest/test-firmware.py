#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One of the test guests in a stock QEMU, and everything done to it from the
host that a user may want to.

usage: test-firmware.py [--kvm] MACHINE TRACKWAY TRACETOOL

With --kvm, what doesn't need a fast guest: /dev/kvm may be an emulation.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # not into the source tree

import lib  # noqa: E402
from lib import check, check_consecutive, check_work, wait_for  # noqa: E402
from machines import MACHINES  # noqa: E402

EVENTS = ["guest_tick", "guest_work", "guest_done", "guest_irq", "guest_spin"]
WORK_TOTAL = 1000000
BEATS = 100  # a second


def step(text):
    """What is done next; the test's log shows it with the time."""
    print(f"{time.monotonic() - step.began:6.2f} {text}", flush=True)


step.began = time.monotonic()


def ring_of(trackway, target):
    rings = trackway.rings(target)
    return rings[0] if len(rings) == 1 else None


def find(trackway, guest, machine):
    ring = wait_for("the ring", lambda: ring_of(trackway, guest.target))
    check(ring["name"] == machine.name, f"the ring's name: {ring}")
    check(ring["generation"] == 1, f"the first boot's ring: {ring}")
    check(ring["events"] == len(EVENTS) and ring["enabled"] == 0,
          f"the ring's events: {ring}")
    check(trackway.states(guest.target) == dict.fromkeys(EVENTS, "off"),
          "not the firmware's events, or not all are off")


def switch(trackway, guest):
    """An event on and off while the guest runs; another one shows that it
    still did."""
    target = guest.target
    trackway.run("enable", target, "guest_tick")
    wait_for("guest_tick", lambda: trackway.events(target, "guest_tick"))
    check(trackway.states(target)["guest_tick"] == "on", "guest_tick is off")
    trackway.run("disable", target, "guest_tick")
    # One may have been under way.
    trackway.run("enable", target, "guest_irq")
    wait_for("guest_irq", lambda: trackway.events(target, "guest_irq"))
    before = trackway.events(target, "guest_tick")
    seen = len(trackway.events(target, "guest_irq"))
    wait_for("20 more interrupts", lambda: len(
        trackway.events(target, "guest_irq")) >= seen + 20)
    trackway.run("disable", target, "guest_irq")
    ticks = trackway.events(target, "guest_tick")
    check(len(ticks) == len(before), "guest_tick went on when switched off")
    check_consecutive(ticks, "beat")
    check_consecutive(trackway.events(target, "guest_irq"), "count")
    others = set(EVENTS) - {"guest_tick", "guest_irq"}
    check(not trackway.events(target, *others),
          "events came that nobody switched on")


def interrupt(trackway, guest):
    """The timer's interrupt comes into the midst of an event."""
    target = guest.target
    trackway.run("enable", target, "guest_spin", "guest_irq")

    def nested():
        lanes = trackway.json("stat", target)["producers"][0]["lanes"]
        return [lane for lane in lanes if lane["level"] == 1 and lane["count"]]

    wait_for("an interrupt within an event", nested)
    trackway.run("disable", target, "guest_spin", "guest_irq")


def check_times(events, began, ended):
    """In order, and no further off than the host can tell how late it was: a
    counter that goes round would be, by seconds or minutes."""
    times = [event["time_ns"] / 1e9 for event in events]
    check(times == sorted(times), "times go back")
    check(began - 1 < times[0] and times[-1] < ended + 1,
          f"events from {times[0]:.3f} to {times[-1]:.3f}, recorded from"
          f" {began:.3f} to {ended:.3f}")


def record(trackway, guest, machine, directory):
    """All of guest_work, as it comes."""
    share = machine.work // machine.cpus
    target = guest.target
    began = time.time()
    with trackway.record(directory, target, "guest_work", "guest_done",
                         "guest_irq") as recording:
        # The recorder needs the processor more.
        wait_for("the last of all events", lambda: len(
            trackway.events(target, "guest_done")) == machine.cpus, pause=0.3)
        said = recording.end()
    ended = time.time()
    check(", 0 lost," in said, said)
    printed = directory / "printed"
    with printed.open("w") as out:
        subprocess.run([trackway.program, "print", "-e", "guest_work",
                        directory], stdout=out, check=True)
    with printed.open(errors="surrogateescape") as lines:
        check(check_work(lines, machine.cpus, share) == machine.work,
              "not all of them")
    printed.unlink()

    stat = trackway.json("stat", directory)["producers"]
    check(len(stat) == 1, f"producers: {stat}")
    counts = {event["name"]: event["count"] for event in stat[0]["events"]}
    check(stat[0]["lost"] == 0, f"lost: {stat[0]}")
    check(counts["guest_work"] == machine.work, f"events: {counts}")
    check(counts["guest_done"] == machine.cpus, f"events: {counts}")
    check(set(counts) == {"guest_work", "guest_done", "guest_irq"},
          f"events: {counts}")
    interrupts = trackway.events(directory, "guest_irq")
    check(len(interrupts) == counts["guest_irq"] > 0, "not all of guest_irq")
    check_consecutive(interrupts, "count")
    check_times(interrupts, began, ended)
    done = trackway.events(directory, "guest_done")
    check(sorted(event["args"]["cpu"] for event in done) ==
          list(range(machine.cpus)), f"guest_done: {done}")
    check(all(event["args"]["total"] == share for event in done),
          f"guest_done: {done}")
    return sum(counts.values())


def read_elsewhere(directory, count):
    """babeltrace2 has no word to say against the trace."""
    lib.need("babeltrace2")
    said = lib.run("babeltrace2", directory, "--component=sink.utils.counter",
                   "--params=step=+0")
    numbers = [int(line.split()[0].replace(",", ""))
               for line in said.splitlines() if "Event message" in line]
    check(numbers == [count], f"babeltrace2 counts {said}")


def has_recorded(directory):
    """Whether a recording that runs has written events yet."""
    return any(path.stat().st_size for path in directory.glob("*/lane-*"))


def boot_again(trackway, guest):
    """A reset, and the ring that the next boot makes."""
    before = wait_for("the ring",
                      lambda: ring_of(trackway, guest.target))["generation"]
    guest.command("system_reset")
    wait_for("the next boot's ring", lambda: (
        ring_of(trackway, guest.target) or {}).get("generation") == before + 1)


def reset(trackway, guest, directory):
    """A reset in the midst of a recording: a second epoch of its own."""
    target = guest.target
    with trackway.record(directory, target, "guest_tick") as recording:
        # The ring may hold some that are older than the recording.
        wait_for("guest_tick in the trace", lambda: has_recorded(directory))
        began = time.monotonic()
        boot_again(trackway, guest)
        wait_for("guest_tick again",
                 lambda: trackway.events(target, "guest_tick"))
        recording.end()
        most = (time.monotonic() - began) * BEATS * 1.1 + 10
    epochs = trackway.json("stat", directory)["producers"]
    check(len(epochs) == 2, f"epochs: {epochs}")
    for epoch in epochs:
        check(epoch["lost"] == 0, f"lost: {epoch}")
    check(epochs[1]["generation"] == epochs[0]["generation"] + 1,
          f"generations: {epochs}")
    read_elsewhere(directory, sum(
        event["count"] for epoch in epochs for event in epoch["events"]))
    first, second = sorted(path for path in directory.iterdir()
                           if path.is_dir())
    for path in first, second:
        check_consecutive(trackway.events(path, "guest_tick"), "beat")
    # They count from its beginning, as the first boot's did, which lasted longer.
    ended = trackway.events(first, "guest_tick")[-1]["args"]["beat"]
    last = trackway.events(second, "guest_tick")[-1]["args"]["beat"]
    check(last <= most, f"the second boot's last beat is {last}, of at most"
                        f" {most:.0f}; the first boot's was {ended}")


def crash(trackway, machine, image, directory):
    """QEMU is killed; its RAM is still in the file."""
    ram = directory / "ram"
    target = f"ram:{ram}"
    with lib.Guest(machine, image, directory, ram_file=ram) as guest:
        wait_for("the ring", lambda: ring_of(trackway, guest.target))
        trackway.run("enable", target, "guest_work", "guest_done")
        wait_for("the last of all events", lambda: len(
            trackway.events(target, "guest_done")) == machine.cpus,
            pause=0.3)
        guest.kill()
    ring = ring_of(trackway, target)
    check(ring and ring["place"] == machine.ring, f"the ring: {ring}")
    stat = trackway.json("stat", target)["producers"][0]
    lines = trackway.run("print", "-e", "guest_work", target,
                         lost=True).splitlines()
    counts = {event["name"]: event["count"] for event in stat["events"]}
    check(len(lines) == counts["guest_work"] > 0, "not what stat counts")
    for line in lines:
        message = line.partition(" guest_work ")[2]
        words = message.split()
        check(message == lib.work_message(int(words[1]), int(words[3])), line)


def test_with_kvm(machine, trackway, image, directory):
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise lib.Skip("no access to /dev/kvm")
    step("boot")
    with lib.Guest(machine, image, directory,
                   options=("-accel", "kvm", "-cpu", "host")) as guest:
        step("find")
        find(trackway, guest, machine)
        step("switch")
        switch(trackway, guest)
        step("reset")
        reset(trackway, guest, directory / "epochs")


def test(machine, kvm, trackway, tracetool):
    trackway = lib.Trackway(trackway)
    lib.need_memory_access()
    with tempfile.TemporaryDirectory(prefix="trackway-guest-") as name:
        directory = pathlib.Path(name)
        step("build")
        image = lib.build_firmware(machine, tracetool, directory,
                                   options=[f"-DWORK_TOTAL={machine.work}u"])
        if kvm:
            test_with_kvm(machine, trackway, image, directory)
            return
        step("boot")
        with lib.Guest(machine, image, directory) as guest:
            step("find")
            find(trackway, guest, machine)
            step("switch")
            switch(trackway, guest)
            # A million, in as many recordings as the ring's size makes it.
            for number in range(WORK_TOTAL // machine.work):
                if number:
                    boot_again(trackway, guest)
                step("record")
                trace = directory / f"trace{number}"
                count = record(trackway, guest, machine, trace)
                step("babeltrace2")
                read_elsewhere(trace, count)
            step("interrupt")
            interrupt(trackway, guest)
            step("reset")
            reset(trackway, guest, directory / "epochs")
        step("crash")
        crash(trackway, machine, image, directory)
        step("done")


def main():
    arguments = sys.argv[1:]
    kvm = arguments[0] == "--kvm"
    name, trackway, tracetool = arguments[kvm:]
    machine = MACHINES[name]
    return lib.main(machine, lambda: test(machine, kvm, trackway, tracetool))


sys.exit(main())
