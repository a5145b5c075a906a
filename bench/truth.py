#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether the bounds of a guest's events hold for a minute, with a busy process
on the other processor: tests/guest/sync/test-truth.py for longer.

usage: truth.py BUILD [--json]
"""

import json
import os
import pathlib
import sys
import time

sys.dont_write_bytecode = True  # not into the source tree
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "guest" / "sync"))

import truth  # noqa: E402
from truth import SYNC, Follow, Record, lib  # noqa: E402

SECONDS = int(os.environ.get("BENCH_SECONDS", "60"))
PERIOD = 1500000  # ticks from event to event


def measure(build):
    programs = build / "bin" / "trackway", build / "bin" / "tracetool"
    with truth.stand(*programs, build / "tests/guest/truth-witness") as stand:
        stand.mailbox.set(SYNC, PERIOD)
        stand.quiet = True
        with stand.load(), stand.watch(
                "load", (Follow, stand.ram), (Follow, stand.vm),
                (Record, stand.ram)) as watch:
            time.sleep(SECONDS)
            watch.wait_more(1)
    return stand.verdicts


def print_text(verdicts):
    print(f"{SECONDS} seconds, a busy process on the other processor\n")
    for verdict in verdicts:
        print(verdict)


def main():
    as_json = "--json" in sys.argv[2:]
    try:
        verdicts = measure(pathlib.Path(sys.argv[1]).resolve())
    except (lib.Skip, lib.Failure) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    outside = sum(verdict.outside for verdict in verdicts)
    if as_json:
        print(json.dumps({
            "seconds": SECONDS,
            "events": outside + sum(verdict.inside for verdict in verdicts),
            "outside": outside,
            "unsure": sum(verdict.unsure for verdict in verdicts),
            "worst_ns": max(verdict.worst for verdict in verdicts),
            **{f"{name}_width_ns": verdict.median() for name, verdict in
               zip(("follow_ram", "follow_vm", "record_ram"), verdicts)},
        }))
    else:
        print_text(verdicts)
    return outside != 0


if __name__ == "__main__":
    sys.exit(main())
