#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recording and printing what a guest sends in frames, out of files, fifos and
sockets: whole, damaged, hostile. The frames are wire.py's.

usage: test-channel.py TRACKWAY
"""

import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

sys.dont_write_bytecode = True  # not into the source tree

import wire  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
FILES = [HERE / "events-one", HERE / "events-two"]
WORK, QUIET, BLOB, DONE, NUMBERS = range(5)
COUNT = 5
LIMIT = 60  # seconds; only a failure takes as long
TRACKWAY = sys.argv[1]


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def wait_for(what, look):
    end = time.monotonic() + LIMIT
    while not (found := look()):
        check(time.monotonic() < end, f"waited for {what}")
        time.sleep(0.02)
    return found


def options(files=FILES):
    return [word for file in files for word in ("--events", str(file))]


def run(*arguments, status=0):
    """Standard output and error of a command that ends by itself."""
    done = subprocess.run([TRACKWAY, *map(str, arguments)], text=True,
                          capture_output=True, timeout=LIMIT, check=False)
    check(done.returncode == status,
          f"{arguments}: exit {done.returncode}\n{done.stderr}")
    return done.stdout, done.stderr


class Running:
    """A command that goes on until it is ended, or its input ends."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [TRACKWAY, *map(str, arguments)], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def wait(self):
        out, err = self.process.communicate(timeout=LIMIT)
        check(self.process.returncode == 0,
              f"exit {self.process.returncode}\n{err}")
        return out, err

    def end(self):
        self.process.send_signal(signal.SIGINT)
        # The thread sanitizer may keep a signal that comes early to itself.
        while self.is_still_there():
            self.process.send_signal(signal.SIGINT)
        return self.wait()

    def is_still_there(self):
        maps = pathlib.Path(f"/proc/{self.process.pid}/maps")
        if "libtsan" not in maps.read_text(encoding="utf-8"):
            return False
        for _ in range(100):
            if self.process.poll() is not None:
                return False
            time.sleep(0.05)
        return True


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def events_in(target, *more):
    return [line for line in objects(run("print", "--json", target, *more)[0])
            if "event" in line]


def count_recorded(trace):
    """Events of work so far; 0 while there is no recording to be read."""
    done = subprocess.run([TRACKWAY, "print", trace], text=True,
                          capture_output=True, timeout=LIMIT, check=False)
    return done.stdout.count(" work ")


LAST = re.compile(
    r"^trackway: (\d+) events, (\d+) lost, from 1 producer in \S+;"
    r" (\d+) bad frames?, (\d+) skipped bytes?, (\d+) unknown ids?,"
    r" (\d+) events? of a wrong size, (\d+) guest starts?$")


def counts_of(said):
    """The recording's last line as numbers."""
    match = LAST.match(said.splitlines()[-1])
    check(match, f"the last line: {said}")
    names = ("events", "lost", "bad", "skipped", "unknown", "misfits", "starts")
    return dict(zip(names, map(int, match.groups())))


def check_trace(directory, counts):
    """The directory says what the line said, and babeltrace2 can read it."""
    producers = json.loads(run("stat", "--json", directory)[0])["producers"]
    check(len(producers) == 1, producers)
    check(producers[0]["count"] == counts["events"], (producers, counts))
    check(producers[0]["lost"] == counts["lost"], (producers, counts))
    check(producers[0]["discarded"] == counts["lost"], (producers, counts))
    if not shutil.which("babeltrace2"):
        return
    done = subprocess.run(
        ["babeltrace2", directory, "--component=sink.utils.counter",
         "--params=step=+0"], capture_output=True, text=True, timeout=LIMIT,
        check=False)
    check(done.returncode == 0, done.stderr)
    numbers = [int(line.split()[0].replace(",", ""))
               for line in done.stdout.splitlines() if "Event message" in line]
    check(numbers == [counts["events"]], done.stdout)
    check(counts["lost"] or not done.stderr, done.stderr)


def work_fields(seq, word=8):
    packed = struct.pack("<IQh", seq, seq * seq,
                         (seq + 0x8000) % 0x10000 - 0x8000)
    packed += wire.string(b"name %d" % (seq % 7))
    return packed + struct.pack("<Qq" if word == 8 else "<Ii",
                                0xF0000000 + seq, -seq)


def work_args(seq):
    return {"seq": seq, "square": seq * seq,
            "small": (seq + 0x8000) % 0x10000 - 0x8000,
            "name": f"name {seq % 7}", "place": 0xF0000000 + seq,
            "minus": -seq}


def check_work(events, seqs):
    seqs = list(seqs)
    check(len(events) == len(seqs), f"{len(events)} events, not {len(seqs)}")
    for event, seq in zip(events, seqs):
        check(event["event"] == "work" and event["args"] == work_args(seq),
              f"{event} is not {work_args(seq)}")


def works(guest, seqs):
    return b"".join(guest.event(WORK, work_fields(seq, guest.word))
                    for seq in seqs)


def file_of(directory, stream):
    path = directory / "guest.frames"
    path.write_bytes(stream)
    return f"channel:{path}"


# ---- Whole streams ----


def test_file(directory):
    """Every kind of field, of guests with words of 8 and of 4 bytes."""
    for word in 8, 4:
        guest = wire.Guest(COUNT, word=word)
        stream = b"booting...\r\n" + guest.start() + works(guest, range(1000))
        stream += b"text \xc3\xa4 between\n" + guest.event(QUIET)
        size = struct.pack("<Q" if word == 8 else "<I", 3)
        stream += guest.event(BLOB, size + wire.data(b"\0\1\xff"))
        stream += guest.event(NUMBERS, struct.pack("<fd?", 0.5, -0.25, True))
        stream += guest.event(DONE, struct.pack("<I", 1000))
        target = file_of(directory, stream)
        events = events_in(target, *options())
        check_work(events[:1000], range(1000))
        check([(event["event"], event["args"]) for event in events[1000:]] == [
            ("quiet", {}), ("blob", {"size": 3, "octets": "0001ff"}),
            ("numbers", {"half": 0.5, "quarter": -0.25, "yes": True}),
            ("done", {"total": 1000})], events[1000:])
        trace = directory / f"trace{word}"
        out, said = run("record", "-o", trace, *options(), target)
        counts = counts_of(said)
        check(counts == {"events": 1004, "lost": 0, "bad": 0, "skipped": 28,
                         "unknown": 0, "misfits": 0, "starts": 1}, said)
        check(not out and len(said.splitlines()) == 1, out + said)
        check_trace(trace, counts)
        check([dict(event, time_ns=0) for event in events_in(trace)] ==
              [dict(event, time_ns=0) for event in events], "recorded")


def test_large_file(directory):
    """More than the ring holds: in order, and none left out."""
    guest = wire.Guest(COUNT)
    target = file_of(directory, guest.start() + works(guest, range(120000)))
    check_work(events_in(target, *options()), range(120000))
    trace = directory / "trace"
    counts = counts_of(run("record", "-o", trace, *options(), target)[1])
    check(counts["events"] == 120000 and not counts["lost"], counts)
    check_trace(trace, counts)
    out = run("stat", "--json", *options(), target)[0]
    check(json.loads(out)["producers"][0]["count"] == 120000, out)


def test_names(directory):
    """-e chooses events, of all files."""
    guest = wire.Guest(COUNT)
    stream = guest.start() + works(guest, range(10)) + guest.event(QUIET)
    stream += guest.event(DONE, struct.pack("<I", 10))
    target = file_of(directory, stream)
    trace = directory / "trace"
    counts = counts_of(run("record", "-o", trace, "-e", "do*", "-e", "quiet",
                           *options(), target)[1])
    check(counts["events"] == 2 and not counts["lost"], counts)
    check([event["event"] for event in events_in(trace)] == ["quiet", "done"],
          "names")
    names = [line.split()[0] for line in
             run("events", *options(), target)[0].splitlines()[1:]]
    check(names == ["work", "quiet", "blob", "done", "numbers"], names)


def test_fifo(directory):
    fifo = directory / "fifo"
    os.mkfifo(fifo)
    guest = wire.Guest(COUNT)
    trace = directory / "trace"
    with Running("record", "-o", trace, *options(),
                 f"channel:{fifo}") as recording:
        with open(fifo, "wb", buffering=0) as out:
            for begin in range(0, 5000, 50):
                out.write((guest.start() if not begin else b"") +
                          works(guest, range(begin, begin + 50)))
        counts = counts_of(recording.wait()[1])
    check(counts["events"] == 5000 and not counts["lost"], counts)
    check_trace(trace, counts)
    check_work(events_in(trace), range(5000))


def test_follow(directory):
    """A file that grows; half a frame is waited for."""
    guest = wire.Guest(COUNT)
    target = file_of(directory, guest.start() + works(guest, range(10)))
    rest = works(guest, range(10, 20))
    trace = directory / "trace"
    with open(directory / "guest.frames", "ab", buffering=0) as out, \
            Running("print", "-f", "--json", *options(), target) as printing, \
            Running("record", "--follow", "-o", trace, *options(),
                    target) as recording:
        lines = [printing.process.stdout.readline() for _ in range(10)]
        out.write(rest[:15])
        out.write(rest[15:])
        lines += [printing.process.stdout.readline() for _ in range(10)]
        check_work([json.loads(line) for line in lines], range(20))
        # Its page is closed within a second or so.
        wait_for("the recorder", lambda: count_recorded(trace) == 20)
        check(counts_of(recording.end()[1])["events"] == 20, "record --follow")
        printing.end()


def test_terminal(directory):
    """No byte is changed on the way, and the terminal is left as it was."""
    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    guest = wire.Guest(COUNT)
    trace = directory / "trace"
    with Running("record", "-o", trace, *options(),
                 f"channel:{os.ttyname(slave)}") as recording:
        wait_for("a raw terminal", lambda: termios.tcgetattr(slave) != before)
        stream = guest.start() + works(guest, range(300))
        while stream:
            stream = stream[os.write(master, stream[:512]):]
        wait_for("the recorder", lambda: count_recorded(trace) == 300)
        counts = counts_of(recording.end()[1])
    check(counts["events"] == 300 and not counts["bad"], counts)
    check_work(events_in(trace), range(300))
    check(termios.tcgetattr(slave) == before, "the terminal is not as it was")
    os.close(slave)
    os.close(master)


# ---- Sockets ----


class Server:
    """The other end: as QEMU with server=on."""

    def __init__(self, directory):
        self.path = directory / "socket"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        self.listener.settimeout(LIMIT)
        self.target = f"channel:{self.path}"
        self.got = b""

    def accept(self):
        self.connection = self.listener.accept()[0]
        self.connection.settimeout(LIMIT)

    def frames(self, count):
        """So many frames from the host."""
        while len(wire.unpack(self.got)[0]) < count:
            more = self.connection.recv(65536)
            check(more, "the recorder has closed the socket")
            self.got += more
        frames, rest = wire.unpack(self.got)
        check(len(frames) == count and not rest, f"frames: {frames}")
        self.got = b""
        return frames


def test_socket(directory):
    """What is to be on is told at the beginning, and at each start."""
    server = Server(directory)
    guest = wire.Guest(COUNT)
    trace = directory / "trace"
    with Running("record", "-o", trace, "-e", "work", "-e", "done", *options(),
                 server.target) as recording:
        server.accept()
        expected = [(wire.EVERY, 0), (WORK, 1), (DONE, 1)]
        frames = server.frames(1)
        check(wire.switches(frames) == expected, frames)
        server.connection.sendall(guest.start())
        frames = server.frames(1)
        check(wire.switches(frames) == expected, frames)
        check(frames[0][1] == 0, "switch frames begin with 0 at a start")
        # What the guest sends nevertheless is left out here.
        server.connection.sendall(works(guest, range(100)) +
                                  guest.event(QUIET))
        # In mid-event it is reset.
        server.connection.sendall(works(guest, [100])[:-9] + guest.start())
        check(wire.switches(server.frames(1)) == expected, "after a reset")
        server.connection.sendall(works(guest, range(50)))
        server.connection.close()
        out, said = recording.wait()
    check("the other end has closed it" in said, said)
    check("the guest has started anew: guest" in said, said)
    counts = counts_of(said)
    check(counts["events"] == 150 and counts["starts"] == 2, said)
    check(counts["lost"] == 0 and counts["bad"] == 1, said)
    check_work(events_in(trace), [*range(100), *range(50)])
    check_trace(trace, counts)


def record_socket(directory, talk):
    """What is recorded while talk(server, guest) goes on, all events wanted;
    and the counts."""
    server = Server(directory)
    trace = directory / "trace"
    with Running("record", "-o", trace, *options(),
                 server.target) as recording:
        server.accept()
        server.frames(1)
        talk(server, wire.Guest(COUNT))
        server.connection.close()
        counts = counts_of(recording.wait()[1])
    return events_in(trace), counts


def test_reset_amid(directory):
    """Reset amid a frame of which more is to come than the start has: the
    guest then waits for the switches, and must not wait for ever."""
    def talk(server, guest):
        server.connection.sendall(guest.start())
        server.frames(1)
        stream = works(guest, range(10))
        stream += guest.event(BLOB, struct.pack("<Q", 900) +
                              wire.data(bytes(900)))[:20]
        server.connection.sendall(stream + b"booting\r\n" + guest.start())
        check(server.frames(1)[0][1] == 0, "after a reset")
        server.connection.sendall(works(guest, range(10)))

    events, counts = record_socket(directory, talk)
    check(counts["events"] == 20 and counts["starts"] == 2, counts)
    check(counts["lost"] == 0 and counts["bad"] == 1, counts)
    check_work(events, [*range(10), *range(10)])


def test_pause_amid(directory):
    """A guest that only stands still there loses nothing."""
    def talk(server, guest):
        stream = guest.start() + works(guest, range(10))
        server.connection.sendall(stream[:-20])
        wait_for("events", lambda: count_recorded(directory / "trace") == 9)
        time.sleep(1)
        server.connection.sendall(stream[-20:])

    events, counts = record_socket(directory, talk)
    check(counts["events"] == 10 and not counts["bad"], counts)
    check_work(events, range(10))


def test_start_lost(directory):
    """Numbers that go back: the guest has started anew, with all events on, and
    is told which are wanted. There is no silence meanwhile."""
    def talk(server, guest):
        server.connection.sendall(guest.start() + works(guest, range(10)))
        server.frames(1)
        guest.start()  # on which nobody listens
        server.connection.settimeout(0.2)
        for seq in range(100):
            server.connection.sendall(works(guest, [seq]))
            try:
                server.frames(1)
                return
            except TimeoutError:
                pass
        raise AssertionError("no switches")

    events, counts = record_socket(directory, talk)
    check(counts["starts"] == 1 and counts["lost"] == 0, counts)
    check_work(events, [*range(10), *range(counts["events"] - 10)])


def test_switched_again(directory):
    """A start or a switch may be damaged: after some silence the switches are
    sent again, if there is something to switch on."""
    server = Server(directory)
    began = time.monotonic()
    with Running("record", "-o", directory / "trace", "-e", "work", *options(),
                 server.target):
        server.accept()
        first = server.frames(1)
        again = server.frames(1)
        check(time.monotonic() - began > 5, "that was no silence")
        check(wire.switches(again) == wire.switches(first), again)


def test_all_switched(directory):
    """Without -e all are on; more than a frame of switches."""
    events = directory / "events"
    events.write_text("".join(f"event_{i}(void)\n" for i in range(100)))
    server = Server(directory)
    for patterns, most, others in (
            ([], 1, []),
            (["event_?"], 0, range(10)),
            (["*", "-event_?"], 1, range(10))):
        chosen = [word for name in patterns for word in ("-e", name)]
        with Running("record", "-o", directory / f"trace{len(patterns)}",
                     *chosen, *options([events]), server.target) as recording:
            server.accept()
            frames = server.frames(1)
            check(wire.switches(frames) == [(wire.EVERY, most)] +
                  [(i, 1 - most) for i in others], frames)
            recording.end()
        server.connection.close()
    with Running("record", "-o", directory / "many", "-e", "event_1*", "-e",
                 "event_2*", "-e", "event_3*", *options([events]),
                 server.target):
        server.accept()
        frames = server.frames(3)
        check(len(wire.switches(frames)) == 34, frames)
        check([frame[1] for frame in frames] == [0, 1, 2], frames)
        check(all(len(frame[2]) <= 48 for frame in frames), frames)


def test_stall(directory):
    """While nobody reads, the other end waits, and nothing is lost."""
    server = Server(directory)
    guest = wire.Guest(COUNT)
    trace = directory / "trace"
    stream = guest.start() + works(guest, range(50000))
    with Running("record", "-o", trace, *options(),
                 server.target) as recording:
        server.accept()
        server.frames(1)
        server.connection.sendall(stream[:1000])
        recording.process.send_signal(signal.SIGSTOP)
        server.connection.setblocking(False)
        sent = 1000
        try:
            while True:
                sent += server.connection.send(stream[sent:sent + 65536])
        except BlockingIOError:
            pass
        check(sent < len(stream), "the socket takes all of it at once")
        server.connection.setblocking(True)
        writer = threading.Thread(
            target=lambda: server.connection.sendall(stream[sent:]))
        writer.start()
        recording.process.send_signal(signal.SIGCONT)
        writer.join()
        server.connection.close()
        counts = counts_of(recording.wait()[1])
    check(counts["events"] == 50000 and not counts["lost"], counts)
    check_work(events_in(trace), range(50000))


# ---- Damage ----


def damage(stream, randomness, share):
    """Each byte flipped, dropped or doubled with this probability, or garbage
    put before it."""
    out = bytearray()
    for byte in stream:
        if randomness.random() >= share:
            out.append(byte)
            continue
        kind = randomness.randrange(4)
        if kind == 0:
            out.append(byte ^ 1 << randomness.randrange(8))
        elif kind == 1:
            out += bytes([byte, byte])
        elif kind == 2:
            out += randomness.randbytes(randomness.randrange(1, 40))
            out.append(byte)
    return bytes(out)


def test_damage(directory):
    """1 % of the bytes wrong: no event that was not emitted, none twice, none
    out of order; every one that is missing is counted."""
    randomness = random.Random(4)
    guest = wire.Guest(COUNT)
    start = guest.start()
    stream = start + damage(works(guest, range(20000)), randomness, 0.01)
    stream += guest.event(DONE, struct.pack("<I", 20000))
    target = file_of(directory, stream)
    trace = directory / "trace"
    counts = counts_of(run("record", "-o", trace, *options(), target)[1])
    check_trace(trace, counts)
    check(counts["events"] + counts["lost"] == 20001, counts)
    check(8000 < counts["events"] < 16000, counts)
    check(counts["bad"] and counts["skipped"] and not counts["unknown"] and
          not counts["misfits"], counts)
    events = events_in(trace)
    check(events.pop()["event"] == "done", "the last one")
    seqs = [event["args"]["seq"] for event in events]
    check(seqs == sorted(set(seqs)), "twice, or out of order")
    check_work(events, seqs)
    # Printed just the same; what is missing is told.
    out, said = run("print", "--json", *options(), target)
    lost = sum(line["lost"] for line in objects(out) if "lost" in line)
    check(lost == counts["lost"], (lost, counts))
    check(f"{counts['bad']} bad frames" in said, said)


def test_garbage(directory):
    """Nothing but noise, with marks in it, and a frame behind."""
    randomness = random.Random(5)
    for size in 0, 1, 11, 12, 5000, 300000:
        noise = randomness.randbytes(size)
        noise += bytes([wire.MARK]) * min(size, 3000)
        guest = wire.Guest(COUNT)
        # An endless frame begins, and nothing of it follows.
        endless = bytes([wire.MARK]) + struct.pack("<HBI", 1008, 1, 7)
        stream = noise + endless + guest.start() + works(guest, range(3))
        target = file_of(directory, stream)
        trace = directory / f"trace{size}"
        counts = counts_of(run("record", "-o", trace, *options(), target)[1])
        check(counts["events"] == 3 and not counts["lost"], (size, counts))
        check(counts["skipped"] == len(noise) + len(endless), (size, counts))
        check_work(events_in(trace), range(3))


def test_wrong_events(directory):
    """What the files don't fit is told, and counted as lost."""
    guest = wire.Guest(7)
    stream = guest.start()
    stream += guest.event(6)  # unknown
    stream += guest.event(65535)
    stream += guest.event(QUIET, b"more")  # too long
    stream += guest.event(DONE, b"abc")  # too short
    stream += guest.event(WORK, work_fields(1)[:-9])
    stream += guest.event(WORK, work_fields(1) + b"\0")
    stream += guest.event(BLOB, struct.pack("<QH", 3, 300) + b"abc")
    stream += guest.event(WORK, b"\xff" * 40)  # a string that never ends
    stream += works(guest, range(5))
    target = file_of(directory, stream)
    trace = directory / "trace"
    said = run("record", "-o", trace, *options(), target)[1]
    counts = counts_of(said)
    check((counts["events"], counts["lost"], counts["unknown"],
           counts["misfits"]) == (5, 8, 2, 6), said)
    check("the guest has 7 events, the files of --events declare 5" in said,
          said)
    check("event 6 came, and the files of --events declare 5 events" in said,
          said)
    check("an event quiet came with 4 bytes of fields" in said, said)
    check(len(said.splitlines()) == 4, said)
    check_trace(trace, counts)
    check_work(events_in(trace), range(5))


def test_without_start(directory):
    """A stream that was joined late: what is before counts for nobody, and the
    guest's word is told by what fits."""
    for word in 8, 4:
        guest = wire.Guest(COUNT, word=word)
        guest.start()
        works(guest, range(50))
        target = file_of(directory, works(guest, range(50, 60)))
        trace = directory / f"trace{word}"
        counts = counts_of(run("record", "-o", trace, *options(), target)[1])
        check(counts["events"] == 10 and not counts["lost"], counts)
        check_work(events_in(trace), range(50, 60))


def test_unknown_word(directory):
    """Joined late: an event that guests of both words can have sent, with other
    values, is not guessed, until another has told the word."""
    events = directory / "events"
    events.write_text('pair(long n, const char *text) "n %ld text %s"\n'
                      "alone(long n) \"n %ld\"\n")
    form = {4: "<i", 8: "<q"}
    for word in 4, 8:
        guest = wire.Guest(2, word=word)
        guest.start()
        pair = struct.pack(form[word], -5) + wire.string(b"abcdef")
        stream = b"".join(guest.event(0, pair) for _ in range(3))
        stream += guest.event(1, struct.pack(form[word], -6))
        stream += guest.event(0, pair)
        # Its word is told anew by a start.
        other = wire.Guest(2, word=12 - word)
        stream += other.start()
        stream += other.event(0, struct.pack(form[12 - word], -7) +
                              wire.string(b"ghijkl"))
        target = file_of(directory, stream)
        trace = directory / f"trace{word}"
        said = run("record", "-o", trace, *options([events]), target)[1]
        counts = counts_of(said)
        check((counts["events"], counts["lost"], counts["misfits"]) ==
              (3, 3, 3), said)
        check("an event pair came whose fields a guest of 32 bits and one of "
              "64 would mean differently" in said, said)
        check([event["args"] for event in events_in(trace)] == [
            {"n": -6}, {"n": -5, "text": "abcdef"},
            {"n": -7, "text": "ghijkl"}], "values")


# ---- Mistakes ----


def test_mistakes(directory):
    def fails(expected, *arguments, status=1):
        out, said = run(*arguments, status=status)
        check(expected in said and not out, f"{arguments}: {said}")

    trace = directory / "trace"
    gone = f"channel:{directory}/none"
    fails("say --events FILE", "record", "-o", trace, gone)
    fails("say --events FILE", "print", gone)
    fails("no such file", "record", "-o", trace, *options(), gone)
    fails("no such file", "print", *options(), gone)
    fails("neither a file nor", "print", *options(), f"channel:{directory}")
    fails("No such file", "print", "--events", directory / "none", gone)
    fails("are switched by who records it", "enable", gone, "x")
    broken = directory / "broken"
    broken.write_text("work(\n")
    fails(f"{broken}:1: ", "print", "--events", broken, gone)
    server = Server(directory)
    server.listener.close()
    fails("nobody listens", "print", *options(), server.target)
    target = file_of(directory, b"")
    fails("no event matches 'wrok'", "record", "-o", trace, "-e", "wrok",
          *options(), target)
    fails("are for channels", "record", "-o", trace, *options(), "--", "true",
          status=2)
    check(not trace.exists(), "a directory was made")
    counts = counts_of(run("record", "-o", trace, *options(), target)[1])
    check(not any(counts.values()), counts)
    fails("no target is a guest's channel", "print", *options(), trace)


def main():
    tests = [value for name, value in globals().items()
             if name.startswith("test_")]
    failed = 0
    for test in tests:
        with tempfile.TemporaryDirectory(prefix="trackway-") as name:
            os.environ["TRACKWAY_DIR"] = name
            began = time.monotonic()
            try:
                test(pathlib.Path(name))
            except (AssertionError, subprocess.TimeoutExpired,
                    OSError, ValueError) as error:
                print(f"{test.__name__}: {error}", file=sys.stderr)
                failed += 1
            print(f"{time.monotonic() - began:6.2f} {test.__name__}",
                  flush=True)
    return failed > 0


sys.exit(main())
