#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""trackway monitor --listen: its socket, many clients, and hostile ones.

Arguments: trackway, ticker, make-ring (not used).
"""
import json
import os
import random
import resource
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

trackway, ticker = sys.argv[1:3]
directory = tempfile.mkdtemp()
environment = dict(os.environ, TRACKWAY_DIR=os.path.join(directory, "rings"))
environment.pop("TRACKWAY_EVENTS", None)
environment.pop("TRACKWAY", None)
# It fills what is only reserved, and memory is measured here.
environment.pop("MALLOC_PERTURB_", None)
os.mkdir(environment["TRACKWAY_DIR"], 0o700)
path = os.path.join(directory, "socket")
processes = []


def check(is_so, what):
    if not is_so:
        raise AssertionError(what)


def start(*command, **streams):
    process = subprocess.Popen(command, env=environment, **streams)
    processes.append(process)
    return process


def start_monitor(*options):
    """Returns when it listens."""
    process = start(trackway, "monitor", "--listen", "unix:" + path, *options,
                    "ticker", stderr=subprocess.PIPE)
    line = process.stderr.readline().decode()
    check(line.endswith(": listening\n"), line)
    return process


def end_monitor(process):
    process.send_signal(signal.SIGTERM)
    check(process.wait(60) == 0, "its status")
    check(not os.path.exists(path), "the socket is removed")


class Client:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.rest = b""

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        while b"\n" not in self.rest:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def negotiate(self):
        check("QMP" in json.loads(self.line()), "the greeting")
        check(self.execute("qmp_capabilities") == {}, "negotiation")

    def execute(self, command, **arguments):
        request = {"execute": command, "arguments": arguments, "id": "x"}
        self.send(json.dumps(request).encode())
        answer = json.loads(self.line())
        check(answer["id"] == "x", "the id")
        return answer["return"]

    def close(self):
        self.socket.close()


def test_json():
    monitor = start_monitor("--qmp")
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "the socket's mode")
    clients = [Client() for _ in range(200)]
    for client in clients:
        client.negotiate()
    clients[0].execute("trace-event-set-state", name="tick_start", enable=True)
    for client in clients:
        states = client.execute("trace-event-get-state", name="tick_start")
        check(states == [{"name": "tick_start", "state": "enabled"}], states)
    # Each sees events for itself.
    for client in clients[:3]:
        events = []
        while not events:
            events = client.execute("x-trackway-read-trace", max=1)
        check(events[0]["name"] == "tick_start", events)
    # Half a request, then away; others are as they were.
    for client in clients[1:]:
        client.send(b'{"execute": "trace-ev')
        client.close()
    check(clients[0].execute("x-trackway-query-trace")["enabled"], "enabled")
    clients[0].close()
    end_monitor(monitor)


# ---- Two hundred at once, and few of them well-behaved ----

CROWD = 200
LIMIT = 60  # seconds in which nothing happens
LONG = 100 << 20  # bytes without an end
# Of the monitor, at most. A client takes some 350 KB, 64 KiB of a line and 32
# KiB of answers among them, and there may be more of them than the crowd's for
# a moment, while some have gone and come again. Two long lines that are kept,
# or the answers that the deaf ones do not read, would be more than that.
MEMORY_MAX = 192 << 20


class Member(Client):
    """One of the crowd. What it does is a generator that yields when it has to
    wait: "r" for something to read, "w" for room to write."""

    def __init__(self, is_json, seed, behaviour):
        super().__init__()
        self.is_json = is_json
        self.random = random.Random(seed)
        self.socket.setblocking(False)
        self.awaits = None
        self.name = behaviour.__name__
        self.work = behaviour(self)

    def go_on(self):
        """Until it has to wait; it is over where it awaits None."""
        self.awaits = next(self.work, None)

    def put(self, data):
        view = memoryview(data)
        while view:
            try:
                view = view[self.socket.send(view):]
            except BlockingIOError:
                yield "w"

    def get_line(self):
        while b"\n" not in self.rest:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                yield "r"
                continue
            check(data, f"{self.name} is cut off")
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def greet(self):
        if self.is_json:
            yield from self.get_line()
            yield from self.put(b'{"execute": "qmp_capabilities"}')
            check((yield from self.get_line()) == '{"return": {}}\r',
                  "negotiation")

    def request(self, key):
        """A question, with what will tell its answer from others'."""
        if not self.is_json:
            return b"info trace-events tick_quiet\n"
        return json.dumps({"execute": "trace-event-get-state", "id": key,
                           "arguments": {"name": "tick_quiet"}}).encode()

    def is_answer(self, line, key):
        if not self.is_json:
            return line == "tick_quiet : state 0"
        answer = json.loads(line)
        if answer.get("id") != key:
            return False
        check(answer["return"] == [{"name": "tick_quiet",
                                    "state": "disabled"}], line)
        return True


def talk(member):
    """As one should, in bits of any size; and each answer is the right one."""
    yield from member.greet()
    for key in range(30):
        data = member.request(key)
        cut = member.random.randrange(len(data))
        yield from member.put(data[:cut])
        yield from member.put(data[cut:])
        line = yield from member.get_line()
        check(member.is_answer(line, key), f"the answer: {line}")


def send_half(member):
    """Then nothing more, for ever."""
    yield from member.greet()
    yield from member.put(member.request(0)[:-2])


def be_deaf(member):
    """Questions until there is no more room, and no answer is read."""
    yield from member.greet()
    data = b'{"execute": "query-commands"}' if member.is_json else b"help\n"
    sending = member.put(data * 20000)
    for _ in range(200):
        if next(sending, None) is None:
            break
        yield "n"


def follow_deaf(member):
    """Wants to be told of events, and does not listen."""
    yield from member.greet()
    if member.is_json:
        yield from member.put(b'{"execute": "x-trackway-follow",'
                              b' "arguments": {"enable": true}}')


def send_garbage(member):
    """Of which the monitor makes what it likes, and then goes on."""
    yield from member.greet()
    for _ in range(20):
        sending = member.put(member.random.randbytes(2000))
        # It answers, and has to be listened to.
        while next(sending, None):
            try:
                member.socket.recv(1 << 20)
            except BlockingIOError:
                yield "w"
    # No JSON has such a byte: whatever was begun ends there.
    yield from member.put(b"\xff\n" + member.request("sane"))
    while True:
        line = yield from member.get_line()
        try:
            if member.is_answer(line, "sane"):
                return
        except ValueError:
            pass  # the end of a line whose beginning was thrown away


def go_away(member):
    """In the midst of an answer, and come again."""
    for key in range(20):
        yield from member.greet()
        yield from member.put(member.request(key) * 3)
        member.close()
        Client.__init__(member)
        member.socket.setblocking(False)
    yield from member.greet()


def send_long(member):
    """A line that takes no end; and the one behind it is done."""
    yield from member.greet()
    if member.is_json:
        yield from member.put(b'{"execute": "')
    block = b"x" * (1 << 20)
    for _ in range(LONG // len(block)):
        yield from member.put(block)
    yield from member.put(b"\n" + member.request("after"))
    line = yield from member.get_line()
    check("too long" in line or "JSON" in line, f"a long line: {line}")
    line = yield from member.get_line()
    check(member.is_answer(line, "after"), f"the line after it: {line}")


def run_crowd(members, monitor):
    """Until nobody has anything to do. Returns the most memory it was seen to
    take meanwhile."""
    poll = select.epoll()
    by_fd = {}
    peak = 0

    def go_on(member):
        member.go_on()
        fd = member.socket.fileno()
        wanted = {"r": select.EPOLLIN, "w": select.EPOLLOUT}.get(
            member.awaits, 0)
        by_fd[fd] = member
        try:
            poll.modify(fd, wanted)
        except FileNotFoundError:  # new, or came again
            poll.register(fd, wanted)

    for member in members:
        go_on(member)
    moved = time.monotonic()
    while any(member.awaits for member in members):
        # Those that are deaf only look again now and then.
        for member in members:
            if member.awaits == "n":
                go_on(member)
        ready = [by_fd[fd] for fd, _ in poll.poll(0.05)]
        for member in ready:
            if member.awaits in ("r", "w"):
                go_on(member)
                moved = time.monotonic()
        check(time.monotonic() < moved + LIMIT, "nothing more comes for " +
              str([m.name for m in members if m.awaits]))
        peak = max(peak, memory_of(monitor))
    return peak


def ask(*arguments):
    return subprocess.run([trackway, *arguments], env=environment, check=True,
                          stdout=subprocess.PIPE).stdout


def states_of(pid):
    return {event["name"]: event["state"]
            for event in json.loads(ask("events", "--json", str(pid)))}


def counts_of(pid):
    """What the program has emitted of tick_start so far, and what was lost."""
    lines = ask("print", "--json", "-e", "tick_start", str(pid)).splitlines()
    events = [json.loads(line) for line in lines]
    return ([event["args"]["n"] for event in events if "event" in event],
            [event for event in events if "event" not in event])


def memory_of(process):
    """Its own, and not the program's ring, which is mapped for each client and
    would count as often."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        size = [line for line in status if line.startswith("RssAnon")][0]
    return int(size.split()[1]) << 10


def is_sanitized(process):
    """Sanitizers keep what was freed for a while, and shadows of it."""
    with open(f"/proc/{process.pid}/maps", encoding="ascii") as maps:
        text = maps.read()
    return "asan" in text or "tsan" in text


def test_crowd(pid, *options):
    """All that may come to a socket, at once. Those that speak as they should
    are answered, and the program goes on as if nobody had been there."""
    is_json = "--qmp" in options
    monitor = start_monitor(*options)
    states = states_of(pid)
    check(states["tick_start"] == "on", "there is nothing to be disturbed")
    kinds = ([talk] * 8 + [send_half, be_deaf, follow_deaf] * 3 +
             [send_garbage] * 3 + [go_away] * 3)
    chosen = [kinds[i % len(kinds)] for i in range(CROWD - 2)] + [send_long] * 2
    members = [Member(is_json, f"{options} {i}", each)
               for i, each in enumerate(chosen)]
    check(len({member.socket.fileno() for member in members}) == CROWD,
          "they are not all there at once")
    peak = run_crowd(members, monitor)
    # Who came last is served as well.
    last = Member(is_json, 0, talk)
    run_crowd([last], monitor)
    if not is_sanitized(monitor):
        check(peak < MEMORY_MAX, f"it took {peak >> 20} MiB")
    print(f"{options}: {peak >> 20} MiB at most")
    for member in [*members, last]:
        member.close()
    check(states_of(pid) == states, "events were switched")
    numbers, losses = counts_of(pid)
    check(numbers == list(range(numbers[0], numbers[0] + len(numbers))),
          "events are missing")
    check(not losses, f"events were lost: {losses}")
    end_monitor(monitor)


def test_follow():
    """Events come by themselves, until they are not wanted any more; and so do
    those of standard input's client."""
    monitor = start_monitor("--qmp")
    client = Client()
    client.negotiate()
    check(client.execute("x-trackway-follow", enable=True,
                         name="tick_start") == {}, "to follow")
    events = [json.loads(client.line()) for _ in range(10)]
    check({event["event"] for event in events} == {"X_TRACKWAY_TRACE"}, events)
    numbers = [int(event["data"]["message"].split()[0].removeprefix("n="))
               for event in events]
    check(numbers == list(range(numbers[0], numbers[0] + 10)), numbers)
    client.send(b'{"execute": "x-trackway-follow", "id": "x",'
                b' "arguments": {"enable": false}}')
    while "return" not in (answer := json.loads(client.line())):
        check("event" in answer, answer)
    # The program goes on, and so would they.
    before = client.execute("x-trackway-read-trace")
    while len(before) < 20:
        before += client.execute("x-trackway-read-trace")
    client.close()
    end_monitor(monitor)
    script = start(trackway, "monitor", "--qmp", "ticker",
                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    script.stdin.write(b'{"execute": "qmp_capabilities"}'
                       b'{"execute": "x-trackway-follow",'
                       b' "arguments": {"enable": true}}')
    script.stdin.flush()
    for _ in range(3):
        script.stdout.readline()
    check(json.loads(script.stdout.readline())["event"] == "X_TRACKWAY_TRACE",
          "nothing comes by itself")
    script.stdin.close()
    check(script.stdout.read() is not None and script.wait(60) == 0, "its end")


def test_deaf():
    """Clients that send and never read, or send without an end."""
    monitor = start_monitor()
    deaf = [Client() for _ in range(5)]
    for client in deaf:
        client.socket.settimeout(0.2)
        try:
            while True:
                client.send(b"help\n" * 1000)
        except TimeoutError:
            pass
    long = Client()
    for _ in range(100):
        long.send(b"x" * (1 << 20))
    with open(f"/proc/{monitor.pid}/status", encoding="ascii") as status:
        size = [line for line in status if line.startswith("VmRSS")][0]
    # AddressSanitizer keeps what was freed for a while.
    check(int(size.split()[1]) < 512 << 10, size)
    long.send(b"\ninfo trace-events tick_start\n")
    check(long.line() == "line too long", "a long line")
    check(long.line().startswith("tick_start : state"), "and the next one")
    # Its end is taken for the end of a line, and answered.
    last = Client()
    last.send(b"info trace-events tick_quiet")
    last.socket.shutdown(socket.SHUT_WR)
    check(last.line() == "tick_quiet : state 0", "a half-closed connection")
    check(last.line() is None, "is closed then")
    last = Client()
    last.send(b"quit\nhelp\n")
    check(last.line() is None, "quit")
    end_monitor(monitor)


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_no_descriptors():
    """More callers than it may have descriptors: they wait their turn, and it
    doesn't spin for them."""
    monitor = start_monitor()
    resource.prlimit(monitor.pid, resource.RLIMIT_NOFILE, (24, 24))
    clients = [Client() for _ in range(40)]
    clients[0].send(b"info trace-events tick_quiet\n")
    check(clients[0].line() == "tick_quiet : state 0", "the first one")
    before = cpu_seconds(monitor)
    time.sleep(1)
    check(cpu_seconds(monitor) - before < 0.5, "it spins")
    last = clients.pop()
    last.send(b"info trace-events tick_quiet\n")
    for client in clients:
        client.close()
    check(last.line() == "tick_quiet : state 0", "the last one's turn")
    end_monitor(monitor)


def test_place():
    """What may be there already."""
    monitor = start_monitor()
    second = start(trackway, "monitor", "--listen", "unix:" + path, "ticker",
                   stderr=subprocess.PIPE)
    check(second.wait(60) == 1, "a socket that is served")
    check(b"in use" in second.stderr.read(), "and why")
    client = Client()
    monitor.kill()
    monitor.wait()
    check(client.line() is None, "the monitor is gone")
    check(os.path.exists(path), "its socket is left")
    end_monitor(start_monitor())
    with open(path, "w", encoding="ascii"):
        pass
    second = start(trackway, "monitor", "--listen", "unix:" + path, "ticker",
                   stderr=subprocess.PIPE)
    check(second.wait(60) == 1, "a file")
    check(os.path.exists(path), "stays")
    os.unlink(path)


def test_stranger():
    """Somebody else, even where the socket's mode would let him in."""
    if os.geteuid() != 0:
        return
    monitor = start_monitor()
    os.chmod(directory, 0o711)
    os.chmod(path, 0o666)
    child = os.fork()
    if child == 0:
        status = 2
        try:
            os.setuid(65534)
            client = Client()
            client.send(b"help\n")
            status = client.line() is not None
        except BrokenPipeError:
            status = 0
        finally:
            os._exit(status)
    check(os.waitpid(child, 0)[1] == 0, "he is let in")
    end_monitor(monitor)


def main():
    ready = start(ticker, stdout=subprocess.PIPE)
    check(ready.stdout.readline() == b"ready\n", "ticker")
    test_json()
    # From here on without a gap.
    ask("enable", str(ready.pid), "tick_start")
    test_crowd(ready.pid)
    test_crowd(ready.pid, "--qmp")
    test_follow()
    test_deaf()
    test_no_descriptors()
    test_place()
    test_stranger()
    check(ready.poll() is None, "the program goes on")


try:
    main()
finally:
    for each in processes:
        if each.poll() is None:
            each.kill()
            each.wait()
    shutil.rmtree(directory)
