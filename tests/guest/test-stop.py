#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A guest that is stopped and goes on while it is recorded: each recorded event
is of one epoch of its clock, as far as it is known when it was read.

usage: test-stop.py MACHINE TRACKWAY TRACETOOL

Its counter stands still with it. So what it shows in the N seconds after a stop
of N seconds is what it would have shown during the stop, and only by when the
packets were read can these be told apart. How fast they are read depends on the
machine; so the stop is as long as it has to be.
"""

import collections
import pathlib
import struct
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # not into the source tree

import lib  # noqa: E402
from lib import check, wait_for  # noqa: E402
from machines import MACHINES  # noqa: E402

NS = 10**9
STOPS = (2, 6, 20)  # seconds: the first that is long enough counts
SPANS = 10  # the type of the dotfile's chunk
LOOKS = 5
# A packet's events came after the third look at its lane before that which
# brought them, or an earlier one where a page was full: so many packets may
# have been before a stop or after it.
ACROSS = 6


class TooShort(Exception):
    """A stop in which the recorder had no time to look."""


def chunks(data):
    """(type, offset, end, payload) of each in a dotfile."""
    at = 16
    while at < len(data):
        kind, _, size = struct.unpack_from("<IIQ", data, at)
        end = at + 16 + (size + 7) // 8 * 8
        yield kind, at, end, data[at + 16:at + 16 + size]
        at = end


def spans_across(dotfile, stop):
    """Of the packets that could have been on either side of the stop: (packets,
    events)."""
    payload, = [payload for kind, _, _, payload in
                chunks(dotfile.read_bytes()) if kind == SPANS]
    across = [end - begin for _, begin, end, from_ns, to_ns in
              struct.iter_unpack("<I4xQQQQ", payload)
              if from_ns and to_ns - from_ns >= stop * NS / 2]
    return len(across), sum(across)


def without_spans(dotfile):
    """As an older version has it."""
    data = dotfile.read_bytes()
    kept = data[:16]
    for kind, at, end, _ in chunks(data):
        if kind != SPANS:
            kept += data[at:end]
    dotfile.write_bytes(kept)


def sizes(trace):
    return {path: path.stat().st_size for path in trace.glob("*/lane-*")}


def wait_for_packets(trace, count):
    """Until each lane's file has been seen to grow so many times."""
    last = sizes(trace)
    grown = collections.Counter()

    def look():
        for path, size in sizes(trace).items():
            grown[path] += size != last.get(path)
            last[path] = size
        return last and min(grown[path] for path in last) >= count

    wait_for("packets", look, pause=0.005)


def record(guest, trackway, trace, stop):
    """Record across a stop. When, in ns since the epoch: the guest stood still,
    was told to go on, and had been looked at often after that."""
    with trackway.record(trace, guest.target, "guest_tick") as recording:
        wait_for_packets(trace, LOOKS)
        guest.command("stop")
        still = time.time_ns()
        time.sleep(stop)
        cont = time.time_ns()
        guest.command("cont")
        wait_for_packets(trace, LOOKS)
        seen = time.time_ns()
        wait_for_packets(trace, LOOKS)
        recording.end()
    return still, cont, seen


def is_unsure(event):
    return "unsure" in event


def check_sure(event, stop, still, cont):
    """It has bounds, that leave it out of the stop."""
    check(event["minus_ns"] is not None and event["plus_ns"] is not None,
          f"no bounds: {event}")
    if event["minus_ns"] + event["plus_ns"] > stop * NS / 2:
        raise TooShort(f"bounds as wide as {event}")
    check(event["time_ns"] - event["minus_ns"] <= still or
          event["time_ns"] + event["plus_ns"] >= cont,
          f"while the guest stood still, {still} to {cont}: {event}")


def check_stop(guest, trackway, trace, stop, cpus):
    still, cont, seen = record(guest, trackway, trace, stop)
    dotfile, = trace.glob("*/.trackway")
    packets, events_across = spans_across(dotfile, stop)
    if seen - cont > stop * NS / 2 or packets > ACROSS * cpus:
        raise TooShort(f"{packets} packets across a stop of {stop} s,"
                       f" {(seen - cont) / NS} s to look at the guest again")
    events = trackway.events(trace, "guest_tick")
    unsure = list(filter(is_unsure, events))
    print(f"stopped for {stop} s: {len(events)} events, {len(unsure)} unsure,"
          f" {events_across} in packets across the stop")
    for event in events:
        if not is_unsure(event):
            check_sure(event, stop, still, cont)
    check(len(unsure) <= events_across, "events are unsure without need")
    check(any(not is_unsure(event) and event["time_ns"] > cont
              for event in events), "all are unsure after the stop")
    without_spans(dotfile)
    older = list(filter(is_unsure, trackway.events(trace, "guest_tick")))
    print(f"without the packets' spans: {len(older)} unsure")
    check(len(older) > len(unsure), "what the spans say has no effect")


def test(machine, trackway, tracetool):
    trackway = lib.Trackway(trackway)
    lib.need_memory_access()
    with tempfile.TemporaryDirectory(prefix="trackway-guest-") as name:
        directory = pathlib.Path(name)
        image = lib.build_firmware(machine, tracetool, directory)
        with lib.Guest(machine, image, directory) as guest:
            wait_for("the ring", lambda: trackway.rings(guest.target))
            for stop in STOPS:
                try:
                    check_stop(guest, trackway, directory / f"trace-{stop}",
                               stop, machine.cpus)
                    return
                except TooShort as short:
                    print(f"again: {short}", flush=True)
            raise lib.Failure("no stop was long enough")


def main():
    name, trackway, tracetool = sys.argv[1:]
    machine = MACHINES[name]
    return lib.main(machine, lambda: test(machine, trackway, tracetool))


sys.exit(main())
