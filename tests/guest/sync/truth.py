# SPDX-License-Identifier: MIT
"""Whether the bounds of a guest's events hold, where that can be known.

Under TCG an x86 guest's counter is the host's own and a constant, until QEMU
stops it. truth/main.c is a firmware whose every event has been followed by the
counter that it was stamped with; truth/witness.c writes down what the constant
is, and the host's clock by its counter, while the events come. So of each event
is known, to some ns, when it was: check() holds its bounds against that.
"""

import bisect
import contextlib
import dataclasses
import itertools
import json
import mmap
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import lib  # noqa: E402
from lib import check, wait_for  # noqa: E402
from machines import MACHINES  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent / "truth"
MAILBOX_AT = 0x3000000  # as in truth/mailbox.h
SYNC, SLEEP = 1, 2
# How well the witness knows the host's clocks.
SLACK_NS = 50
EVENT_SIZE = 8 + 4 + 8
# Bounds are well again: narrower than what is known of an event from when it
# was read.
WELL_NS = 500000
# So long, in ticks, an exchange may have been under way across a stop.
LONG = 10**8
# A counter's change of less than this is not one that anybody has made.
CREEP = 20000


# ---- The guest ----

def build(tracetool, directory):
    return lib.build_firmware(
        dataclasses.replace(MACHINES["x86_64"], cpus=1), tracetool, directory,
        main=HERE / "main.c", events=HERE / "trace-events",
        options=("-DFIRMWARE_CLOCK", '-DTW_GUEST_CLOCK()=machine_clock()',
                 f"-I{HERE}"))


def boot(image, directory, options=()):
    return lib.Guest(dataclasses.replace(MACHINES["x86_64"], cpus=1), image,
                     directory, ram_file=directory / "ram", options=options)


class Mailbox:
    """What the firmware is told, in its memory."""

    def __init__(self, ram):
        with open(ram, "r+b") as file:
            memory = mmap.mmap(file.fileno(), 4096, offset=MAILBOX_AT)
        self.halves = memoryview(memory).cast("I")
        self.words = memoryview(memory).cast("Q")

    def set(self, flags, period):
        self.halves[0] = flags
        self.halves[1] = period

    def jump(self, ticks):
        """By how much the ring's clock is off from now on, in all."""
        self.words[1] = ticks % 2**64
        wait_for("the jump", lambda: self.words[6] == ticks % 2**64)


# ---- The truth ----

def timers_state(pid):
    """Where QEMU has it, if QEMU says so, in hex."""
    lib.need("nm")
    program = pathlib.Path(f"/proc/{pid}/exe").resolve()
    found = re.search(r"^([0-9a-f]+) [BD] timers_state$",
                      lib.run("nm", "-D", program), re.MULTILINE)
    if not found:
        return "0"
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    base = next(line for line in maps.splitlines()
                if line.endswith(str(program)))
    return f"{int(base.partition('-')[0], 16) + int(found[1], 16):x}"


class Witness:
    """truth/witness.c, while it runs."""

    def __init__(self, program, guest, directory, use_qemu=True):
        self.output = directory / "witness"
        pid = guest.process.pid
        self.process = subprocess.Popen(
            [program, directory / "ram", str(pid),
             timers_state(pid) if use_qemu else "0", self.output],
            stdin=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def end(self):
        self.process.stdin.close()
        check(self.process.wait(lib.LIMIT) == 0, "the witness failed")
        return Truth(self.output.read_text(encoding="ascii"))


@dataclasses.dataclass
class Stretch:
    """The host's counter is the guest's and low to high more, for the guest's
    values from first to last; None: to the end."""
    first: int
    last: int | None
    low: int
    high: int


class Truth:
    """What the witness has written down."""

    def __init__(self, text):
        lines = [(words[0], *map(int, words[1:]))
                 for words in map(str.split, text.splitlines())]
        self.clocks = [((before + after) // 2, mono)
                       for kind, before, after, mono in
                       (line for line in lines if line[0] == "clock")]
        self.keys = [ticks for ticks, _ in self.clocks]
        reals = [line[1:] for line in lines if line[0] == "real"]
        low = max(low for low, _ in reals)
        high = min(high for _, high in reals)
        if low > high:
            raise lib.Skip("the host's clock was set meanwhile")
        self.real = (low + high) // 2
        self.exchanges = [line[1:] for line in lines if line[0] == "answer"]
        check(self.exchanges, "the guest has answered nothing")
        self.stretches = self.by_qemu(lines)
        self.is_exact = bool(self.stretches) and self.is_borne_out()
        if not self.is_exact:
            self.stretches = self.by_exchanges()

    def by_qemu(self, lines):
        found = []
        begin, looked = -2**64, 0
        for kind, *numbers in lines:
            if kind == "clock":
                looked = numbers[0]
            elif kind == "stopped":
                begin = numbers[1]
                if found:
                    found[-1].last = begin
            elif kind == "offset":
                host, constant = numbers[0], -numbers[1]
                if found and found[-1].last is None:
                    if abs(constant - found[-1].low) < CREEP:
                        found[-1].low = min(found[-1].low, constant)
                        found[-1].high = max(found[-1].high, constant)
                        continue
                    # It was stopped between two looks.
                    found[-1].last = looked - found[-1].high
                    begin = host - constant
                found.append(Stretch(begin, None, constant, constant))
        return found

    def is_borne_out(self):
        """Whether all exchanges agree: else it is not what it is taken for."""
        return all(before - shown <= stretch.high and
                   stretch.low <= after - shown
                   for shown, before, after in self.exchanges
                   for stretch in [self.stretch_of(shown)])

    def by_exchanges(self):
        """As narrow as they make it; a new one where they contradict."""
        found = []
        for shown, before, after in self.exchanges:
            low, high = before - shown, after - shown
            if high - low > LONG:
                continue
            if found and low <= found[-1].high and high >= found[-1].low:
                found[-1].low = max(found[-1].low, low)
                found[-1].high = min(found[-1].high, high)
                found[-1].last = shown
            else:
                found.append(Stretch(shown, shown, low, high))
        found[0].first = -2**64
        found[-1].last = None
        return found

    def stretch_of(self, counter):
        """In a gap between two: what they have together."""
        at = bisect.bisect(self.stretches, counter,
                           key=lambda stretch: stretch.first) - 1
        found = self.stretches[at]
        if found.last is None or counter <= found.last:
            return found
        if at + 1 == len(self.stretches):
            return found
        after = self.stretches[at + 1]
        return Stretch(found.last, after.first, min(found.low, after.low),
                       max(found.high, after.high))

    def clock_at(self, ticks):
        """CLOCK_REALTIME, ns, at a value of the host's counter, or None."""
        at = bisect.bisect(self.keys, ticks)
        if at in (0, len(self.keys)):
            return None
        (ticks1, mono1), (ticks2, mono2) = self.clocks[at - 1:at + 1]
        return (self.real + mono1 +
                (ticks - ticks1) * (mono2 - mono1) // (ticks2 - ticks1))

    def when(self, counter):
        """Between which times the guest's counter showed this, or None."""
        stretch = self.stretch_of(counter)
        times = (self.clock_at(counter + stretch.low),
                 self.clock_at(counter + stretch.high))
        return None if None in times else times

    def width(self):
        """How well it is known, ns."""
        (ticks1, mono1), (ticks2, mono2) = self.clocks[0], self.clocks[-1]
        return (max(stretch.high - stretch.low for stretch in self.stretches)
                * (mono2 - mono1) / (ticks2 - ticks1))


# ---- What is said of events ----

@dataclasses.dataclass
class Verdict:
    """Of one trace's events."""
    what: str
    inside: int = 0
    outside: int = 0
    unsure: int = 0
    clamped: int = 0
    open: int = 0  # without a bound on one side
    unknown: int = 0  # no truth, or no successor that has the counter
    worst: int = 0  # ns outside
    widths: list = dataclasses.field(default_factory=list)
    examples: list = dataclasses.field(default_factory=list)
    # Where the truth lies within: 0 is at the lower bound, 1 at the upper.
    places: list = dataclasses.field(default_factory=list)

    def add(self, event, times):
        earliest = event["time_ns"] - (event["minus_ns"] or 0)
        latest = event["time_ns"] + (event["plus_ns"] or 0)
        off = max(earliest - times[1] if event["minus_ns"] is not None else 0,
                  times[0] - latest if event["plus_ns"] is not None else 0)
        self.unsure += "unsure" in event
        self.clamped += "clamped" in event
        if event["minus_ns"] is None or event["plus_ns"] is None:
            self.open += 1
        else:
            self.widths.append(latest - earliest)
            self.places.append((times[0] - earliest) / (latest - earliest or 1))
        if off <= SLACK_NS:
            self.inside += 1
            return
        self.outside += 1
        self.worst = max(self.worst, off)
        if len(self.examples) < 3:
            self.examples.append(f"{event}: it was {times[0]} to"
                                 f" {times[1]}")

    def median(self):
        return sorted(self.widths)[len(self.widths) // 2] if self.widths else 0

    def __str__(self):
        return (f"{self.what}: {self.inside} inside, {self.outside} outside"
                f" (worst {self.worst} ns), {self.unsure} unsure,"
                f" {self.clamped} clamped, {self.open} open,"
                f" {self.unknown} unknown; widths"
                f" {min(self.widths, default=0)}, {self.median()},"
                f" {max(self.widths, default=0)} ns; the truth at"
                f" {min(self.places, default=0):.2f} to"
                f" {max(self.places, default=0):.2f}")


def judge(what, truth, events):
    """Of each event whose successor was printed: was it when it is said?"""
    verdict = Verdict(what)
    for event, after in itertools.pairwise(events):
        if after["args"]["seq"] != event["args"]["seq"] + 1:
            verdict.unknown += 1
            continue
        times = truth.when(after["args"]["last"])
        if times:
            verdict.add(event, times)
        else:
            verdict.unknown += 1
    return verdict


# ---- Who looks on ----

class Follow:
    """trackway print --follow, into a file."""

    def __init__(self, trackway, target, output):
        self.what = f"print -f {target.partition(':')[0]}"
        self.output = output
        with open(output, "wb") as file:
            self.process = subprocess.Popen(
                [trackway.program, "print", "--json", "--bounds", "-f", "-e",
                 "guest_truth", target],
                stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.PIPE, text=True)

    def count(self):
        return self.output.read_bytes().count(b"\n")

    def is_well(self):
        """Whether the latest event is sure, and from an exchange."""
        with open(self.output, "rb") as file:
            file.seek(max(0, self.output.stat().st_size - 2000))
            lines = file.read().split(b"\n")
        event = json.loads(lines[-2]) if len(lines) > 2 else {}
        return (event.get("minus_ns") is not None
                and event.get("plus_ns") is not None
                and event["minus_ns"] + event["plus_ns"] <= WELL_NS
                and not event.keys() & {"unsure", "clamped"})

    def end(self):
        self.process.send_signal(signal.SIGINT)
        _, err = self.process.communicate(timeout=lib.LIMIT)
        check(self.process.returncode in (0, -signal.SIGINT),
              f"{self.what}: exit {self.process.returncode}: {err}")
        with open(self.output, encoding="ascii") as file:
            return [event for event in map(json.loads, file)
                    if "event" in event]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Record:
    """trackway record, and what print makes of it."""

    def __init__(self, trackway, target, output):
        self.what = f"record {target.partition(':')[0]}"
        self.trackway = trackway
        self.output = output
        self.recording = trackway.record(output, target, "guest_truth")

    def count(self):
        """Hardly more than there are."""
        return sum(file.stat().st_size for file in self.output.rglob("*")
                   if file.name.startswith("lane-")) // EVENT_SIZE

    def is_well(self):
        """That shows when it has ended."""
        return True

    def end(self):
        self.recording.end()
        return self.trackway.events(self.output, "guest_truth")

    def kill(self):
        self.recording.__exit__()


class Watch:
    """Those who look on, and the witness."""

    def __init__(self, stand, kinds):
        self.stand = stand
        self.kinds = kinds
        self.lookers = []
        self.seen = []

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.witness = stack.enter_context(Witness(
                self.stand.witness, self.stand.guest, self.stand.directory,
                self.stand.use_qemu))
            for kind, target in self.kinds:
                self.lookers.append(kind(
                    self.stand.trackway, target,
                    self.stand.directory / f"out-{self.stand.number}"))
                self.stand.number += 1
                stack.callback(self.lookers[-1].kill)
            self.stack = stack.pop_all()
        self.seen = [0 for _ in self.lookers]
        return self

    def __exit__(self, *_):
        self.stack.close()

    def wait_more(self, events, limit=lib.LIMIT):
        """Until all have seen so many since the last such wait."""
        wait_for(f"{events} more events", lambda: all(
            looker.count() - before >= events
            for looker, before in zip(self.lookers, self.seen)), limit)
        self.seen = [looker.count() for looker in self.lookers]

    def wait_well(self):
        """Until all that had happened to the clock is known."""
        wait_for("narrow bounds", lambda: all(
            looker.is_well() for looker in self.lookers))

    def end(self, what):
        found = [(looker, looker.end()) for looker in self.lookers]
        true = self.witness.end()
        return true, [judge(f"{what}, {looker.what}", true, events)
                      for looker, events in found]


class Stand:
    """A guest whose truth is known, and what has been said of it."""

    def __init__(self, trackway, witness, guest, directory):
        self.trackway = trackway
        self.witness = witness
        self.guest = guest
        self.directory = directory
        self.vm = guest.target
        self.ram = f"ram:{directory}/ram"
        self.mailbox = Mailbox(directory / "ram")
        self.use_qemu = True
        self.quiet = False
        self.number = 0
        self.verdicts = []

    def on(self):
        self.trackway.run("enable", self.ram, "guest_truth")

    @contextlib.contextmanager
    def watch(self, what, *kinds):
        """While kinds, (class, target) each, look on."""
        with Watch(self, kinds) as watch:
            yield watch
            true, verdicts = watch.end(what)
        self.verdicts += verdicts
        if self.quiet:
            return
        for verdict in verdicts:
            print(verdict, flush=True)
            for line in verdict.examples:
                print(" ", line, flush=True)
        if not true.is_exact:
            print(f"the truth is known to {true.width():.0f} ns")

    @contextlib.contextmanager
    def load(self):
        """The guest on one processor, and a busy process on another."""
        cpus = sorted(os.sched_getaffinity(0))
        tasks = pathlib.Path(f"/proc/{self.guest.process.pid}/task")
        for task in tasks.iterdir():
            os.sched_setaffinity(int(task.name), {cpus[0]})
        with subprocess.Popen([sys.executable, "-c",
                               "while True: pass"]) as busy:
            os.sched_setaffinity(busy.pid, {cpus[-1]})
            try:
                yield
            finally:
                busy.kill()
                for task in tasks.iterdir():
                    os.sched_setaffinity(int(task.name), cpus)

    def check(self):
        bad = [str(verdict) for verdict in self.verdicts if verdict.outside]
        check(not bad, "bounds without the truth:\n" + "\n".join(bad))
        check(all(verdict.inside for verdict in self.verdicts),
              "nothing was looked at")


@contextlib.contextmanager
def stand(trackway, tracetool, witness):
    """A guest that runs, its event on."""
    trackway = lib.Trackway(trackway)
    lib.need_memory_access()
    with tempfile.TemporaryDirectory(prefix="trackway-truth-") as name:
        directory = pathlib.Path(name)
        image = build(tracetool, directory)
        with boot(image, directory) as guest:
            wait_for("the ring", lambda: trackway.rings(guest.target))
            made = Stand(trackway, witness, guest, directory)
            made.on()
            yield made
