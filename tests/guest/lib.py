# SPDX-License-Identifier: MIT
"""What the guest tests share: building the firmware, QEMU, and trackway.

Nothing waits for a fixed time; what is awaited is asked for until it is there,
or until a limit that only a failure reaches.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

from machines import FLAGS

FIRMWARE = pathlib.Path(__file__).resolve().parent / "firmware"
LIMIT = 240  # seconds; an emulated KVM takes one minute of them to boot


class Failure(Exception):
    """A test's claim that did not hold."""


class Skip(Exception):
    """What a test needs is not installed."""


def check(condition, text):
    if not condition:
        raise Failure(text)


def wait_for(what, look, limit=LIMIT, pause=0.05):
    """What look() returns as soon as that is true; pause: seconds between two
    looks."""
    end = time.monotonic() + limit
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise Failure(f"waited {limit} seconds for {what}, got {found!r}")
        time.sleep(pause)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def need_memory_access():
    """Yama may keep other processes' memory to a debugger's children."""
    scope = pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")
    if os.geteuid() != 0 and scope.exists() and scope.read_text() != "0\n":
        raise Skip("kernel.yama.ptrace_scope forbids to read QEMU's memory")


def run(*command, lost=False):
    """The standard output of a command that must succeed and have nothing to
    complain of; lost: but of lost events."""
    done = subprocess.run(command, capture_output=True, text=True,
                          errors="surrogateescape", timeout=LIMIT * 2,
                          check=False)
    line = " ".join(map(str, command))
    check(done.returncode == 0,
          f"{line}: exit {done.returncode}\n{done.stdout[-2000:]}"
          f"{done.stderr[-2000:]}")
    check(lost and "events lost" in done.stderr or not done.stderr,
          f"{line}: {done.stderr[-2000:]}")
    return done.stdout


def build_firmware(machine, tracetool, directory, main=FIRMWARE / "main.c",
                   events=FIRMWARE / "trace-events", options=(),
                   backend="ring"):
    """The firmware's image for a machine, compiled with the runtime that
    tracetool writes out. options: the compiler's, beyond the machine's."""
    prefix = machine.compiler[0].removesuffix("gcc")
    need(machine.compiler[0], machine.qemu[0])
    source = FIRMWARE / machine.name
    image = directory / "firmware.elf"
    run(tracetool, "--emit-guest-runtime", directory)
    for form in "h", "c":
        run(tracetool, f"--format={form}", f"--backends={backend}",
            "--group=firmware", events, directory / f"trace.{form}")
    run(*machine.compiler, *FLAGS, *machine.flags, *options,
        f"-DMACHINE_CPUS={machine.cpus}",
        f'-DFIRMWARE_NAME="{machine.name}"',
        "-DTW_GUEST", '-DTW_GUEST_CONFIG="config.h"',
        f"-I{directory}", f"-I{FIRMWARE}", "-T", source / "link.ld",
        source / "start.S", source / "machine.c", main,
        directory / "trace.c", directory / "trackway-guest.c", "-o", image)
    if machine.raw:
        need(prefix + "objcopy")
        run(prefix + "objcopy", "-O", "binary", image,
            directory / "firmware.bin")
        image = directory / "firmware.bin"
    return image


class Guest:
    """A QEMU that runs the firmware."""

    def __init__(self, machine, image, directory, ram_file=None, options=(),
                 serial=None):
        self.serial = directory / "serial"
        monitor = directory / "monitor"
        command = [str(image) if word == "FIRMWARE" else word
                   for word in machine.qemu]
        if ram_file:
            at = command.index("-M") + 1
            command[at] += ",memory-backend=ram"
            command += ["-m", machine.memory, "-object",
                        f"memory-backend-file,id=ram,size={machine.memory},"
                        f"mem-path={ram_file},share=on"]
        command += ["-display", "none",
                    "-serial", serial or f"file:{self.serial}",
                    "-monitor", f"unix:{monitor},server,nowait", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.target = f"vm:{self.process.pid}"
        self.monitor = socket.socket(socket.AF_UNIX)
        self.monitor.settimeout(LIMIT)
        try:
            wait_for("QEMU's monitor", lambda: self.connect(monitor))
            self.answer()
        except BaseException:
            self.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def connect(self, path):
        check(self.process.poll() is None, "QEMU did not start")
        try:
            self.monitor.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def answer(self):
        """What the monitor says, up to its next prompt."""
        text = b""
        while not text.endswith(b"(qemu) "):
            more = self.monitor.recv(65536)
            check(more, "QEMU's monitor is closed")
            text += more
        return text.decode(errors="replace")

    def command(self, line):
        self.monitor.sendall(line.encode() + b"\n")
        return self.answer()

    def kill(self):
        """As a crash of the host's process would be."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.monitor.close()


class Trackway:
    """The command line under test."""

    def __init__(self, program):
        self.program = program

    def run(self, *arguments, lost=False):
        return run(self.program, *arguments, lost=lost)

    def json(self, command, *arguments):
        return json.loads(self.run(command, "--json", *arguments))

    def rings(self, target):
        """The rings that are there; none while there are none."""
        done = subprocess.run([self.program, "list", "--json", target],
                              capture_output=True, text=True, timeout=LIMIT,
                              check=False)
        return json.loads(done.stdout) if done.returncode == 0 else []

    def events(self, target, *globs):
        """As JSON objects, in the order of time; losses left out."""
        chosen = [word for glob in globs for word in ("-e", glob)]
        lines = self.run("print", "--json", *chosen, target,
                         lost=True).splitlines()
        return [line for line in map(json.loads, lines) if "event" in line]

    def states(self, target):
        return {event["name"]: event["state"]
                for event in self.json("events", target)}

    def record(self, directory, target, *globs):
        chosen = [word for glob in globs for word in ("-e", glob)]
        return Recording(subprocess.Popen(
            [self.program, "record", "-o", directory, *chosen, target],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True))


class Recording:
    """A trackway record that runs."""

    def __init__(self, process):
        self.process = process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def end(self):
        """Ctrl-C, and what it says."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self):
        out, err = self.process.communicate(timeout=LIMIT)
        check(self.process.returncode == 0,
              f"record: exit {self.process.returncode}\n{out}{err}")
        return out + err


# What main.c emits: the message of guest_work, as text prints it.
NAMES = ("", "a", "line\\n", 'quote"', "the quick brown fox jumps over the dog")


def work_message(cpu, seq):
    small = (seq + 0x8000) % 0x10000 - 0x8000
    return (f"cpu {cpu} seq {seq} square {seq * seq} minus {-seq}"
            f" small {small} name {NAMES[seq % len(NAMES)]}"
            f" place {0xf0000000 + seq:#x}")


def check_work(lines, cpus, share=None):
    """Lines of guest_work: each CPU's in order, none left out, none changed.
    Returns how many there are. share: how many each CPU must have emitted."""
    following = [0] * cpus
    count = 0
    for line in lines:
        message = line.partition(" guest_work ")[2]
        if not message:
            raise Failure(f"not a line of guest_work: {line!r}")
        cpu = int(message[4])
        seq = following[cpu]
        if message.rstrip("\n") != work_message(cpu, seq):
            raise Failure(f"CPU {cpu}'s event {seq} is {line!r}, not"
                          f" {work_message(cpu, seq)!r}")
        following[cpu] = seq + 1
        count += 1
    if share is not None:
        check(following == [share] * cpus,
              f"events of guest_work, by CPU: {following}, not {share} each")
    return count


def check_consecutive(events, key):
    """Each CPU's events of one name count upwards by one."""
    last = {}
    for event in events:
        cpu, value = event["args"]["cpu"], event["args"][key]
        check(value == last.get(cpu, value - 1) + 1,
              f"{event['event']} of CPU {cpu}: {value} after {last.get(cpu)}")
        last[cpu] = value


def main(machine, test):
    """Run a machine's test; the exit status."""
    try:
        test()
    except Skip as skip:
        print(f"SKIP: {skip}")
        return 77
    except Failure as failure:
        print(f"{machine.name}: {failure}", file=sys.stderr)
        return 1
    return 0
