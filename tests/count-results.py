#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Count the results in Meson's testlog.json.

usage: count-results.py TESTLOG

Lists what was skipped, and why, and what failed, with the last lines that it
printed, and ends with one line, "N passed, N failed, N skipped". A test that crashed or took too long has
failed. Exit 1 if any failed, or if nothing ran.
"""

import json
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}
LINES = 40  # of a test that failed


def read_results(path):
    """Each test's record; none if there is no log."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return [json.loads(line) for line in log if line.strip()]
    except FileNotFoundError:
        return []


def printed(test):
    """The lines that a test printed, but for empty ones."""
    text = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def reason(test):
    """The last line that a test printed."""
    lines = printed(test)
    return lines[-1].strip() if lines else "no reason given"


def main():
    tests = read_results(sys.argv[1])
    skipped = [t for t in tests if t["result"] in SKIPPED]
    failed = [t for t in tests if t["result"] not in PASSED | SKIPPED]
    print()
    for test in skipped:
        print(f"skipped: {test['name']}: {reason(test)}")
    for test in failed:
        for line in printed(test)[-LINES:]:
            print(f"    {line}")
        print(f"failed: {test['name']}: {test['result'].lower()},"
              f" exit {test.get('returncode')}")
    if not tests:
        print("no test ran")
    passed = len(tests) - len(failed) - len(skipped)
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or passed == 0 else 0


sys.exit(main())
