#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an event costs a guest by channel and by ring, in the same guest: runs
bench/channel.c in examples/vmm, on each kind of CPU that is there.

usage: channel.py BUILD [--json]
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 15
COUNTS = {"unicorn": 1000, "kvm": 50}

# As in channel.c: the marks' numbers, and how often each is done.
WAYS = {1: ("loop", 20), 2: ("port", 20), 3: ("ring", 5), 4: ("fw_cfg", 1),
        5: ("stream", 1)}
TITLES = {
    "ring": "by ring, in the guest's memory",
    "fw_cfg": "by channel, fw_cfg",
    "stream": "by channel, frames on the debug console",
    "port": "one byte to a port that nobody has",
    "loop": "the loop and the call that all of these have",
}


class Failure(Exception):
    """What was measured did not happen."""


def run(command, environment=None):
    done = subprocess.run(command, capture_output=True, text=True,
                          env=environment, timeout=600, check=False)
    if done.returncode != 0:
        raise Failure(f"{command[0]}: exit {done.returncode}: {done.stderr}")
    return done


def check_counts(said, ring, trackway, count):
    """All events came, and are in the VMM's ring."""
    sent = count + 16
    for way in "fw_cfg", "console":
        if f"vmm: {way}: {sent} events\n" not in said:
            raise Failure(f"the VMM says {said!r}")
    stat = json.loads(run([trackway, "stat", "--json", ring]).stdout)
    events = {event["name"]: event["count"]
              for event in stat["producers"][0]["events"]}
    if events.get("esp_do_command") != 2 * sent:
        raise Failure(f"the VMM's ring has {events}")


def measure_once(build, cpu, directory):
    """Nanoseconds an operation, by way."""
    count = COUNTS[cpu]
    rings = directory / "rings"
    done = run([build / "examples/vmm/vmm", f"--cpu={cpu}", "--times",
                build / "bench/channel.bin", str(count)],
               os.environ | {"TRACKWAY_DIR": str(rings), "TRACKWAY_KEEP": "1",
                             "TRACKWAY_EVENTS": "esp_*",
                             "TRACKWAY_RING_SIZE": "4M"})
    ring, = rings.iterdir()
    check_counts(done.stderr, ring, build / "bin/trackway", count)
    ring.unlink()
    times = {}
    for number, ns in re.findall(r"^mark (\d+) after (\d+) ns$", done.stdout,
                                 re.MULTILINE):
        if int(number):
            way, often = WAYS[int(number)]
            times[way] = int(ns) / (count * often)
    return times


def can_have(cpu):
    return cpu != "kvm" or os.access("/dev/kvm", os.R_OK | os.W_OK)


def measure(build, directory):
    """Each way's rounds, by kind of CPU; empty: it is not there."""
    rounds = {cpu: [] for cpu in COUNTS}
    for _ in range(ROUNDS):
        for cpu, list_ in rounds.items():
            if can_have(cpu):
                list_.append(measure_once(build, cpu, directory))
    return rounds


def print_text(rounds):
    for cpu, list_ in rounds.items():
        if not list_:
            print(f"{cpu}: not to be had here\n")
            continue
        print(f"a guest's event on {cpu}, ns: median, least, greatest of "
              f"{len(list_)} runs\n")
        for way, title in TITLES.items():
            values = [times[way] for times in list_]
            print(f"{statistics.median(values):11.1f} {min(values):11.1f} "
                  f"{max(values):11.1f}  {title}")
        for way in "fw_cfg", "stream":
            ratio = statistics.median(times[way] / times["ring"]
                                      for times in list_)
            print(f"{ratio:11.1f} times the ring's: {TITLES[way]}")
        print()


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    if not (build / "bench/channel.bin").exists():
        print("bench: examples/vmm was not built: see meson's messages",
              file=sys.stderr)
        return 1
    try:
        with tempfile.TemporaryDirectory(prefix="trackway-bench-") as name:
            rounds = measure(build, pathlib.Path(name))
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    if "--json" in sys.argv[2:]:
        print(json.dumps({
            f"{cpu}_{way}_ns": round(statistics.median(
                times[way] for times in list_), 2) if list_ else None
            for cpu, list_ in rounds.items() for way in TITLES
        } | {"rounds": ROUNDS}))
    else:
        print_text(rounds)
    return 0


sys.exit(main())
