#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""trackway monitor --listen: its socket, many clients, and hostile ones.

Arguments: trackway, ticker, make-ring (not used).
"""
import json
import os
import resource
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
