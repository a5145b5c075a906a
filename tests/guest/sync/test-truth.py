#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether the bounds of a guest's events hold: with answers and with beacons
alone, with load on the other processor, across stops, a reset and jumps of the
guest's counter; as print follows them and from recordings.

usage: test-truth.py TRACKWAY TRACETOOL WITNESS [EVENTS [SCENARIO...]]

EVENTS: how many are looked at each time, by all who look on; 10,000.
"""

import shutil
import sys
import time

sys.dont_write_bytecode = True  # not into the source tree

import truth  # noqa: E402
from truth import SYNC, Follow, Record, lib  # noqa: E402
from machines import MACHINES  # noqa: E402

EVENTS = 10000
PERIOD = 100000  # ticks from event to event
SECOND = 2 * 10**9  # ticks, about
# What can be seen with certainty, however slow the host is.
STOP_S = 0.5
JUMPS = (2 * SECOND, 3 * SECOND, SECOND, 0)


def answers(stand, events):
    for kind, target in ((Follow, stand.ram), (Follow, stand.vm),
                         (Record, stand.ram)):
        with stand.watch("answers", (kind, target)) as watch:
            watch.wait_more(events // 3)
    # All that the ring has, known from a moment's look. The truth as well.
    with stand.watch("answers, later", (Record, stand.vm)) as watch:
        watch.wait_more(events // 3)


def every(stand):
    return (Follow, stand.ram), (Follow, stand.vm), (Record, stand.ram)


def beacons(stand, events):
    stand.mailbox.set(0, PERIOD)
    with stand.watch("beacons", *every(stand)) as watch:
        watch.wait_more(events // 3)
    stand.mailbox.set(SYNC, PERIOD)


def load(stand, events):
    with stand.load(), stand.watch("load", *every(stand)) as watch:
        watch.wait_more(events // 3)


def stops(stand, events):
    with stand.watch("stops", *every(stand)) as watch:
        for _ in range(2):
            watch.wait_more(events // 9)
            watch.wait_well()
            stand.guest.command("stop")
            time.sleep(STOP_S)
            stand.guest.command("cont")
        watch.wait_more(events // 9)
        watch.wait_well()


def jumps(stand, events):
    with stand.watch("jumps", *every(stand)) as watch:
        for ticks in JUMPS:
            watch.wait_more(events // 15)
            watch.wait_well()
            stand.mailbox.jump(ticks)
        watch.wait_more(events // 15)
        watch.wait_well()
    recorded, record = stand.verdicts[-1], watch.lookers[-1]
    lib.check(recorded.clamped <= recorded.inside // 4,
              f"a recording's epochs are not told apart: {recorded}")
    if shutil.which("babeltrace2"):
        lines = lib.run("babeltrace2", record.output).splitlines()
        lib.check(len(lines) > recorded.inside,
                  f"babeltrace2 has {len(lines)} events")


def reset(stand, events):
    with stand.watch("reset", (Follow, stand.vm), (Record, stand.vm)) as watch:
        watch.wait_more(events // 4)
        stand.guest.command("system_reset")
        lib.wait_for("the new ring", lambda: stand.trackway.rings(stand.ram))
        stand.on()
        watch.wait_more(events // 4)


def without_qemu(stand, events):
    """The truth by exchanges alone, as with a QEMU that keeps it to itself."""
    stand.use_qemu = False
    with stand.watch("stop, without QEMU", (Record, stand.ram)) as watch:
        watch.wait_more(events // 10)
        stand.guest.command("stop")
        time.sleep(STOP_S)
        stand.guest.command("cont")
        watch.wait_more(events // 10)
    stand.use_qemu = True


SCENARIOS = {scenario.__name__: scenario for scenario in (
    answers, beacons, load, stops, jumps, without_qemu, reset)}


def test(trackway, tracetool, witness, events, *names):
    with truth.stand(trackway, tracetool, witness) as stand:
        stand.mailbox.set(SYNC, PERIOD)
        for name in names or SCENARIOS:
            SCENARIOS[name](stand, int(events))
    stand.check()


def main():
    arguments = sys.argv[1:] + [EVENTS] * (len(sys.argv) == 4)
    return lib.main(MACHINES["x86_64"], lambda: test(*arguments))


sys.exit(main())
