#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What took how long: a table from the events that carry their duration.

usage: trackway print --json TARGET | operation-times.py

Reads JSON lines. Counts each event that has a field "ns", and prints count,
total, median, 99th percentile and the longest, the costliest event first.
"""

import json
import sys
from collections import defaultdict


def read_durations(lines):
    """Each event's durations in ns, sorted."""
    durations = defaultdict(list)
    for line in lines:
        event = json.loads(line)
        ns = event.get("args", {}).get("ns")
        if ns is not None:
            durations[event["event"]].append(ns)
    for values in durations.values():
        values.sort()
    return durations


def percentile(values, percent):
    return values[min(len(values) * percent // 100, len(values) - 1)]


def main():
    durations = read_durations(sys.stdin)
    print(f"{'event':<18}{'count':>9}{'total ms':>11}{'p50 us':>10}"
          f"{'p99 us':>10}{'max us':>11}")
    for name in sorted(durations, key=lambda name: -sum(durations[name])):
        values = durations[name]
        print(f"{name:<18}{len(values):>9}{sum(values) / 1e6:>11.2f}"
              f"{percentile(values, 50) / 1e3:>10.2f}"
              f"{percentile(values, 99) / 1e3:>10.2f}"
              f"{values[-1] / 1e3:>11.2f}")


main()
