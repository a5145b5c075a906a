#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples/monitored: its -trace option, and its monitors, text and JSON.

Arguments: monitored, trackway, monitored's trace-events.
"""
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

monitored, trackway, declared = map(os.path.abspath, sys.argv[1:4])
directory = tempfile.mkdtemp()
os.chdir(directory)
environment = {name: value for name, value in os.environ.items()
               if not name.startswith("TRACKWAY")}
environment["TRACKWAY_DIR"] = os.path.join(directory, "rings")
processes = []

EVENTS = ["client_came", "client_went", "store_answer", "store_command",
          "store_full", "store_new"]


def check(is_so, what):
    if not is_so:
        raise AssertionError(what)


def wait_for(is_so, what):
    end = time.monotonic() + 100
    while not is_so():
        check(time.monotonic() < end, what)
        time.sleep(0.01)


def run(*arguments, **variables):
    """Its status, and what it says on standard output and error."""
    done = subprocess.run([monitored, *arguments], capture_output=True,
                          env=dict(environment, **variables), timeout=100,
                          text=True)
    return done.returncode, done.stdout, done.stderr


class Server:
    def __init__(self, *options):
        self.process = subprocess.Popen(
            [monitored, "-monitor", "unix:text", "-qmp", "unix:json",
             *options, "store"], env=environment, stderr=subprocess.PIPE)
        processes.append(self.process)
        # The last door that it opens.
        wait_for(lambda: os.path.exists("store") or
                 self.process.poll() is not None, "it listens")
        check(self.process.poll() is None, "it runs")

    def has_threads(self, count):
        """But for one that the thread sanitizer may have."""
        of_process = f"/proc/{self.process.pid}/"
        with open(of_process + "maps", encoding="utf-8") as maps:
            is_sanitized = "libtsan" in maps.read()
        return is_sanitized or len(os.listdir(of_process + "task")) == count

    def end(self):
        """What it has said."""
        self.process.send_signal(signal.SIGTERM)
        said = self.process.communicate(timeout=100)[1].decode()
        check(self.process.returncode == 0, self.process.returncode)
        for path in ["text", "json", "store"]:
            check(not os.path.exists(path), path + " is removed")
        check(os.listdir("rings") == [], "its ring is removed")
        return said


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(100)
        # It binds before it listens.
        wait_for(lambda: self.socket.connect_ex(path) == 0, path)
        self.rest = b""

    def send(self, text):
        self.socket.sendall(text.encode())

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
        return line.decode().rstrip("\r")

    def ask(self, line):
        self.send(line + "\n")
        return self.line()

    def execute(self, command, **arguments):
        """Its answer; events that come before it are dropped."""
        self.send(json.dumps({"execute": command, "arguments": arguments}))
        answer = {}
        while "return" not in answer and "error" not in answer:
            answer = json.loads(self.line())
        return answer.get("return", answer.get("error"))

    def close(self):
        self.socket.close()


def json_client():
    client = Client("json")
    check("QMP" in json.loads(client.line()), "the greeting")
    check(client.execute("qmp_capabilities") == {}, "negotiation")
    return client


def events_of(target, *options):
    """The store_command events of a recording, as our own command prints."""
    done = subprocess.run(
        [trackway, "print", "-e", "store_command", *options, target],
        capture_output=True, env=environment, timeout=100, text=True)
    check(done.returncode == 0, done.stderr)
    return done.stdout.splitlines()


def events_of_file(path):
    """A simpletrace file, which has to have them declared."""
    return events_of("simpletrace:" + path, "--events", declared)


# ---- The command line ----


def test_options():
    listing = "".join(name + "\n" for name in EVENTS)
    check(run("-trace", "help") == (0, listing, ""), "help")
    check(run("-trace", "store_*", "-trace", "?", "store") ==
          (0, listing, ""), "help after others")
    check(run() == (1, "", "monitored: usage: monitored [OPTION...] SOCKET\n"),
          "usage")
    check(run("-trace", "x=y", "store") ==
          (1, "", "monitored: Invalid parameter 'x'\n"), "a wrong key")
    check(run("-trace", "events=nowhere", "store") ==
          (1, "", "monitored: nowhere: No such file or directory\n"),
          "a missing file")
    check(run("-trace", "file=/nowhere/at/all", "store")[0] == 1,
          "a file that can't be")
    check(run("-monitor", "text", "store") ==
          (1, "", "monitored: text: not unix:PATH\n"), "an address")
    status, _, said = run("-monitor", "unix:text", "store", TRACKWAY="off")
    check(status == 1 and "TRACKWAY=off" in said, said)
    # No name is one that has no file, and is open to everybody.
    for arguments in ["-monitor", "unix:", "store"], [""]:
        check(run(*arguments) ==
              (1, "", "monitored: : No such file or directory\n"), arguments)
    with open("/dev/full", "wb") as full:
        check(subprocess.call([monitored, "-trace", "help"], stdout=full,
                              env=environment, timeout=100) == 1,
              "help that can't be written")
    check(os.listdir(".") == [] or os.listdir(".") == ["rings"],
          os.listdir("."))


def test_events_are_chosen():
    with open("patterns", "w", encoding="ascii") as file:
        file.write("# the store's, but for what it says\r\n\r\n"
                   "store_*\r\n-store_answer")
    server = Server("-trace", "events=patterns", "-trace", "nosuch",
                    "-trace", "-store_new")
    monitor = Client("text")
    monitor.send("info trace-events\n")
    check([monitor.line() for _ in EVENTS] == [
        "client_came : state 0", "client_went : state 0",
        "store_command : state 1", "store_answer : state 0",
        "store_new : state 0", "store_full : state 1"], "states")
    check(server.end() ==
          "monitored: warning: trace event 'nosuch' does not exist\n",
          "a warning")


# ---- The server, with nobody at its monitors ----


def test_store():
    server = Server()
    for path in ["store", "text", "json"]:
        check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, path)
    client = Client("store")
    check(client.ask("set a b c") == "ok", "set")
    check(client.ask("get a") == "b c", "get")
    check(client.ask("get b") == "none", "get nothing")
    check(client.ask("") == "set KEY VALUE, or get KEY", "an empty line")
    # In pieces, and many at once.
    client.send("ge")
    client.send("t a\nset")
    check(client.line() == "b c", "pieces")
    client.send(" x 0\n" + "".join(f"set x {i}\nget x\n" for i in range(500)))
    check([client.line() for _ in range(1001)] == ["ok"] + [
        answer for i in range(500) for answer in ("ok", str(i))], "many")
    # Its last words are heard.
    client.send("get a\nget")
    client.socket.shutdown(socket.SHUT_WR)
    check(client.line() == "b c" and client.line() is None, "the end")
    client = Client("store")
    client.send("x" * 1000)
    check(client.line() is None, "a line too long")
    check(server.has_threads(1), "no thread of ours")
    check(server.end() == "", "silence")


def test_full_house():
    """More than have room come in once others have left."""
    server = Server()
    clients = [Client("store") for _ in range(100)]
    for client in clients[:64]:
        check(client.ask("get a") == "none", "one inside")
    for client in clients[:64]:
        client.close()
    for client in clients[64:]:
        check(client.ask("get a") == "none", "one that waited")
    server.end()


def test_left_behind():
    """A socket that nobody listens at gives way, and nothing else does."""
    server = Server()
    server.process.kill()
    server.process.wait()
    # Its doors are there from the start; the store is the last to open.
    server.process = subprocess.Popen(
        [monitored, "-monitor", "unix:text", "-qmp", "unix:json", "store"],
        env=environment, stderr=subprocess.PIPE)
    processes.append(server.process)
    check(Client("store").ask("get a") == "none", "it listens again")
    check(run("store") == (1, "", "monitored: store: Address already in use\n"),
          "one that is in use")
    check(Client("store").ask("get a") == "none", "it listens still")
    for ring in os.listdir("rings"):
        if f".{server.process.pid}." not in ring:
            os.remove(os.path.join("rings", ring))
    server.end()
    with open("store", "w", encoding="ascii") as file:
        file.write("a file")
    check(run("store") == (1, "", "monitored: store: Address already in use\n"),
          "a file")
    with open("store", encoding="ascii") as file:
        check(file.read() == "a file", "it is what it was")
    os.remove("store")


# ---- The monitors ----


def test_text():
    server = Server()
    store, monitor = Client("store"), Client("text")
    check(monitor.ask("trace-event store_new on\ninfo trace-events store_new")
          == "store_new : state 1", "on")
    store.ask("set a b")
    store.ask("set a c")
    store.ask("set b c")
    monitor.send("info trace\n")
    check(monitor.line().endswith(":store_new key a, place 0"), "an event")
    check(monitor.line().endswith(":store_new key b, place 1"), "another")
    check(monitor.ask("trace-event nosuch on") == 'unknown event "nosuch"',
          "an error")
    server.end()


def test_json():
    server = Server()
    store, monitor = Client("store"), json_client()
    check(monitor.execute("trace-event-set-state", name="store_*",
                          enable=True) == {}, "on")
    states = monitor.execute("trace-event-get-state", name="*")
    check({state["name"]: state["state"] for state in states} == {
        name: "enabled" if name.startswith("store") else "disabled"
        for name in EVENTS}, states)
    # One that follows is told, and not asked.
    check(monitor.execute("x-trackway-follow", enable=True,
                          name="store_new") == {}, "follow")
    for key in ["a", "b"]:
        check(store.ask(f"set {key} 1") == "ok", "set")
        event = json.loads(monitor.line())
        check(event["event"] == "X_TRACKWAY_TRACE", event)
        check(event["data"]["name"] == "store_new", event)
        check(event["data"]["message"].startswith(f"key {key},"), event)
    check(monitor.execute("x-trackway-follow", enable=False) == {}, "no more")
    server.end()


def test_who_never_reads():
    """Stops itself and nobody else."""
    server = Server("-trace", "*")
    monitors = [Client("text"), json_client()]
    store = Client("store")
    for client, request in zip(
            monitors + [store],
            ["help\n", '{"execute": "query-commands"}', "get a\n"]):
        client.socket.setblocking(False)
        try:
            while True:
                client.send(request * 100)
        except BlockingIOError:
            pass
    check(Client("store").ask("get a") == "none", "the store")
    check(Client("text").ask("info trace-events store_new") ==
          "store_new : state 1", "the monitor")
    server.end()


# ---- Recordings ----


def test_file():
    server = Server("-trace", "store_command,file=first")
    store, monitor = Client("store"), Client("text")
    check(monitor.ask("trace-file") == 'Trace file "first" on.', "on")
    check(server.has_threads(2), "a thread records")
    for i in range(1000):
        store.ask(f"get {i}")
    check(monitor.ask("trace-file flush\ntrace-file") ==
          'Trace file "first" on.', "flushed")
    check(len(events_of_file("first")) == 1000, "all that was written before")
    # From one file to the next with nothing lost.
    for i in range(1000, 1500):
        store.ask(f"get {i}")
    check(monitor.ask("trace-file set second\ntrace-file") ==
          'Trace file "second" on.', "set")
    for i in range(1500, 2000):
        store.ask(f"get {i}")
    check(monitor.ask("trace-file off\ntrace-file") ==
          'Trace file "second" off.', "off")
    wait_for(lambda: server.has_threads(1), "no thread any more")
    events = events_of_file("first") + events_of_file("second")
    check([event.split()[-1] for event in events] ==
          [str(i) for i in range(2000)], f"{len(events)} events")
    check(server.end() == "", "silence")


def test_directory():
    """A recording that is on at the end is whole."""
    server = Server("-trace", "store_command", "-trace", "file=trace/")
    store = Client("store")
    for i in range(100):
        store.ask(f"get {i}")
    server.end()
    check(len(events_of("./trace")) == 100, "all of them")


tests = [test_options, test_events_are_chosen, test_store, test_full_house,
         test_left_behind, test_text, test_json, test_who_never_reads,
         test_file, test_directory]
try:
    for test in tests:
        print(test.__name__, flush=True)
        test()
finally:
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()
    os.chdir("/")
    shutil.rmtree(directory, ignore_errors=True)
