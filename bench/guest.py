#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an event costs a guest, under TCG: boots bench/guest.c in QEMU.

usage: guest.py BUILD [--json]
"""

import collections
import dataclasses
import json
import pathlib
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True  # not into the source tree
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "guest"))

import lib  # noqa: E402
from machines import MACHINES  # noqa: E402

# As in guest.c.
ROUNDS = 301
OPERATIONS = 3000

TITLES = {
    "event": "event on, three ints",
    "store": "32 bytes stored",
    "timed_store": "32 bytes stored, the time among them",
    "debugcon": "the event's 20 bytes through isa-debugcon",
    "off": "event off",
    "clock": "rdtsc alone",
    "loop": "the loop and the call that all of these have",
}


def check_emitted(trackway, target):
    """What was measured did happen: the events are in the ring."""
    stat = json.loads(lib.run(trackway, "stat", "--json", target))
    producer = stat["producers"][0]
    emitted = producer["lost"] + sum(event["count"]
                                     for event in producer["events"])
    lib.check(emitted == ROUNDS * OPERATIONS, f"{emitted} events came")


def measure(build, directory):
    """The guest's rounds, in ns an operation, by variant."""
    machine = dataclasses.replace(MACHINES["x86_64"], cpus=1)
    image = lib.build_firmware(
        machine, build / "bin" / "tracetool", directory,
        main=HERE / "guest.c", events=HERE / "trace-events")
    trackway = build / "bin" / "trackway"
    rounds = collections.defaultdict(list)
    # What is written to the console goes nowhere: the cheapest there is.
    with lib.Guest(machine, image, directory,
                   options=("-debugcon", "null")) as guest:
        lib.wait_for("the guest", lambda: "ready\n" in
                     guest.serial.read_text(encoding="ascii"))
        lib.run(trackway, "enable", guest.target, "bench_int3")
        lib.wait_for("its figures", lambda: guest.serial.read_text(
            encoding="ascii").endswith("end\n"))
        check_emitted(trackway, guest.target)
    for line in guest.serial.read_text(encoding="ascii").splitlines():
        words = line.split()
        if len(words) == 3:
            rounds[words[0]].append(int(words[1]) / int(words[2]))
    return rounds


def print_text(figures):
    print("a guest under TCG (qemu-system-x86_64), ns an operation: "
          "median, least, greatest\n")
    for name, title in TITLES.items():
        low, middle, high = figures[name]
        print(f"{middle:9.1f} {low:9.1f} {high:9.1f}  {title}")
    event, store, timed, debugcon = (
        figures[name][1]
        for name in ("event", "store", "timed_store", "debugcon"))
    print("\nratios of medians")
    print(f"{event / store:9.2f}  the event : 32 bytes stored")
    print(f"{event / timed:9.2f}  the event : 32 bytes stored with the time")
    print(f"{debugcon / event:9.2f}  through debugcon : the event")


def main():
    as_json = "--json" in sys.argv[2:]
    try:
        with tempfile.TemporaryDirectory(prefix="trackway-bench-") as name:
            rounds = measure(pathlib.Path(sys.argv[1]).resolve(),
                             pathlib.Path(name))
    except (lib.Skip, lib.Failure) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    figures = {name: (min(values), statistics.median(values), max(values))
               for name, values in rounds.items()}
    if as_json:
        result = {f"{name}_ns": round(figures[name][1], 2) for name in TITLES}
        result["rounds"] = ROUNDS
        print(json.dumps(result))
    else:
        print_text(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
