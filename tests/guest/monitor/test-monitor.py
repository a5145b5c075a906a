#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""trackway monitor on a firmware in a stock QEMU: its events switched while it
runs, beside a program's, and across a reset.

usage: test-monitor.py MACHINE TRACKWAY TRACETOOL TICKER
"""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # not into the source tree
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import lib  # noqa: E402
from lib import check, wait_for  # noqa: E402
from machines import MACHINES  # noqa: E402

PROMPT = b"(trackway) "


class Client:
    """One who types into a monitor's socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(lib.LIMIT)
        self.socket.connect(str(path))
        self.answer()

    def answer(self):
        text = b""
        while not text.endswith(PROMPT):
            more = self.socket.recv(65536)
            check(more, f"the monitor is gone: {text!r}")
            text += more
        return text[:-len(PROMPT)].decode()

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\n")
        return self.answer()

    def state(self, name):
        """0 or 1, as info trace-events has it."""
        found = re.fullmatch(re.escape(name) + r" : state ([01])\n",
                             self.ask(f"info trace-events {name}"))
        check(found, f"no state of {name}")
        return int(found[1])

    def numbers(self, name, key):
        """Of CPU 0's events of this name that were not shown yet."""
        return [int(found[1]) for found in re.finditer(
            rf":{name} cpu 0 {key} (\d+)", self.ask("info trace"))]


class Monitor:
    """trackway monitor at a socket."""

    def __init__(self, program, directory, *arguments):
        self.path = directory / "socket"
        self.log = directory / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [program, "monitor", "--prompt", "--listen",
                 f"unix:{self.path}", *arguments], stderr=log)

    def __enter__(self):
        wait_for("the monitor", self.listens)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        check(self.process.wait(lib.LIMIT) == 0, "the monitor's status")

    def listens(self):
        check(self.process.poll() is None,
              f"the monitor did not start: {self.said()}")
        return "listening" in self.said()

    def said(self):
        return self.log.read_text()


def switch(trackway, guest, client):
    """On and off while the guest runs; another one shows that it still did."""
    client.ask("info trace")  # what is old
    check(client.ask("info tracepoints").count(" 0\n") == 5, "not all are off")
    check(client.ask("tracepoint guest_tick on") == "", "it was not switched")
    check(client.state("guest_tick") == 1, "it is not shown as on")
    check(trackway.states(guest.target)["guest_tick"] == "on", "it is not on")
    beats = wait_for("guest_tick", lambda: client.numbers("guest_tick", "beat"))
    check(beats == list(range(beats[0], beats[0] + len(beats))),
          f"beats: {beats}")
    check(client.ask("tracepoint guest_tick on") ==
          "State of Tracepoint guest_tick is already on\n", "and again")
    check(client.ask("trace-event guest_tick off") == "", "nor off")
    # Some may be under way.
    client.ask("trace-event guest_irq on")
    wait_for("guest_irq", lambda: client.numbers("guest_irq", "count"))
    seen = 0
    while seen < 20:
        text = client.ask("info trace")
        check("guest_tick" not in text, "it went on when switched off")
        seen += text.count("guest_irq")
    client.ask("trace-event guest_irq off")


def reset(trackway, guest, monitor, client, directory):
    """The monitor goes on with the next boot's ring, and says so; so does its
    recording."""
    waiting = Client(monitor.path)
    for line in f"set {directory}/", "on":
        check(client.ask(f"trace-file {line}") == "", f"trace-file {line}")
    client.ask("tracepoint guest_tick on")
    wait_for("guest_tick", lambda: client.numbers("guest_tick", "beat"))
    check(client.ask("trace-file flush") == "", "trace-file flush")
    guest.command("system_reset")
    wait_for("the second boot's ring", lambda: any(
        ring["generation"] == 2 for ring in trackway.rings(guest.target)))
    # The ring's generation may be seen before it is complete.
    wait_for("the new ring", lambda: client.state("guest_tick") == 0)
    check(f'{guest.target}: "x86_64" was reset: its ring is number 2 now' in
          monitor.said(), f"it said {monitor.said()}")
    check(client.ask("tracepoint guest_tick on") == "", "it was not switched")
    check(trackway.states(guest.target)["guest_tick"] == "on", "it is not on")
    beats = wait_for("guest_tick of the second boot",
                     lambda: client.numbers("guest_tick", "beat"))
    beats += wait_for("more", lambda: client.numbers("guest_tick", "beat"))
    check(beats == list(range(beats[0], beats[0] + len(beats))),
          f"beats of the second boot: {beats}")
    # One that came before and has said nothing yet.
    check(beats[0] in wait_for("another client's events", lambda:
                               waiting.numbers("guest_tick", "beat")),
          "it does not see the second boot's")
    check(client.ask("trace-file off") == "", "trace-file off")
    epochs = trackway.json("stat", directory)["producers"]
    check([epoch["generation"] for epoch in epochs] == [1, 2] and
          all(epoch["events"] for epoch in epochs), f"recorded: {epochs}")
    second = sorted(path for path in directory.iterdir() if path.is_dir())[1]
    recorded = [event["args"]["beat"]
                for event in trackway.events(second, "guest_tick")
                if event["args"]["cpu"] == 0]
    check(set(beats) <= set(recorded), f"{recorded}, and not {beats}")


def end(guest, monitor, client):
    """QEMU is killed; the monitor is not."""
    guest.kill()
    check(client.ask("tracepoint guest_irq on") ==
          'cannot switch "guest_irq": x86_64 has no ring now\n', "it is gone")
    check('the ring of "x86_64" is gone' in monitor.said(),
          f"it said {monitor.said()}")
    check("guest_irq : state 0" in client.ask("info trace-events"),
          "its events are not known any more")


def several(trackway, guest, ticker, directory):
    """A program and a guest, told from each other by their names."""
    with Monitor(trackway.program, directory, str(ticker),
                 guest.target) as monitor:
        client = Client(monitor.path)
        check(client.ask("tracepoint x86_64:guest_* on") == "", "not switched")
        states = client.ask("info trace-events").splitlines()
        check([line for line in states if line.endswith("1")] ==
              [f"x86_64:guest_{name} : state 1"
               for name in ("tick", "work", "done", "irq", "spin")],
              f"states: {states}")
        check("ticker:tick_start : state 0" in states, f"states: {states}")
        client.ask("tracepoint x86_64:guest_* off")
        check(client.ask("tracepoint *:*tick* on") == "", "not both")
        text = ""

        def both():
            nonlocal text
            text += client.ask("info trace")
            return (":x86_64:guest_tick cpu" in text and
                    ":ticker:tick_start n=" in text)

        wait_for("the events of both", both)
        client.ask("tracepoint *:* off")


def schema(trackway, image, machine, directory):
    """A ring without a schema, whose events a file tells."""
    with lib.Guest(machine, image, directory) as guest:
        wait_for("the ring", lambda: trackway.rings(guest.target))
        with subprocess.Popen(
                [trackway.program, "monitor", guest.target],
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True) as without:
            said = without.communicate(timeout=lib.LIMIT)[1]
        check(without.returncode == 1 and "say --schema FILE" in said,
              f"without a schema: {said}")
        with Monitor(trackway.program, directory, "--schema",
                     lib.FIRMWARE / "trace-events", guest.target) as monitor:
            client = Client(monitor.path)
            check(client.ask("tracepoint guest_irq on") == "", "not switched")
            wait_for("its events",
                     lambda: client.numbers("guest_irq", "count"))


def start_ticker(program):
    process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
    check(process.stdout.readline() == "ready\n", "the ticker did not start")
    return process


def test(machine, trackway, tracetool, program):
    trackway = lib.Trackway(trackway)
    lib.need_memory_access()
    with tempfile.TemporaryDirectory(prefix="trackway-monitor-") as name:
        directory = pathlib.Path(name)
        os.environ["TRACKWAY_DIR"] = str(directory / "rings")
        (directory / "rings").mkdir(mode=0o700)
        image = lib.build_firmware(machine, tracetool, directory)
        with lib.Guest(machine, image, directory) as guest:
            wait_for("the ring", lambda: trackway.rings(guest.target))
            ticker = start_ticker(program)
            try:
                several(trackway, guest, ticker.pid, directory)
            finally:
                ticker.kill()
                ticker.wait()
            with Monitor(trackway.program, directory,
                         guest.target) as monitor:
                client = Client(monitor.path)
                switch(trackway, guest, client)
                reset(trackway, guest, monitor, client, directory / "trace")
                end(guest, monitor, client)
        image = lib.build_firmware(machine, tracetool, directory,
                                   options=("-DTW_GUEST_NO_BLOBS",))
        schema(trackway, image, machine, directory)


def main():
    name, trackway, tracetool, ticker = sys.argv[1:]
    machine = MACHINES[name]
    return lib.main(machine,
                    lambda: test(machine, trackway, tracetool, ticker))


sys.exit(main())
