#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""trackway sync with a guest that answers, in a stock QEMU: how narrow the
bounds get, that the truth is inside, and what a stop makes of it.

usage: test-sync.py MACHINE TRACKWAY TRACETOOL [CHECK_TRUTH]

CHECK_TRUTH: for machines whose counter is the host's own less a constant.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

sys.dont_write_bytecode = True  # not into the source tree
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import lib  # noqa: E402
from lib import check, wait_for  # noqa: E402
from machines import MACHINES  # noqa: E402

EXCHANGES = 5000
NARROW_NS = 1000  # with answers, in a RAM file
NARROW_VM_NS = 5000  # the same through system calls
PASSIVE_NS = 50000  # with beacons alone


def sync(trackway, target, *options):
    """What it says, once it has an answer: on a busy machine a guest may not
    run while it is looked at."""
    def look():
        done = subprocess.run(
            [trackway.program, "sync", "--json", *options, target],
            capture_output=True, text=True, timeout=lib.LIMIT, check=False)
        if done.returncode == 0 and not done.stderr:
            return json.loads(done.stdout)
        check(done.returncode == 1 and "doesn't answer" in done.stderr,
              f"sync: exit {done.returncode}\n{done.stderr}")
        return None

    found = wait_for("answers", look)
    check(found["target"] == target, f"the target: {found}")
    check(found["exchanges"] > 0, f"no exchange: {found}")
    return found


def narrow(trackway, target, how, limit, *options):
    """Within a second, but for machines that have other things to do."""
    def look():
        found = sync(trackway, target, *options)
        print(f"{how}: {found}", flush=True)
        check(found["how"] == how, f"not {how}: {found}")
        check(not found["virtual"] and found["hz"] > 0, f"the clock: {found}")
        check(found["width_min_ns"] <= found["width_median_ns"],
              f"the widths: {found}")
        return found["width_min_ns"] <= limit

    wait_for(f"bounds of at most {limit} ns", look)


def stop_amid(guest, trackway, target):
    """Whether a guest that was stopped and went on has two epochs."""
    command = [trackway.program, "sync", "--json", "--duration", "4", target]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        time.sleep(1.5)
        guest.command("stop")
        time.sleep(0.5)
        guest.command("cont")
        found = json.loads(run.communicate(timeout=lib.LIMIT)[0])
    check(run.returncode == 0, f"sync: exit {run.returncode}")
    print(f"stopped: {found}", flush=True)
    return found["epochs"] == 2


def stopped(guest, trackway, target):
    """Again, if the stop came before the first look or after the last."""
    wait_for("a stop's new epoch",
             lambda: stop_amid(guest, trackway, target))


def plot(trackway, target, directory):
    picture = directory / "width.svg"
    sync(trackway, target, "--plot", picture)
    root = xml.etree.ElementTree.parse(picture).getroot()
    line = [path.get("d") for path in root.iter()
            if path.get("stroke") == "#05c"]
    check(len(line) == 1 and "L" in line[0], f"no line in the plot: {line}")


def own_timebase(machine, trackway, image, directory):
    """A counter of instructions: that is said, and nothing of bounds."""
    with lib.Guest(machine, image, directory,
                   options=("-icount", "shift=3")) as guest:
        wait_for("the ring", lambda: trackway.rings(guest.target))

        def look():
            found = sync(trackway, guest.target)
            print(f"icount: {found}", flush=True)
            return found if found["virtual"] else None

        found = wait_for("a timebase of its own", look)
        check(not {"epochs", "rejected", "hz", "width_min_ns"} & found.keys(),
              f"more is said of it: {found}")
        text = wait_for("the same as text", lambda: say_own(trackway, guest))
        check(len(text.splitlines()) == 2, f"more is said of it: {text}")


def say_own(trackway, guest):
    """What it says of a timebase of its own, once it has found that out."""
    done = subprocess.run([trackway.program, "sync", guest.target],
                          capture_output=True, text=True, timeout=lib.LIMIT,
                          check=False)
    return done.stdout if "timebase of its own" in done.stdout else None


def test(machine, trackway, tracetool, check_truth):
    trackway = lib.Trackway(trackway)
    lib.need_memory_access()
    with tempfile.TemporaryDirectory(prefix="trackway-sync-") as name:
        directory = pathlib.Path(name)
        ram = directory / "ram"
        image = lib.build_firmware(machine, tracetool, directory)
        with lib.Guest(machine, image, directory, ram_file=ram) as guest:
            wait_for("the ring", lambda: trackway.rings(guest.target))
            if not check_truth:
                sync(trackway, f"ram:{ram}")
                return
            for target, limit in ((guest.target, NARROW_VM_NS),
                                  (f"ram:{ram}", NARROW_NS)):
                narrow(trackway, target, "answers", limit)
                print(lib.run(check_truth, target, str(EXCHANGES)),
                      flush=True)
            plot(trackway, guest.target, directory)
            trackway.run("enable", guest.target, "guest_work")
            narrow(trackway, f"ram:{ram}", "beacons", PASSIVE_NS, "--passive")
            trackway.run("disable", guest.target, "guest_work")
            stopped(guest, trackway, f"ram:{ram}")
        own_timebase(machine, trackway, image, directory)


def main():
    name, trackway, tracetool, *check_truth = sys.argv[1:]
    machine = MACHINES[name]
    return lib.main(machine, lambda: test(
        machine, trackway, tracetool, check_truth[0] if check_truth else None))


sys.exit(main())
