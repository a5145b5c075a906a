#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test-foreign.py TRACKWAY PART: other tracers' events, printed and counted.

PART is log (lines made here), follow (a log that grows), simple (files made by
an encoder of the format's own), ctf (a trace made here), ctf-damage (such traces
cut and damaged) or qemu (a real QEMU's log, while it runs and after)."""

import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

LIMIT = 120
EVENTS = """\
one(int a, uint64_t b) "a %d b 0x%" PRIx64
two(const char *name, uint8_t x, uint8_t y) "'%s' -> %02x%02x"
nothing(void) ""
wide(int w, unsigned v, void *p) "%0*x|%p"
half(int a, int b) "a %d"
lines(int a, int b) "first %d\\nsecond %d"
text(const char *a, const char *b) "%s: %s"
vcpu cpu(int a) "%d"
"""


def check(condition, text):
    if not condition:
        raise SystemExit(f"FAILED: {text}")


class Trackway:
    def __init__(self, program, work):
        self.program, self.work = program, work
        self.events = work / "events"
        self.events.write_text(EVENTS)

    def run(self, *arguments, code=0, env=None):
        done = subprocess.run([self.program, *map(str, arguments)],
                              capture_output=True, timeout=LIMIT, check=False,
                              env=env)
        error = done.stderr.decode()
        check(code is None or done.returncode == code, f"{arguments}: {done.returncode} {error}")
        return done.stdout.decode(), error

    def json(self, target, *options):
        options = options or ("--events", self.events)
        out, error = self.run("print", "--json", *options, target)
        return [json.loads(line) for line in out.splitlines()], error

    def write(self, name, content):
        path = self.work / name
        path.write_bytes(content if isinstance(content, bytes)
                         else content.encode())
        return path


def line_of(event):
    """The line of QEMU 7.2 that an event came from."""
    seconds, ns = divmod(event["time_ns"], 10**9)
    return (f"{event['tid']}@{seconds}.{ns // 1000:06}:"
            f"{event['event']} {event['message']}")


# ---- Logs made here ----

def log(trackway):
    lines = [
        "7@1700000000.000001:one a -5 b 0xffffffffffffffff",
        "8@1700000000.000002:two 'it's -> x' -> 0aff",
        "7@1700000000.000003:nothing ",
        "7@1700000000.000004:wide 0000001f|(nil)",
        "7@1700000000.000005:half a 3",
        "7@1700000000.000006:lines first 1",
        "second -2",
        "7@1700000000.000007:text a: b: c",
        "7@1700000000.000008:cpu cpu=0x7f12 9",
    ]
    path = trackway.write("log", "\n".join(lines) + "\n")
    events, error = trackway.json(f"qemu-log:{path}")
    check(error == "", error)
    args = [(event["event"], event["args"]) for event in events]
    check(args == [
        ("one", {"a": -5, "b": 2**64 - 1}),
        ("two", {"name": "it's -> x", "x": 10, "y": 255}),
        ("nothing", {}),
        ("wide", {"w": 8, "v": 31, "p": 0}),
        ("half", {"text": "a 3"}),
        ("lines", {"a": 1, "b": -2}),
        ("text", {"a": "a", "b": "b: c"}),
        ("cpu", {"__cpu": 0x7f12, "a": 9}),
    ], args)
    again = "\n".join(map(line_of, events)).replace("\\n", "\n")
    check(again.splitlines() == lines, again)
    check({event["plus_ns"] for event in events} == {999}, events[0])

    # The latest form, no times, and what doesn't fit: nothing goes missing.
    path = trackway.write("other", b"\n".join([
        b"2025-07-21T18:43:28.089797Z one a 1 b 0x2",
        b"2025-07-21T18:43:28.089798Z Invalid access at 0x10",
        b"plain text \x1b[31m \0 end",
        b"7@1753123409.000001:one a 1 b 2",
        b"7@1753123409.000002:strange thing 5",
        b"one a 5 b 0x6",
        b"x" * 200000,
        b"7@1753123409.000003:one a 99"]))
    events, error = trackway.json(f"qemu-log:{path}")
    check(events[0]["time_ns"] == 1753123408089797000, events[0])
    got = [(event["event"], event["args"].get("text", event["args"]))
           for event in events]
    check(got[:6] == [
        ("one", {"a": 1, "b": 2}),
        ("qemu_log", "Invalid access at 0x10"),
        ("qemu_log", "plain text \x1b[31m \\0 end"),
        ("one", "a 1 b 2"),
        ("strange", "thing 5"),
        ("one", {"a": 5, "b": 6})], got[:6])
    check(sum(len(text) for _, text in got[6:-1]) == 200000, "a long line")
    check(got[-1] == ("qemu_log", "one a 99"), got[-1])
    for said in ("other:4: one: this does not fit", "other:5: strange: no tra",
                 "no whole line", "an event without a time"):
        check(said in error, f"{said} is not in {error}")
    for event in events[2:6]:
        check(event["time_ns"] >= events[1]["time_ns"], "it goes back")

    # Threads' lines that are out of order are put in order.
    path = trackway.write("order", "1@5.000002:half a 2\n2@5.000001:half a 1\n")
    events, _ = trackway.json(f"qemu-log:{path}")
    check([event["tid"] for event in events] == [2, 1], events)

    # Whatever it is, it is text; and memory is bounded.
    path = trackway.write("garbage", os.urandom(300000))
    events, _ = trackway.json(f"qemu-log:{path}")
    check(all(event["event"] == "qemu_log" for event in events), "garbage")
    # A message that fits in very many ways, but not to its end.
    path = trackway.write("slow", "1@5.000000:text " + ": " * 30000 + "\n" +
                          "1@5.000000:two '" + "' -> 00" * 9000 + "\n")
    events, _ = trackway.json(f"qemu-log:{path}")
    check(len(events) == 2, len(events))

    out, _ = trackway.run("stat", "--events", trackway.events,
                          f"qemu-log:{trackway.work / 'log'}", "--json")
    producer = json.loads(out)["producers"][0]
    check((producer["name"], producer["count"], producer["lost"]) ==
          ("log", 8, 0), producer)
    own = f"qemu-log:{trackway.work / 'log'},events={trackway.events}"
    check(len(trackway.json(own, "-n", "3")[0]) == 3, "own events")
    for wrong, said in (
            ((f"qemu-log:{trackway.work / 'none'}",), "No such file"),
            ((f"qemu-log:{trackway.work}",), "Is a directory"),
            ((own + "x",), "No such file")):
        _, error = trackway.run("print", "--events", trackway.events, *wrong,
                                code=1)
        check(said in error and error.count("\n") == 1, error)
    _, error = trackway.run("record", "-o", trackway.work / "dir", own, code=1)
    check("trackway print" in error, error)


# ---- A log that grows ----

class Follower:
    def __init__(self, trackway, target, *options):
        self.process = subprocess.Popen(
            [trackway.program, "print", "--json", "-f", *options, target],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def next(self):
        return json.loads(self.process.stdout.readline())

    def ask_again(self):
        """The thread sanitizer may keep a signal that comes early to itself."""
        maps = pathlib.Path(f"/proc/{self.process.pid}/maps")
        try:
            while "libtsan" in maps.read_text(encoding="utf-8"):
                time.sleep(5)
                self.process.send_signal(signal.SIGINT)
        except OSError:
            pass  # it has ended

    def end(self):
        self.process.send_signal(signal.SIGINT)
        threading.Thread(target=self.ask_again, daemon=True).start()
        # Not communicate(), which misses what readline() has read ahead.
        events = [json.loads(line) for line in self.process.stdout]
        error = self.process.stderr.read().decode()
        check(self.process.wait(LIMIT) == 0, error)
        return events, error

    def kill(self):
        self.process.kill()
        self.process.wait()


def follow(trackway):
    path = trackway.write("log", "1@5.000000:half a 0\n")
    follower = Follower(trackway, f"qemu-log:{path}", "--history",
                        "--events", str(trackway.events))
    try:
        check(follower.next()["message"] == "a 0", "history")
        with path.open("a") as file:
            file.write("1@5.000001:one a 1 b 0x1\n1@5.000002:one a 2")
            file.flush()
            check(follower.next()["args"]["a"] == 1, "grown")
            file.write("2 b 0x3\n")
        check(follower.next()["args"]["a"] == 22, "a line in two pieces")
        path.write_text("1@6.0:\n")  # shorter than what was read: truncated
        check(follower.next()["args"]["text"] == "1@6.0:", "truncated")
        with path.open("a") as old:
            path.rename(trackway.work / "log.1")
            old.write("1@7.000000:one a 4 b 0x4\n")
            old.flush()
            check(follower.next()["args"]["a"] == 4, "the renamed one")
            trackway.write("log", "1@8.000000:one a 5 b 0x5\n")
            check(follower.next()["args"]["a"] == 5, "the new one")
        with path.open("a") as file:
            file.write("1@9.000000:one a 6 b 0x6")
        rest, error = follower.end()
        check(all(event["event"] == "qemu_log" for event in rest), rest)
        check("was truncated" in error, error)
    finally:
        follower.kill()


# ---- simpletrace ----

class Simple:
    """An encoder by the format's description."""

    def __init__(self, order="<"):
        self.order = order
        self.data = self.pack("QQQ", 2**64 - 1, 0xf2b177cb0aa429b4, 4)

    def pack(self, form, *values):
        return struct.pack(self.order + form, *values)

    def name(self, number, name):
        self.data += self.pack("QQI", 0, number, len(name)) + name.encode()

    def event(self, number, ns, *arguments, pid=77):
        body = b"".join(
            self.pack("I", len(value)) + value if isinstance(value, bytes)
            else self.pack("Q", value & 2**64 - 1) for value in arguments)
        self.data += self.pack("QQQII", 1, number, ns, 24 + len(body),
                               pid) + body

    def dropped(self, ns, count):
        self.event(2**64 - 2, ns, count)


def made(order):
    simple = Simple(order)
    simple.name(0, "one")
    simple.name(1, "two")
    simple.name(9, "foreign")
    now = time.monotonic_ns()
    simple.event(0, now, -5, 2**64 - 1)
    simple.event(1, now + 2, b"name", 10, 255)
    simple.event(0, now + 1, 6, 7)
    simple.dropped(now + 3, 12)
    simple.event(0, now + 4, 8, 9)
    simple.event(9, now + 5, 0x1234)
    simple.event(5, now + 6)
    simple.event(1, now + 7, 1)
    return simple, now


def simple(trackway):
    for order in "<>":
        encoder, _ = made(order)
        path = trackway.write("trace", encoder.data)
        events, error = trackway.json(f"simpletrace:{path}")
        got = [(event.get("event"), event.get("args")) for event in events]
        hexes = "34 12 00 00 00 00 00 00" if order == "<" else \
            "00 00 00 00 00 00 12 34"
        one = "01 00 00 00 00 00 00 00" if order == "<" else \
            "00 00 00 00 00 00 00 01"
        check(got == [
            ("one", {"a": -5, "b": 2**64 - 1}), ("one", {"a": 6, "b": 7}),
            ("two", {"name": "name", "x": 10, "y": 255}),
            (None, None), ("one", {"a": 8, "b": 9}),
            ("foreign", {"text": hexes}), ("unknown_5", {"text": ""}),
            ("two", {"text": one})], got)
        check(events[3]["lost"] == events[3]["discarded"] == 12, events[3])
        check(abs(events[0]["time_ns"] - time.time_ns()) < 60 * 10**9,
              "the time of day")
        check(events[1]["time_ns"] - events[0]["time_ns"] == 1, "1 ns")
        check(events[0]["pid"] == events[0]["tid"] == 77, events[0])
        check("2 events that no trace-events file declares" in error and
              "1 events with other arguments" in error, error)

    encoder, _ = made("<")
    whole = len(trackway.json(f"simpletrace:{path}")[0])
    before = -1
    for size in range(24, len(encoder.data)):
        if size % 5 and size > 60:
            continue
        path = trackway.write("cut", encoder.data[:size])
        events, error = trackway.json(f"simpletrace:{path}")
        check(before <= len(events) <= whole, f"{size}: {len(events)}")
        before = len(events)
        check("ends early" not in error or "at byte" in error, error)
    for bad, said in ((b"", "no simpletrace file"),
                      (os.urandom(1000), "no simpletrace file"),
                      (encoder.data[:16] + b"\3" + bytes(7), "version 3")):
        path = trackway.write("bad", bad)
        _, error = trackway.run("print", "--events", trackway.events,
                                f"simpletrace:{path}", code=1)
        check(said in error and error.count("\n") == 1, error)
    for bad, said in ((struct.pack("<Q", 5), "no record at byte"),
                      (struct.pack("<QQQII", 1, 0, 0, 2**32 - 1, 0),
                       "impossible length"),
                      (struct.pack("<QQI", 0, 0, 2**31), "impossible length")):
        path = trackway.write("bad", encoder.data + bad + os.urandom(999))
        events, error = trackway.json(f"simpletrace:{path}")
        check(len(events) == 8 and said in error and
              f"at byte {len(encoder.data)}" in error, error)


# ---- A real QEMU ----

def qemu(trackway):
    program = shutil.which("qemu-system-x86_64")
    if not program or not os.path.exists("/usr/share/qemu/trace-events-all"):
        print("skipped: no QEMU with its trace-events here")
        raise SystemExit(77)
    path = trackway.write("log", "")
    disk = trackway.work / "disk"
    disk.write_bytes(bytes(1 << 20))
    follower = Follower(trackway, f"qemu-log:{path}", "--history")
    machine = subprocess.Popen(
        [program, "-display", "none", "-net", "none", "-machine", "pc",
         "-accel", "tcg", "-trace", "fw_cfg_*", "-trace", "ide_*", "-trace",
         "pci_cfg_*", "-trace", "pic_*", "-D", str(path), "-msg",
         "timestamp=on", "-drive", f"file={disk},format=raw,if=ide"],
        stderr=subprocess.DEVNULL)
    try:
        # It comes while QEMU runs: its BIOS reads the disk.
        live = []
        while not live or live[-1]["event"] != "ide_sector_read":
            live.append(follower.next())
        check(machine.poll() is None, "QEMU has ended")
    finally:
        machine.terminate()
        machine.wait()
        rest = follower.end()[0] if sys.exc_info()[0] is None else []
        follower.kill()
    events, error = trackway.json(f"qemu-log:{path}", "--utc")
    lines = path.read_text().splitlines()
    check(error == "", error)
    check(sorted(map(line_of, events)) == sorted(lines), "not QEMU's lines")
    check(sorted(map(line_of, live + rest)) == sorted(lines),
          "not QEMU's lines, followed")
    check(not any("text" in event["args"] for event in events), "text")
    check(len(lines) > 500, len(lines))
    sector = [event for event in events
              if event["event"] == "ide_sector_read"][0]
    check(isinstance(sector["args"]["sector_num"], int), sector)


# ---- CTF ----

def ctf(trackway):
    _, error = trackway.run("print", trackway.work / "none", code=1)
    empty = trackway.work / "empty"
    empty.mkdir()
    _, error = trackway.run("print", f"ctf:{empty}", code=1)
    check("holds no trace" in error, error)
    bad = trackway.work / "bad"
    bad.mkdir()
    (bad / "metadata").write_bytes(struct.pack("<I", 0x75d11d57) + bytes(20))
    _, error = trackway.run("print", bad, code=1)
    check(("no whole packet at byte 0" in error or "built without" in error)
          and error.count("\n") == 1, error)
    # Text metadata and a stream, written by hand.
    trace = trackway.work / "a" / "b"
    trace.mkdir(parents=True)
    (trace / "metadata").write_text("""/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := uint8_t;
typealias integer { size = 32; align = 8; signed = true; } := int32_t;
typealias integer { size = 64; align = 8; signed = false; base = hex; }
    := hex_t;
typealias integer { size = 64; align = 8; signed = false; map = clock.c.value; }
    := time_t;
trace { major = 1; minor = 8; byte_order = le; };
env { trace_name = "session"; domain = "test"; };
clock { name = c; freq = 1000000000; offset_s = 1700000000; absolute = true; };
stream { event.header := struct { uint8_t id; time_t timestamp; };
    event.context := struct { int32_t vtid; uint8_t prio; }; };
event { name = "p:ev"; id = 0; fields := struct {
    int32_t a; hex_t h; string s;
    enum : uint8_t { OFF, ON } e; enum : uint8_t { "x y" = 1 ... 5 } r;
    struct { uint8_t x; int32_t y; } point;
    uint8_t list[3]; }; };
""")
    event = (b"\0" + struct.pack("<QiB", 42, 1234, 3) +
             struct.pack("<iQ", -7, 2**64 - 1) + b"hello\0" +
             bytes([1, 2, 9]) + struct.pack("<i", -1) + b"\1\2\3")
    (trace / "stream").write_bytes(event * 3)
    if "built without" in trackway.run("print", trace.parent,
                                       code=None)[1]:
        print("skipped: built without libbabeltrace2")
        raise SystemExit(77)
    events, error = trackway.json(trace.parent, "--utc")
    check(len(events) == 3, error)
    first = events[0]
    check(first["time_ns"] == 1700000000 * 10**9 + 42, first)
    check((first["producer"], first["event"], first["tid"]) ==
          ("session/test", "p:ev", 1234), first)
    check(first["args"] == {
        "a": -7, "h": 2**64 - 1, "s": "hello", "e": {"value": 1, "name": "ON"},
        "r": "x y (2)", "point_x": 9, "point_y": -1, "list": "[1, 2, 3]",
        "prio": 3}, first["args"])
    check(first["message"] ==
          "a=-7 h=0xffffffffffffffff s=hello e=ON r=x y (2) point_x=9 "
          "point_y=-1 list=[1, 2, 3] prio=3", first["message"])
    # Events before a torn one are there, and one line says the rest is not.
    (trace / "stream").write_bytes(event * 3 + event[:-5])
    # libbabeltrace2 leaks a little where it fails.
    out, error = trackway.run("print", trace.parent, code=None,
                              env={**os.environ,
                                   "ASAN_OPTIONS": "detect_leaks=0"})
    check(error.count("\n") == 1 and "a/b" in error, error)
    check(len(out.splitlines()) == 3, out)


# ---- CTF that is damaged ----

UUID = bytes(range(6)) + b"\x45\x07\x85" + bytes(range(9, 16))
PACKETS = """/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := uint8_t;
typealias integer { size = 32; align = 8; signed = false; } := uint32_t;
typealias integer { size = 64; align = 8; signed = false; } := uint64_t;
typealias integer { size = 64; align = 8; signed = false; map = clock.c.value; }
    := time_t;
trace { major = 1; minor = 8; byte_order = le;
    uuid = "00010203-0405-4507-8509-0a0b0c0d0e0f";
    packet.header := struct { uint32_t magic; uint8_t uuid[16];
        uint32_t stream_id; }; };
clock { name = c; freq = 1000000000; offset_s = 1700000000; absolute = true; };
stream { id = 0; packet.context := struct { time_t timestamp_begin;
        time_t timestamp_end; uint64_t content_size; uint64_t packet_size;
        uint64_t events_discarded; uint64_t packet_seq_num; };
    event.header := struct { uint8_t id; time_t timestamp; }; };
event { name = "ev"; id = 0; stream_id = 0; fields := struct { uint32_t n; }; };
"""
PACKET_SIZE = 512


def packet(start, first, number, discarded=0):
    """Five events, the first of which is number first at time start."""
    events = b"".join(struct.pack("<BQI", 0, start + i, first + i)
                      for i in range(5))
    header = struct.pack("<I16sI", 0xc1fc1fc1, UUID, 0)
    content = 8 * (len(header) + 48 + len(events))
    context = struct.pack("<6Q", start, start + 4, content, 8 * PACKET_SIZE,
                          discarded, number)
    return (header + context + events).ljust(PACKET_SIZE, b"\0")


def packets_of_text(text, size=256):
    """Metadata as LTTng writes it."""
    pieces = [text[i:i + size] for i in range(0, len(text), size)]
    return b"".join(
        struct.pack("<I16s3I5B", 0x75d11d57, UUID, 0, 8 * (37 + len(piece)),
                    8 * (37 + size), 0, 0, 0, 1, 8) + piece.ljust(size, b"\0")
        for piece in pieces)


class Packets:
    """A trace of two streams of three packets each, and what is said of it."""

    def __init__(self, trackway, name="packets"):
        self.trackway = trackway
        self.path = trackway.work / name
        self.path.mkdir(parents=True)
        self.streams = {
            name: b"".join(packet(shift + 10 * i, first + 10 * i, i)
                           for i in range(3))
            for name, shift, first in (("a", 0, 100), ("b", 5, 200))}
        self.restore()
        self.temporary = trackway.work / "tmp"
        self.temporary.mkdir(exist_ok=True)
        # libbabeltrace2 leaks a little where it fails.
        self.env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0",
                    "TMPDIR": str(self.temporary)}

    def restore(self):
        (self.path / "metadata").write_text(PACKETS)
        for name, content in self.streams.items():
            (self.path / name).write_bytes(content)

    def write(self, name, content):
        (self.path / name).write_bytes(content)

    def run(self, path=None, code=None):
        out, error = self.trackway.run("print", "--json", path or self.path,
                                       code=code, env=self.env)
        check(not list(self.temporary.iterdir()), "something is left behind")
        return [json.loads(line) for line in out.splitlines()], error

    def numbers(self, path=None):
        events, error = self.run(path, 0)
        return sorted(event["args"]["n"] for event in events), error


def damage(content, generator):
    """So many bytes of it are others."""
    content = bytearray(content)
    for _ in range(generator.choice((1, 3, 20))):
        content[generator.randrange(len(content))] = generator.randrange(256)
    return bytes(content)


def numbers_from(first, packets):
    return [first + 10 * i + j for i in range(packets) for j in range(5)]


def ctf_damage(trackway):
    trace = Packets(trackway)
    if "built without" in trackway.run("print", trace.path, code=None)[1]:
        print("skipped: built without libbabeltrace2")
        raise SystemExit(77)
    whole = numbers_from(100, 3)
    check(trace.numbers() == (whole + numbers_from(200, 3), ""), "whole")

    # Cut in a packet's header, content and padding: the packets before it.
    stream = trace.streams["b"]
    for size in (1, 10, 70, 100, 300, 511, 513, 600, 1023, 1124, 1535):
        trace.write("b", stream[:size])
        kept = size // PACKET_SIZE
        numbers, error = trace.numbers()
        check(numbers == whole + numbers_from(200, kept), f"{size}: {numbers}")
        said = (f"b is cut off within a packet: the first {512 * kept} of its "
                f"{size} bytes are read" if kept else "b is left out")
        check(said in error and error.count("\n") == 1, f"{size}: {error}")
    # At a packet's end nothing is wrong, as far as can be known.
    for size in (0, 512, 1024):
        trace.write("b", stream[:size])
        check(trace.numbers() == (whole + numbers_from(200, size // 512), ""),
              size)
    # Both, and what looks like a packet's begin but is none.
    lure = struct.pack("<I", 0xc1fc1fc1) * 3
    trace.write("a", trace.streams["a"][:1000] + lure)
    trace.write("b", stream[:1030] + lure)
    numbers, error = trace.numbers()
    check(numbers == numbers_from(100, 1) + numbers_from(200, 2), numbers)
    check(error.count("\n") == 2, error)
    # Of a trace of which nothing is readable, others are no worse.
    trace.write("a", trace.streams["a"][:100])
    trace.write("b", stream[:100])
    _, error = trace.run(code=1)
    check(error.count("\n") == 1 and str(trace.path) in error, error)
    other = Packets(trackway, "session/one")
    shutil.copytree(trace.path, other.path.parent / "two")
    numbers, error = other.numbers(other.path.parent)
    check(numbers == whole + numbers_from(200, 3), numbers)
    check(error.count("\n") == 1 and "session/two" in error, error)

    # Whatever it is, it ends, and says what is wrong in a line: streams may be
    # read up to there, of metadata nothing is.
    generator = random.Random(7)
    text = PACKETS.encode()
    packed = packets_of_text(text)
    trace.restore()
    trace.write("metadata", packed)
    check(trace.numbers()[1] == "", "metadata in packets")
    for content in (
            *(text[:size] for size in range(0, len(text) - 2, 97)),
            *(packed[:size] for size in range(0, len(packed), 131)),
            *(damage(text, generator) for _ in range(15)),
            *(damage(packed, generator) for _ in range(15))):
        trace.write("metadata", content)
        events, error = trace.run()
        check(events or error.count("\n") == 1, error)
    trace.write("metadata", text[:len(text) // 2])
    trace.run(code=1)
    trace.restore()
    for _ in range(20):
        trace.write("b", damage(stream, generator))
        trace.run(code=0)

    # What a tracer says it has discarded is lost.
    trace.write("b", packet(5, 200, 0) + packet(15, 210, 1, 7) +
                packet(25, 220, 4, 9))
    events, error = trace.run(code=0)
    lost = [event["lost"] for event in events if "lost" in event]
    check(sum(lost) == 7 + 2 + 2 and "2 packets of events are missing" in error,
          (lost, error))


def main():
    program = os.path.abspath(sys.argv[1])
    parts = {"log": log, "follow": follow, "simple": simple, "qemu": qemu,
             "ctf": ctf, "ctf-damage": ctf_damage}
    with tempfile.TemporaryDirectory() as work:
        parts[sys.argv[2]](Trackway(program, pathlib.Path(work)))


main()
