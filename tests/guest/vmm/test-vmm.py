#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The example VMM with its firmware: the guest's events come out of all of the
VMM's backends, among its own, and a guest that lies harms nobody.

usage: test-vmm.py CASE CPU VMM VMM-LOG TRACKWAY IMAGE...

CASE is log, ring, wire, usdt, switch, stream or liar; CPU kvm or unicorn. The
images are told by their names. On KVM the cases are smaller: it may be an
emulation itself, at many microseconds an exit.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # not into the source tree
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import lib  # noqa: E402
from lib import check, wait_for  # noqa: E402

COMMANDS = {"unicorn": 100000, "kvm": 2000}
IDS = {"esp_start": 0, "esp_do_command": 2, "esp_inquiry": 3,
       "esp_transfer": 4, "esp_idle": 5}
ASKED = "vmm_exit ASKED"


def expected(commands):
    """What demo.c emits, as (event, message)."""
    yield "esp_start", f"esp, on no bus, {commands} commands"
    for i in range(commands):
        command = (0, 0x12, 0x25, 0x28)[i % 4]
        status = 0xffffffff if i % 7 == 5 else 0
        yield ("esp_do_command",
               f"id {i}, cmd[0] {command:#x}, status {status:#x}")
        if command == 0x12 and i % 25 == 0:
            yield ("esp_inquiry", f"id {i}, vendor TRACKWAY, "
                   f"product no disk at all, removable {i % 2}")
        if command == 0x28 and i % 25 == 0:
            yield ("esp_transfer",
                   f"id {i} lun 3 block {0x123456789abcdef0 + i} count 8 "
                   f"size 512 residue {-i} buffer {0x1000000 + i:#x} "
                   f"write 1 retries -1 ticks {i * i}")


def check_lines(lines, wanted, what):
    """Two sequences are the same; what is the first that isn't."""
    count = 0
    lines = iter(lines)
    for want in wanted:
        line = next(lines, None)
        check(line == want,
              f"{what}, line {count}: {line!r}, not {want!r}")
        count += 1
    extra = next(lines, None)
    check(extra is None, f"{what}: behind the last of {count}, {extra!r}")
    return count


def check_guest_lines(lines, commands, what):
    """All of the firmware's events, as "NAME MESSAGE"."""
    return check_lines(lines, (f"{name} {message}" for name, message
                               in expected(commands)), what)


class Bench:
    """What a case works with: programs, images, an empty directory."""

    def __init__(self, cpu, programs, directory):
        self.cpu = cpu
        self.vmm, self.vmm_log, trackway = programs[:3]
        self.images = {pathlib.Path(path).stem: path for path in programs[3:]}
        self.trackway = lib.Trackway(trackway)
        self.directory = directory
        self.commands = COMMANDS[cpu]
        os.environ["TRACKWAY_DIR"] = str(directory / "rings")
        os.environ["TRACKWAY_KEEP"] = "1"
        os.environ["TRACKWAY_RING_SIZE"] = "64M"
        os.environ.pop("TRACKWAY", None)
        os.environ.pop("TRACKWAY_LOG", None)

    def command(self, image, argument, program=None):
        return [program or self.vmm, f"--cpu={self.cpu}", self.images[image],
                str(argument)]

    def start(self, image, argument, events="", program=None):
        return subprocess.Popen(
            self.command(image, argument, program),
            env=os.environ | {"TRACKWAY_EVENTS": events},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def run(self, image, argument, events="", status=0, program=None):
        """Standard output, standard error's lines, the ring's file."""
        process = self.start(image, argument, events, program)
        out, err = process.communicate(timeout=lib.LIMIT * 3)
        lines = err.decode(errors="surrogateescape").splitlines()
        check(process.returncode == status,
              f"the VMM's status is {process.returncode}: {lines[-5:]}")
        return out, lines, self.ring(process)

    def ring(self, process):
        rings = list((self.directory / "rings").glob(f"*.{process.pid}.ring"))
        check(len(rings) == 1, f"the VMM's rings: {rings}")
        return rings[0]

    def printed(self, ring):
        """The ring's events in their order, as "NAME MESSAGE"."""
        path = self.directory / "printed"
        with path.open("w") as out:
            subprocess.run([self.trackway.program, "print", ring], stdout=out,
                           check=True)
        with path.open(errors="surrogateescape") as lines:
            for line in lines:
                yield line.rstrip("\n").split(" ", 2)[2].rstrip(" ")


def test_log(bench):
    """Every event is a line on stderr, and nothing else is but the counts."""
    out, err, _ = bench.run("demo", bench.commands, "esp_*",
                            program=bench.vmm_log)
    check(out == b"done\n", f"the console: {out!r}")
    check("esp_do_command id 1, cmd[0] 0x12, status 0x0" in err,
          "not the line of the log backend")
    count = check_guest_lines(err[:-1], bench.commands, "log")
    check(err[-1] == f"vmm: fw_cfg: {count} events", err[-1])


def pairs(lines, before):
    """Each guest's event has the VMM's own one just before it, which says as
    much; the events without those."""
    own = None
    for line in lines:
        name = line.partition(" ")[0]
        if name == before:
            check(own is None, f"twice: {own}, {line}")
            own = line
        elif name in IDS:
            arguments = 10 if name == "esp_transfer" else 6
            check(own == f"{before} id {IDS[name]} arguments {arguments}"
                  " bytes 0", f"before {line}: {own}")
            own = None
            yield line
        else:
            yield line


def test_ring(bench):
    """The guest's events and the VMM's, in one ring, in order."""
    _, err, ring = bench.run("demo", bench.commands, "*,-vmm_io_*,-vmm_fw*")
    lines = list(pairs(bench.printed(ring), "vmm_guest_event"))
    check(lines[0] == f"vmm_boot {bench.cpu} CPU, boot 1 at 0x100000",
          lines[0])
    check(lines[-2:] == [ASKED, "vmm_end status 0"], lines[-2:])
    count = check_guest_lines(lines[1:-2], bench.commands, "print")
    check(err == [f"vmm: fw_cfg: {count} events"], err)
    stat = bench.trackway.json("stat", ring)["producers"][0]
    check(stat["lost"] == 0, f"lost: {stat}")


def messages(lines):
    """The words that the guest wrote to the channel before each event, as
    the VMM's events of its ports tell; and the event."""
    data = bytearray()
    for line in lines:
        words = line.split()
        if words[0] == "vmm_io_out" and words[2] == "0x511":
            check(words[4] == "1", line)
            data.append(int(words[6], 16))
        elif words[0] == "vmm_io_out" and words[2] == "0x510":
            check(words[3:] == ["size", "2", "value", "0x4000"], line)
        elif words[0] in IDS:
            yield [int.from_bytes(data[i:i + 8], "little")
                   for i in range(0, len(data), 8)], line
            data.clear()
    check(not data, f"{len(data)} bytes without an event")


def test_wire(bench):
    """What the VMM's own events say of the ports is seed 2's form, and what
    the guest's events came from."""
    commands = 300
    _, _, ring = bench.run("demo", commands, "*")
    seen = []
    for words, line in messages(bench.printed(ring)):
        name = line.partition(" ")[0]
        if name == "esp_transfer":
            number = int(line.split()[2])
            check(words[:7] == [IDS[name] | 1 << 63, 0x1000000 + number, 1,
                                2 ** 64 - 1, number * number, 0, 0],
                  f"{line}: {words}")
            words = words[7:]
        check(len(words) == 7 and words[0] == IDS[name], f"{line}: {words}")
        if name == "esp_do_command":
            number, command, status = words[1:4]
            signed = status - (status >> 63 << 64)
            check(f"id {number}, cmd[0] {command:#x}, status "
                  f"{signed % 2 ** 32:#x}" in line and words[4:] == [0] * 3,
                  f"{line}: {words}")
        seen.append(line)
    check_guest_lines(seen, commands, "print")


GDB = """
import gdb

out = open({path!r}, "w")

class Probe(gdb.Breakpoint):
    def __init__(self, event, strings):
        super().__init__("-probe-stap vmm:" + event)
        self.event = event
        self.strings = strings
        self.count = None

    def stop(self):
        # Once: it is a good part of what a stop takes.
        if self.count is None:
            self.count = int(gdb.parse_and_eval("$_probe_argc"))
        values = [gdb.parse_and_eval("$_probe_arg%d" % i)
                  for i in range(self.count)]
        out.write(repr([self.event] + [
            value.cast(text).string() if i in self.strings else int(value)
            for i, value in enumerate(values)]) + "\\n")
        return False

gdb.execute("set debuginfod enabled off")
gdb.execute("set confirm off")
text = gdb.lookup_type("char").pointer()
Probe("esp_do_command", ())
Probe("esp_inquiry", (1, 2))
Probe("esp_transfer", ())
gdb.execute("run")
out.close()
"""


def probed(commands):
    """What gdb sees of demo.c's events: values, by the arguments' types."""
    for i in range(commands):
        command = (0, 0x12, 0x25, 0x28)[i % 4]
        yield ["esp_do_command", i, command, -1 if i % 7 == 5 else 0]
        if command == 0x12 and i % 25 == 0:
            yield ["esp_inquiry", i, "TRACKWAY", "no disk at all", i % 2]
        if command == 0x28 and i % 25 == 0:
            yield ["esp_transfer", i, 3, 0x123456789abcdef0 + i, 8, 512, -i,
                   0x1000000 + i, 1, -1, i * i]


def test_usdt(bench):
    """gdb sees the guest's events at the VMM's probes. That it looks is what
    switches them on: in the guest, by the way back."""
    lib.need("gdb", "readelf")
    if "Name: esp_do_command" not in lib.run("readelf", "-nW", bench.vmm):
        raise lib.Skip("the VMM has no probes: no sys/sdt.h")
    seen = bench.directory / "seen"
    script = bench.directory / "script.py"
    script.write_text(GDB.format(path=str(seen)))
    done = subprocess.run(
        ["gdb", "-nx", "-batch", "-x", script, "--args",
         *bench.command("demo", bench.commands)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        errors="replace", timeout=lib.LIMIT * 8, check=False)
    said = done.stdout + done.stderr
    if "Python scripting is not supported" in said:
        raise lib.Skip("gdb without Python")
    if "ptrace: Operation not permitted" in said or \
            "Could not trace" in said:
        raise lib.Skip("ptrace is not permitted here")
    check("exited normally" in said, said[-2000:])
    with seen.open() as lines:
        count = check_lines((line.rstrip("\n") for line in lines),
                            map(repr, probed(bench.commands)), "probes")
    # Nobody looked at esp_start.
    check(f"vmm: fw_cfg: {count} events" in said, said[-2000:])


def sent(bench, ring):
    """Ids of what has come from the guest, on in the VMM or not."""
    return [event["args"]["id"]
            for event in bench.trackway.events(ring, "vmm_guest_event")]


def values(bench, ring, name, key):
    return [event["args"][key] for event in bench.trackway.events(ring, name)]


def more(bench, ring, name, count):
    """Wait until the VMM has emitted that many more of an event."""
    before = len(bench.trackway.events(ring, name))
    wait_for(f"more of {name}", lambda: len(
        bench.trackway.events(ring, name)) >= before + count)


def whole(trackway, ring):
    """The ring's events, by name; None: it is still being made."""
    try:
        return trackway.states(ring)
    except lib.Failure:
        return None


def follow_switches(bench, process):
    trackway = bench.trackway
    ring = wait_for("the ring", lambda: next(
        (bench.directory / "rings").glob(f"*.{process.pid}.ring"), None))
    states = wait_for("the ring to be whole", lambda: whole(trackway, ring))
    check(set(IDS) < set(states) and
          {states[name] for name in IDS} == {"off"}, f"states: {states}")
    check(states["esp_register"] not in ("on", "off"),
          f"compiled out: {states}")

    # Off: the guest asks, and sends nothing.
    trackway.run("enable", ring, "vmm_guest_event", "vmm_fw_cfg_select")
    more(bench, ring, "vmm_fw_cfg_select", 10)
    check(sent(bench, ring) == [], "the guest sends what is off")

    trackway.run("enable", ring, "esp_idle")
    more(bench, ring, "esp_idle", 2)
    check(set(sent(bench, ring)) == {IDS["esp_idle"]},
          "the guest sends what is off")

    trackway.run("enable", ring, "esp_*")
    more(bench, ring, "esp_do_command", 3)

    # As Ctrl-Z and fg do.
    process.send_signal(signal.SIGSTOP)
    stat = pathlib.Path(f"/proc/{process.pid}/stat")
    wait_for("the VMM to stop", lambda:
             stat.read_text().rpartition(")")[2].split()[0] == "T")
    process.send_signal(signal.SIGCONT)
    more(bench, ring, "esp_do_command", 3)

    # Once it has been told, no more of them.
    trackway.run("disable", ring, "esp_do_command")
    more(bench, ring, "esp_idle", 3)
    before = sent(bench, ring).count(IDS["esp_do_command"])
    more(bench, ring, "esp_idle", 5)
    check(sent(bench, ring).count(IDS["esp_do_command"]) == before,
          "the guest goes on sending what is off")
    numbers = values(bench, ring, "esp_do_command", "id")
    check(len(numbers) >= 3 and numbers == list(
        range(numbers[0], numbers[0] + len(numbers))),
        f"numbers: {numbers}")


def test_switch(bench):
    """trackway enable, on the VMM, reaches the guest."""
    process = bench.start("demo", 0)
    try:
        follow_switches(bench, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=lib.LIMIT)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    check(process.returncode == 0, f"status {process.returncode}: {err}")
    lines = err.decode().splitlines()
    check(lines[0] == "vmm: interrupted" and
          lines[1].startswith("vmm: fw_cfg: "), lines)


def test_stream(bench):
    """In frames over the console, between its text."""
    out, err, ring = bench.run("demo-stream", bench.commands,
                               "esp_*,vmm_guest_start")
    check(out == b"done\n", f"the console: {out!r}")
    lines = list(bench.printed(ring))
    check(lines[0] == "vmm_guest_start demo, 6 events", lines[0])
    count = check_guest_lines(lines[1:], bench.commands, "print")
    check(err == ["vmm: fw_cfg: 0 events",
                  f"vmm: console: {count} events"], err)
    # With no way back the guest sends all, and the VMM drops what is off.
    out, again, ring = bench.run("demo-stream", 1000, "esp_inquiry")
    lines = list(bench.printed(ring))
    check(len(lines) == 10 and
          {line.partition(" ")[0] for line in lines} == {"esp_inquiry"},
          lines)
    check(again[1] == "vmm: console: 1021 events", again)


# What liar.c has for each lie, in its order.
LIES = [
    ("esp_do_command", [0, 1, 2, 3, 4, 5]),
    ("esp_start", [", 0 commands", *(f"(bad address), {i} commands"
                                     for i in range(1, 6)),
                   "xxx, 6 commands", "y" * 255 + ", 7 commands"]),
    ("esp_do_command", [6, 1000]),
]
BAD_FRAMES = bytes([
    0xf7, 0xff, 0xff, 1, 0, 0, 0, 0, 0xf7, 8, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5,
    6, 7, 8, 0, 0, 0, 0, 0xf7, 8, 0, 1, 0, 0, 0, 0]) + b"\ntext\n"


def truths():
    for name, arguments in LIES:
        for argument in arguments:
            if name == "esp_do_command":
                yield f"{name} id {argument}, cmd[0] 0x12, status 0x0"
            else:
                yield f"{name} {argument}"


def test_liar(bench):
    """What makes no sense is counted and said; what does comes through."""
    counts = ["vmm: fw_cfg: 16 events, 9 unknown, 2 words cut off, "
              "3 events cut off, 1 resets",
              "vmm: console: 0 events, 2 bad frames"]
    ends = {0: (5, []),
            1: (1, ["vmm: the guest went to where no memory is"]),
            2: (1, ["vmm: the guest has halted"]),
            3: (1, ["vmm: the guest had a fault that it can't handle"])}
    for argument, (status, says) in ends.items():
        out, err, ring = bench.run("liar", argument, "esp_*,vmm_boot,vmm_end",
                                   status)
        check(out == BAD_FRAMES, f"the console: {out!r}")
        check(err == says + counts, f"{err}, not {says + counts}")
        lines = list(bench.printed(ring))
        boots = [line for line in lines if line.startswith("vmm_boot")]
        check(len(boots) == 2 and "boot 2" in boots[1], boots)
        check(lines[-1] == f"vmm_end status {status}", lines[-1])
        check_lines((line for line in lines if line.startswith("esp_")),
                    truths(), "print")
    stat = json.loads(bench.trackway.run("stat", "--json", ring))
    check(stat["producers"][0]["lost"] == 0, f"lost: {stat}")


CASES = {"log": test_log, "ring": test_ring, "wire": test_wire,
         "usdt": test_usdt, "switch": test_switch, "stream": test_stream,
         "liar": test_liar}


def main():
    case, cpu, *programs = sys.argv[1:]
    if not programs:
        print("SKIP: examples/vmm was not built: see meson's messages")
        return 77
    if cpu == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        print("SKIP: no access to /dev/kvm")
        return 77
    try:
        with tempfile.TemporaryDirectory(prefix="trackway-vmm-") as name:
            CASES[case](Bench(cpu, programs, pathlib.Path(name)))
    except lib.Skip as skip:
        print(f"SKIP: {skip}")
        return 77
    except lib.Failure as failure:
        print(f"vmm {case}, {cpu}: {failure}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
