#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test-disk.py IMAGE TRACKWAY: the firmware of examples/disk-guest reads its
disk in a stock QEMU that logs its own device events; both are put on one
timeline, and looked at for effects before their causes.

What a command of the guest makes the device do is not before trace_disk_command
nor after trace_disk_complete, in truth; so it must not be on the timeline,
beyond the bounds that the two events state together.
"""

import dataclasses
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import lib
from lib import check, wait_for
from machines import MACHINES

COMMANDS = 10000
COMMANDS_A_TICK = 50
SECTORS = 8192
SECTORS_A_COMMAND = 8
READ_DMA = 0xC8
MASTER_STOP, MASTER_READ, MASTER_START = 0, 8, 9
DEVICE_EVENTS = ("ide_exec_cmd", "ide_dma_cb", "dma_blk_io", "dma_complete",
                 "bmdma_cmd_writeb")
# Of each command there is one of these, between its two events.
WITHIN = ("exec", "start", "ide_dma_cb", "dma_blk_io", "dma_complete")


def machine():
    """A PC with an IDE controller."""
    return dataclasses.replace(
        MACHINES["x86_64"], cpus=1,
        qemu=("qemu-system-x86_64", "-M", "pc", "-kernel", "FIRMWARE"))


def write_disk(path, wrong=None):
    """Each sector has its own number; wrong: but for this one."""
    numbers = list(range(SECTORS))
    if wrong is not None:
        numbers[wrong] += 1
    path.write_text("".join(f"{number:0511}\n" for number in numbers),
                    encoding="ascii")


def disk_options(path):
    return ["-drive", f"file={path},format=raw,if=ide",
            "-append", str(COMMANDS_A_TICK)]


def log_options(path):
    traced = [word for name in DEVICE_EVENTS for word in ("-trace", name)]
    return [*traced, "-D", str(path), "-msg", "timestamp=on"]


def count_commands(log):
    """As the log's lines say, whatever trackway makes of them."""
    with open(log, encoding="ascii") as lines:
        return sum(line.endswith(f"cmd {READ_DMA:#04x}\n") for line in lines)


def wait_for_commands(log, count):
    wait_for(f"{count} commands", lambda: count_commands(log) >= count)


# ---- Times ----


@dataclasses.dataclass(frozen=True)
class Moment:
    """Some time from first_ns to last_ns."""
    first_ns: int
    time_ns: int
    last_ns: int

    def later(self, ns):
        return Moment(self.first_ns + ns, self.time_ns + ns, self.last_ns + ns)


def moment(event):
    plus, minus = event["plus_ns"], event["minus_ns"]
    check(plus is not None and minus is not None, f"no bounds: {event}")
    time = event["time_ns"]
    return Moment(time - minus, time, time + plus)


def is_surely_before(one, other):
    return one.last_ns < other.first_ns


# ---- Both sides' events ----


@dataclasses.dataclass
class Command:
    sector: int
    issued: Moment
    completed: Moment | None = None


def guest_commands(events, count):
    """By number: those of which both events were recorded, below count."""
    commands = {}
    for event in events:
        name, args = event["event"], event["args"]
        check(name not in ("disk_wrong", "disk_failed"),
              f"the firmware has read what is not there: {event['message']}")
        if name == "disk_command":
            check(args["count"] == SECTORS_A_COMMAND, event)
            commands[args["number"]] = Command(args["sector"], moment(event))
        elif name == "disk_complete" and args["number"] in commands:
            commands[args["number"]].completed = moment(event)
    numbers = sorted(commands)
    check(numbers == list(range(numbers[0], numbers[-1] + 1)),
          "commands are missing")
    return {number: command for number, command in commands.items()
            if command.completed and number < count}


def device_events(events):
    """By kind, and in order: as each command causes one of a kind, the Nth one
    is the command N's. What the PC's BIOS did before is left out."""
    kinds = {kind: [] for kind in (*WITHIN, "stop")}
    masters = {MASTER_START: "start", MASTER_STOP: "stop"}
    for event in events:
        kind, args = event["event"], event["args"]
        if kind == "ide_exec_cmd":
            kind = "exec" if args["cmd"] == READ_DMA else None
        elif kind == "bmdma_cmd_writeb":
            check(args["val"] in (MASTER_STOP, MASTER_READ, MASTER_START),
                  event)
            kind = masters.get(args["val"])
        elif kind not in WITHIN:
            raise lib.Failure(f"an event of the log is unknown: {event}")
        if kind:
            kinds[kind].append(event)
    return kinds


def check_pairing(commands, device):
    """What is paired has the same sectors on both sides."""
    for number, command in commands.items():
        args = device["ide_dma_cb"][number]["args"]
        check((args["sector_num"], args["n"])
              == (command.sector, SECTORS_A_COMMAND),
              f"command {number} of sector {command.sector}: QEMU has {args}")
        check(device["dma_blk_io"][number]["args"]["offset"]
              == command.sector * 512, f"command {number}: another offset")


# ---- Causes and effects ----


def violations(commands, device, later_ns=0, others=0):
    """As lines of text. later_ns: how much later the guest's events are said to
    have been; others: the device's are taken from so many commands before."""
    found = []

    def expect(number, kind, before, after):
        if is_surely_before(after, before):
            found.append(f"command {number}, {kind}: {before} after {after}")

    for number, command in commands.items():
        if number < others:
            continue
        issued = command.issued.later(later_ns)
        completed = command.completed.later(later_ns)
        for kind in WITHIN:
            at = moment(device[kind][number - others])
            expect(number, kind, issued, at)
            expect(number, kind, at, completed)
        # By which the guest lets go of it, and it takes the next one.
        stopped = moment(device["stop"][number - others])
        expect(number, "stop", completed, stopped)
        if number + 1 in commands:
            expect(number, "stop", stopped,
                   commands[number + 1].issued.later(later_ns))
    return found


def much_ns(commands):
    """More than most commands take, as far as that is known."""
    took = sorted(command.completed.last_ns - command.issued.first_ns
                  for command in commands.values())
    return took[len(took) * 3 // 4] + 1000000


def check_causality(commands, device):
    found = violations(commands, device)
    check(not found,
          f"{len(found)} violations, such as {found[0] if found else ''}")
    # The same check has to see times and pairs that are wrong.
    much = much_ns(commands)
    for what in {"later_ns": much}, {"later_ns": -much}, {"others": 1000}:
        check(len(violations(commands, device, **what)) > COMMANDS / 2,
              f"not seen: {what}")


def say_widths(commands, device):
    def line(what, moments):
        widths = sorted(at.last_ns - at.first_ns for at in moments)
        print(f"{what}: {len(widths)} events, their bounds"
              f" {widths[0]} to {widths[-1]} ns wide,"
              f" {widths[len(widths) // 2]} in the middle")

    line("guest", [at for command in commands.values()
                   for at in (command.issued, command.completed)])
    line("device", [moment(device[kind][number])
                    for kind in WITHIN for number in commands])


# ---- The tests ----


def causality(image, trackway, directory, stopped=False):
    disk, log = directory / "disk.img", directory / "qemu"
    write_disk(disk)
    with lib.Guest(machine(), image, directory, options=[
            *disk_options(disk), *log_options(log)]) as guest:
        wait_for("the ring", lambda: trackway.rings(guest.target))
        with trackway.record(directory / "trace", guest.target) as recording:
            wait_for("its events to be on", lambda: set(
                trackway.states(guest.target).values()) == {"on"})
            begin = count_commands(log)
            wait_for_commands(log, begin + COMMANDS // 2)
            if stopped:
                guest.command("stop")
                guest.command("cont")
            wait_for_commands(log, begin + COMMANDS + COMMANDS // 10)
            print(recording.end().strip())
    events = list(map(json.loads, trackway.run(
        "print", "--json", "--bounds", directory / "trace",
        f"qemu-log:{log}").splitlines()))
    check(all(not event.get("lost") for event in events), "events were lost")
    device = device_events(event for event in events
                           if event["producer"] == "qemu")
    commands = guest_commands((event for event in events
                               if event["producer"] == "firmware"),
                              len(device["stop"]))
    check(len(commands) >= COMMANDS, f"{len(commands)} commands only")
    check(len(device["exec"]) == count_commands(log), "not all of the log")
    check_pairing(commands, device)
    say_widths(commands, device)
    check_causality(commands, device)
    print(f"{len(commands)} commands, no violation")


def across_a_stop(image, trackway, directory):
    """The guest's counter goes on from another value."""
    causality(image, trackway, directory, stopped=True)


def expect_event(image, trackway, directory, options, name, args):
    """Of a disk with something wrong at it, which comes around again."""
    with lib.Guest(machine(), image, directory, options=options) as guest:
        wait_for("the ring", lambda: trackway.rings(guest.target))
        trackway.run("enable", guest.target, name)
        events = wait_for(name, lambda: trackway.events(guest.target, name))
        for event in events:
            check({key: event["args"][key] for key in args} == args, event)


def wrong_sector(image, trackway, directory):
    disk = directory / "disk.img"
    write_disk(disk, wrong=1234)
    expect_event(image, trackway, directory, disk_options(disk), "disk_wrong",
                 {"sector": 1234})


def failing_disk(image, trackway, directory):
    disk = directory / "disk.img"
    write_disk(disk)
    options = ["-drive",
               "if=ide,format=raw,rerror=report,file.driver=blkdebug,"
               "file.inject-error.0.event=read_aio,"
               "file.inject-error.0.sector=1234,"
               f"file.image.driver=file,file.image.filename={disk}",
               "-append", str(COMMANDS_A_TICK)]
    expect_event(image, trackway, directory, options, "disk_failed",
                 {"status": 0x41})


def test(image, trackway):
    lib.need("qemu-system-x86_64")
    lib.need_memory_access()
    for part in causality, across_a_stop, wrong_sector, failing_disk:
        print(f"# {part.__name__}", flush=True)
        with tempfile.TemporaryDirectory(prefix="trackway-guest-") as name:
            part(image, trackway, pathlib.Path(name))


def main():
    image, trackway = sys.argv[1:]
    return lib.main(machine(), lambda: test(image, lib.Trackway(trackway)))


if __name__ == "__main__":
    sys.exit(main())
