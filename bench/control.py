#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long it takes until a command to a monitor takes effect: in a program,
and in a guest under TCG.

usage: control.py BUILD [--json]
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # not into the source tree
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "guest"))

import lib  # noqa: E402
from machines import MACHINES  # noqa: E402

ROUNDS = 200
PAUSE = 0.005  # seconds between rounds
TARGETS = {"process": "a program", "guest": "a firmware in QEMU, under TCG"}


class Monitor:
    """trackway monitor --qmp at a socket, and its only client."""

    def __init__(self, trackway, directory, target):
        path = directory / "control"
        self.process = subprocess.Popen(
            [trackway, "monitor", "--qmp", "--listen", f"unix:{path}", target],
            stderr=subprocess.PIPE, text=True)
        said = self.process.stderr.readline()
        lib.check("listening" in said, f"the monitor says {said!r}")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.rest = b""
        self.line()
        self.execute("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def line(self):
        while b"\n" not in self.rest:
            self.rest += self.socket.recv(65536)
        line, self.rest = self.rest.split(b"\n", 1)
        return line

    def execute(self, command, **arguments):
        """What is returned, and when the command's bytes were written: just
        before, CLOCK_REALTIME, ns."""
        data = json.dumps({"execute": command, "arguments": arguments})
        began = time.time_ns()
        self.socket.sendall(data.encode())
        return json.loads(self.line())["return"], began

    def switch(self, on):
        return self.execute("trace-event-set-state", name="control_on",
                            enable=on)[1]

    def await_event(self, name, number):
        """Seen by the monitor, while the target goes on to the next round."""
        def look():
            events = self.execute("x-trackway-read-trace")[0]
            return any(event.get("name") == name and
                       event.get("message") == f"round {number}"
                       for event in events)
        lib.wait_for(f"{name} of round {number}", look, pause=0.001)


def do_rounds(monitor):
    """When each round's command was written."""
    began = []
    for number in range(ROUNDS):
        time.sleep(PAUSE)
        began.append(monitor.switch(True))
        monitor.await_event("control_on", number)
        monitor.switch(False)
        monitor.await_event("control_off", number)
    return began


def times_of(trackway, trace):
    """When each round's event was, by the trace: ns, and by how much later it
    may have been."""
    lines = lib.run(trackway, "print", "--json", "-e", "control_on", trace,
                    lost=True).splitlines()
    events = [event for event in map(json.loads, lines) if "event" in event]
    lib.check([event["args"]["round"] for event in events] ==
              list(range(ROUNDS)), "not one event each round")
    return [(event["time_ns"], event.get("plus_ns") or 0) for event in events]


@contextlib.contextmanager
def recorded(trackway, directory, target):
    """Its events in a trace, while they come: so a guest's clock is followed
    all the time."""
    command = [trackway, "record", "-o", directory, "-e", "control_off", target]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as record:
        try:
            lib.wait_for("the recording", lambda: any(directory.glob("*")))
            yield
        finally:
            record.send_signal(signal.SIGINT)


def delays(trackway, began, trace):
    """Nanoseconds from a command to its effect, and their bounds."""
    found = times_of(trackway, trace)
    return ([at - start for start, (at, _) in zip(began, found)],
            [plus for _, plus in found])


def measure_process(build, directory):
    trackway = build / "bin" / "trackway"
    os.environ["TRACKWAY_DIR"] = str(directory)
    with subprocess.Popen([build / "bench" / "control"],
                          stdout=subprocess.PIPE) as program:
        target = str(program.pid)
        try:
            program.stdout.readline()
            lib.run(trackway, "enable", target, "control_off")
            with Monitor(trackway, directory, target) as monitor:
                began = do_rounds(monitor)
            return delays(trackway, began, target)
        finally:
            program.kill()


def measure_guest(build, directory):
    trackway = build / "bin" / "trackway"
    trace = directory / "trace"
    machine = dataclasses.replace(MACHINES["x86_64"], cpus=1)
    image = lib.build_firmware(
        machine, build / "bin" / "tracetool", directory,
        main=HERE / "control-guest.c", events=HERE / "control.events",
        options=(f"-I{HERE}",))
    with lib.Guest(machine, image, directory) as guest:
        lib.wait_for("its ring", lambda: lib.Trackway(trackway).rings(
            guest.target))
        lib.run(trackway, "enable", guest.target, "control_off")
        with recorded(trackway, trace, guest.target), \
                Monitor(trackway, directory, guest.target) as monitor:
            began = do_rounds(monitor)
        return delays(trackway, began, trace)


def figures_of(found, bounds):
    found = sorted(found)
    return {"median_us": round(statistics.median(found) / 1e3, 1),
            "p99_us": round(found[len(found) * 99 // 100 - 1] / 1e3, 1),
            "largest_us": round(found[-1] / 1e3, 1),
            "bound_us": round(statistics.median(bounds) / 1e3, 1)}


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    figures = {}
    try:
        for name in TARGETS:
            with tempfile.TemporaryDirectory(prefix="trackway-bench-") as path:
                directory = pathlib.Path(path)
                run = (measure_process if name == "process" else measure_guest)
                figures[name] = figures_of(*run(build, directory))
    except (lib.Skip, lib.Failure) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if "--json" in sys.argv[2:]:
        print(json.dumps({"rounds": ROUNDS, **figures}))
        return 0
    print("from a command's bytes, written to the monitor's socket, to the "
          f"first event that\nit switched on, in microseconds, of {ROUNDS} "
          "rounds\n\n   median  99 of 100    largest")
    for name, title in TARGETS.items():
        row = figures[name]
        print(f"{row['median_us']:9.1f} {row['p99_us']:10.1f} "
              f"{row['largest_us']:10.1f}  {title}")
    print(f"\nHalf of the guest's times may be {figures['guest']['bound_us']} "
          "later, or less: that is how well\nits clock is known.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
