#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A firmware whose events go by a channel, in a stock QEMU, recorded through
the socket of a chardev: whole and damaged, through a reset, a reader that
stalls, and QEMU's end.

usage: test-channel.py MACHINE debugcon|serial TRACKWAY TRACETOOL
"""

import dataclasses
import json
import pathlib
import re
import signal
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True  # not into the source tree
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import lib  # noqa: E402
from lib import check, wait_for  # noqa: E402
from machines import MACHINES  # noqa: E402
from proxy import Proxy  # noqa: E402

EVENTS = lib.FIRMWARE / "trace-events"
MANY, SOME = 100000, 10000  # events of guest_work
OFTEN = 0.1  # seconds between two looks, where it is to be in the midst
lib.LIMIT = 240  # a byte is an exit, and a system call of QEMU's
CHOSEN = ("guest_work", "guest_done")

LAST = re.compile(
    r"trackway: (\d+) events, (\d+) lost, from 1 producer in \S+;"
    r" (\d+) bad frames?, (\d+) skipped bytes?, (\d+) unknown ids?,"
    r" (\d+) events? of a wrong size, (\d+) guest starts?\n$")


def step(text):
    print(f"{time.monotonic() - step.began:6.2f} {text}", flush=True)


step.began = time.monotonic()


@dataclasses.dataclass(frozen=True)
class Line:
    """A machine, and the device that its frames go through."""

    machine: object
    device: str
    trackway: lib.Trackway
    tracetool: str
    directory: pathlib.Path

    def build(self, directory, total):
        options = [f"-DWORK_TOTAL={total}u"]
        if self.device == "debugcon":
            options.append("-DCHANNEL_DEBUGCON")
        return lib.build_firmware(self.machine, self.tracetool, directory,
                                  main=HERE / "main.c", options=options,
                                  backend="channel")

    def boot(self, name, total):
        """QEMU waits for somebody at the socket before anything runs."""
        directory = self.directory / name
        directory.mkdir()
        image = self.build(directory, total)
        path = directory / "line"
        options = ["-chardev", f"socket,id=line,path={path},server=on,wait=on"]
        serial = "chardev:line"
        if self.device == "debugcon":
            serial = "null"
            options += ["-device", "isa-debugcon,iobase=0xe9,chardev=line"]
        return path, lambda: lib.Guest(self.machine, image, directory,
                                       options=options, serial=serial)

    def record(self, name, path):
        chosen = [word for name in CHOSEN for word in ("-e", name)]
        return lib.Recording(lib.subprocess.Popen(
            [self.trackway.program, "record", "-o",
             self.directory / name / "trace", *chosen, "--events", EVENTS,
             f"channel:{path}"], stdin=lib.subprocess.DEVNULL,
            stdout=lib.subprocess.PIPE, stderr=lib.subprocess.PIPE, text=True))


def counts_of(said):
    match = LAST.search(said)
    check(match, f"the last line of {said!r}")
    names = ("events", "lost", "bad", "skipped", "unknown", "misfits", "starts")
    return dict(zip(names, map(int, match.groups())))


def events_of(line, name, total):
    """Of the recording: the numbers of guest_work, in their order, and those of
    guest_done; each message compared."""
    trace = line.directory / name / "trace"
    works, dones = [], []
    for text in line.trackway.run("print", trace, lost=True).splitlines():
        message = text.partition(" guest_work ")[2]
        if not message:
            message = text.partition(" guest_done ")[2]
            check(message == f"cpu 0 total {total}", text)
            dones.append(len(works))
            continue
        seq = int(message.split()[3])
        check(message == lib.work_message(0, seq), text)
        works.append(seq)
    return works, dones


def check_counts(line, name, counts):
    """What the last line says is what trackway stat and babeltrace2 find."""
    trace = line.directory / name / "trace"
    stat = line.trackway.json("stat", trace)["producers"]
    check(len(stat) == 1 and stat[0]["count"] == counts["events"] and
          stat[0]["lost"] == stat[0]["discarded"] == counts["lost"],
          f"stat: {stat}, record: {counts}")
    lib.need("babeltrace2")
    done = lib.subprocess.run(
        ["babeltrace2", trace, "--component=sink.utils.counter",
         "--params=step=+0"], capture_output=True, text=True,
        timeout=lib.LIMIT, check=False)
    check(done.returncode == 0 and (counts["lost"] or not done.stderr),
          f"babeltrace2: {done.stderr[-2000:]}")
    numbers = [int(text.split()[0].replace(",", ""))
               for text in done.stdout.splitlines() if "Event message" in text]
    check(numbers == [counts["events"]], f"babeltrace2: {done.stdout}")


def listens(path):
    """Whether somebody does at a socket: it is there a moment before. Nobody
    else may connect to QEMU's to find out."""
    for line in pathlib.Path("/proc/net/unix").read_text(
            encoding="utf-8").splitlines():
        words = line.split()
        if words[-1] == str(path):
            return int(words[3], 16) & 0x10000 != 0  # __SO_ACCEPTCON
    return False


class Session:
    """A guest and its recording."""

    def __init__(self, line, name, total, share=0.0):
        self.line, self.name = line, name
        path, boot = line.boot(name, total)
        self.guest = self.proxy = None
        # QEMU's monitor answers once somebody has connected to the line.
        self.boot = threading.Thread(target=self.keep, args=(boot,))
        self.boot.start()
        self.recording = None
        try:
            wait_for("QEMU's socket", lambda: listens(path))
            if share:
                self.proxy = Proxy(path, path.parent / "proxy", share, seed=7)
                path = path.parent / "proxy"
            self.recording = line.record(name, path)
            self.boot.join()
            check(self.guest, "QEMU did not start")
        except BaseException:
            self.__exit__()
            raise

    def keep(self, boot):
        self.guest = boot()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.recording:
            self.recording.__exit__()
        self.boot.join()
        if self.guest:
            self.guest.kill()

    def has(self, what):
        """Whether what was recorded so far holds what."""
        trace = self.line.directory / self.name / "trace"
        done = lib.subprocess.run(
            [self.line.trackway.program, "stat", "--json", trace],
            capture_output=True, text=True, timeout=lib.LIMIT, check=False)
        if done.returncode:
            return 0
        return sum(event["count"] for producer in
                   json.loads(done.stdout)["producers"]
                   for event in producer["events"] if event["name"] == what)

    def wait(self, what, count=1, pause=0.5):
        wait_for(f"{count} of {what}", lambda: self.has(what) >= count,
                 limit=lib.LIMIT, pause=pause)

    def close(self):
        """QEMU is killed: the recording ends by itself, and says so."""
        self.guest.kill()
        said = self.recording.wait()
        check("the other end has closed it" in said, said)
        return counts_of(said), said


def whole(line):
    # A UART is slow: of other machines, what is of interest is the form.
    total = MANY if line.machine.name == "x86_64" else 2 * SOME
    with Session(line, "whole", total) as session:
        session.wait("guest_done")
        counts, said = session.close()
    check(counts == {"events": total + 1, "lost": 0, "bad": 0,
                     "skipped": counts["skipped"], "unknown": 0, "misfits": 0,
                     "starts": 1}, said)
    works, dones = events_of(line, "whole", total)
    check(works == list(range(total)) and dones == [total], "not all of them")
    check_counts(line, "whole", counts)


def damaged(line):
    """1 % of the bytes flipped or dropped."""
    total = MANY if line.device == "debugcon" else SOME
    with Session(line, "damaged", total, share=0.01) as session:
        session.wait("guest_done")
        proxy = session.proxy
        check(proxy.damaged > proxy.passed // 200, "the proxy did nothing")
        counts, said = session.close()
    works, dones = events_of(line, "damaged", total)
    check(works == sorted(set(works)), "events twice, or out of order")
    check(dones == [len(works)], f"guest_done: {dones}")
    check(counts["events"] == len(works) + 1, said)
    check(counts["events"] + counts["lost"] == total + 1, said)
    check(counts["lost"] > total // 10 and len(works) > total // 10, said)
    check(counts["bad"] and not counts["unknown"] and not counts["misfits"],
          said)
    # It goes on to the end: somewhere in the last hundredth something is.
    check(works[-1] > total - total // 100, f"the last is {works[-1]}")
    check_counts(line, "damaged", counts)


def reset(line):
    """In the midst of its events, most likely of one of them."""
    for total in SOME, 4 * SOME, 16 * SOME:
        if reset_amid(line, f"reset-{total}", total):
            return
    raise lib.Failure("each reset came behind the last event")


def reset_amid(line, name, total):
    """False: the guest was quicker."""
    with Session(line, name, total) as session:
        session.wait("guest_work", 1000, OFTEN)
        session.guest.command("system_reset")
        session.wait("guest_done")
        counts, said = session.close()
    works, dones = events_of(line, name, total)
    if dones[:1] == [total]:
        return False
    check("the guest has started anew: " + line.machine.name in said, said)
    check(counts["starts"] == 2 and counts["lost"] == 0, said)
    check(not counts["unknown"] and not counts["misfits"], said)
    first = len(works) - total
    check(0 < first < total and works == [*range(first), *range(total)],
          f"{first} events before the reset")
    check(dones == [len(works)], f"guest_done: {dones}")
    check_counts(line, name, counts)
    return True


def stalled(line):
    """The recorder sleeps for a while in the midst."""
    with Session(line, "stalled", SOME) as session:
        session.wait("guest_work", 1000, OFTEN)
        session.recording.process.send_signal(signal.SIGSTOP)
        time.sleep(1)
        session.recording.process.send_signal(signal.SIGCONT)
        session.wait("guest_done")
        counts, said = session.close()
    check(counts["events"] + counts["lost"] == SOME + 1, said)
    works, _ = events_of(line, "stalled", SOME)
    check(works == sorted(set(works)), "events twice, or out of order")
    # QEMU waits at these devices; what a guest gives up is counted.
    check(counts["lost"] or works == list(range(SOME)), "not all of them")
    check_counts(line, "stalled", counts)


def closed(line):
    """QEMU dies in the midst."""
    with Session(line, "closed", SOME) as session:
        session.wait("guest_work", 1000, OFTEN)
        counts, said = session.close()
    works, _ = events_of(line, "closed", SOME)
    check(works == list(range(len(works))), "not the first of them")
    check(counts["events"] >= len(works) >= 1000 and not counts["lost"], said)
    check_counts(line, "closed", counts)


def test(machine, device, trackway, tracetool):
    with tempfile.TemporaryDirectory(prefix="trackway-guest-") as name:
        directory = pathlib.Path(name)
        line = Line(machine, device, lib.Trackway(trackway), tracetool,
                    directory)
        for part in whole, damaged, reset, stalled, closed:
            step(part.__name__)
            part(line)
        step("done")


def main():
    name, device, trackway, tracetool = sys.argv[1:]
    machine = dataclasses.replace(MACHINES[name], cpus=1)
    return lib.main(machine, lambda: test(machine, device, trackway,
                                          tracetool))


sys.exit(main())
