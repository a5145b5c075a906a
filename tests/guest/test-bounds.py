#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hard bounds of a guest's times: live, recorded, and as babeltrace2 has them.

usage: test-bounds.py [--kvm] MACHINE TRACKWAY TRACETOOL

What the counter showed is in the trace, and it is known to run evenly: so there
must be a straight line that is within the bounds of all events.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # not into the source tree

import lib  # noqa: E402
from lib import check, wait_for  # noqa: E402
from machines import MACHINES  # noqa: E402

DEBUGFS = pathlib.Path("/sys/kernel/debug/kvm")
EVENTS = 400
# The host's clock may be slewed while this is recorded, and CLOCK_REALTIME
# against CLOCK_MONOTONIC is known to some ns.
SLACK_NS = 1000
CYCLES = re.compile(r"\[(\d+)\] .* cpu = (\d+), beat = (\d+) ")
TIMES = re.compile(r"\[(\d+)\.(\d+)\] .* cpu = (\d+), beat = (\d+) ")


def bounds(trackway, target):
    """(cpu, beat): (earliest, latest), ns; None if some event has not both."""
    found = {}
    for event in trackway.events(target, "guest_tick"):
        if event["minus_ns"] is None or event["plus_ns"] is None:
            return None
        check("clamped" not in event and "unsure" not in event,
              f"not sure: {event}")
        found[event["args"]["cpu"], event["args"]["beat"]] = (
            event["time_ns"] - event["minus_ns"],
            event["time_ns"] + event["plus_ns"])
    return found


def say_widths(what, found):
    widths = sorted(latest - earliest for earliest, latest in found.values())
    print(f"{what}: {len(widths)} events, bounds {widths[0]} to {widths[-1]} ns"
          f" wide, half of them {widths[len(widths) // 2]} or less")


def room(points, rate):
    """ns between the lines of this rate (ns a tick) above all earliest times
    and below all latest ones."""
    return (min(latest - rate * ticks for ticks, _, latest in points) -
            max(earliest - rate * ticks for ticks, earliest, _ in points))


def check_line(points):
    """Some line is within all bounds: room() has one maximum."""
    first = min(points)
    points = [(ticks - first[0], earliest - first[1], latest - first[1])
              for ticks, earliest, latest in points]
    last = max(points)
    low, high = 0.9 * last[1] / last[0], 1.1 * last[2] / last[0]
    for _ in range(200):
        third = (high - low) / 3
        if room(points, low + third) < room(points, high - third):
            low += third
        else:
            high -= third
    check(room(points, low) >= -SLACK_NS,
          f"no line is within all bounds, by {-room(points, low):.0f} ns")


def check_elsewhere(directory, found):
    """babeltrace2's times, by one line for all, with a precision."""
    lib.need("babeltrace2")
    cycles = {}
    for line in lib.run("babeltrace2", "--clock-cycles", "--no-delta",
                        directory).splitlines():
        ticks, cpu, beat = map(int, CYCLES.match(line).groups())
        cycles[cpu, beat] = ticks
    check(cycles.keys() == found.keys(), "babeltrace2 has other events")
    check_line([(cycles[key], *found[key]) for key in found])
    metadata = next(directory.glob("*/metadata")).read_text()
    hz = int(re.search(r"freq = (\d+)", metadata).group(1))
    precision = int(re.search(r"precision = (\d+)", metadata).group(1))
    error = precision * 1e9 / hz + SLACK_NS
    for line in lib.run("babeltrace2", "--clock-seconds", "--no-delta",
                        directory).splitlines():
        seconds, ns, cpu, beat = map(int, TIMES.match(line).groups())
        shown = seconds * 10**9 + ns
        earliest, latest = found[cpu, beat]
        check(earliest - error <= shown <= latest + error,
              f"babeltrace2 says {shown}, not {earliest} to {latest}"
              f" +- {error:.0f}")


def check_kvm(trackway, guest):
    """The host is its own witness where it may read KVM's debugfs, once the
    guest has answered; an answer may be long in coming."""
    can_be_read = any(path.is_dir() for path in
                      DEBUGFS.glob(f"{guest.process.pid}-*"))

    def sync():
        done = subprocess.run([trackway.program, "sync", "--json",
                               guest.target], capture_output=True, text=True,
                              timeout=lib.LIMIT, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    found = wait_for("answers", sync)
    print(f"sync: {found}")
    check((found["kvm_exchanges"] > 0) == can_be_read,
          f"debugfs can{'' if can_be_read else 'not'} be read: {found}")
    check(found["rejected"] == 0 and found["epochs"] == 1,
          f"KVM and the guest don't agree: {found}")


def test(machine, kvm, trackway, tracetool):
    trackway = lib.Trackway(trackway)
    lib.need_memory_access()
    options = ()
    if kvm:
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise lib.Skip("no access to /dev/kvm")
        options = ("-accel", "kvm", "-cpu", "host")
    with tempfile.TemporaryDirectory(prefix="trackway-guest-") as name:
        directory = pathlib.Path(name)
        image = lib.build_firmware(machine, tracetool, directory)
        began = time.time_ns()
        with lib.Guest(machine, image, directory, options=options) as guest:
            wait_for("the ring", lambda: trackway.rings(guest.target))
            if kvm:
                check_kvm(trackway, guest)
            trackway.run("enable", guest.target, "guest_tick")
            live = wait_for("bounds", lambda: bounds(trackway, guest.target))
            say_widths("live", live)
            check(all(latest > began and earliest < time.time_ns()
                      for earliest, latest in live.values()),
                  "events of another time")
            trace = directory / "trace"
            with trackway.record(trace, guest.target,
                                 "guest_tick") as recording:
                def count():
                    return len(trackway.events(guest.target, "guest_tick"))
                # An emulated /dev/kvm is slow.
                wanted = count() + EVENTS // (4 if kvm else 1)
                wait_for("events", lambda: count() >= wanted, pause=0.3)
                recording.end()
        found = bounds(trackway, trace)
        check(found, "a recorded event has no bounds")
        say_widths("recorded", found)
        check_elsewhere(trace, found)


def main():
    arguments = sys.argv[1:]
    kvm = arguments[0] == "--kvm"
    name, trackway, tracetool = arguments[kvm:]
    machine = MACHINES[name]
    return lib.main(machine, lambda: test(machine, kvm, trackway, tracetool))


sys.exit(main())
