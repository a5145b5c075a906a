#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""trackway print into a pipe that nobody reads: a signal ends it, and what is
in the pipe ends at a line's end."""
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile

trackway = os.path.realpath(sys.argv[1])
emitter = os.path.realpath(sys.argv[4])
EVENTS = 20000
PATIENCE_S = 120


class Printing:
    """A print whose pipe is full once this is made."""

    def __init__(self, *arguments):
        self.pipe, write_end = os.pipe()
        self.process = subprocess.Popen(
            [trackway, "print", *arguments], stdout=write_end,
            stderr=subprocess.PIPE)
        # Full is what takes no more, for as long as it may be looked at twice.
        poll = select.poll()
        poll.register(write_end, select.POLLOUT)
        while poll.poll(0):
            assert self.process.poll() is None, "it ended"
            select.select([], [], [], 0.01)
        os.close(write_end)

    def read(self):
        with open(self.pipe, "rb") as pipe:
            return pipe.read()

    def end(self):
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, errors.decode()


def expect_beginning(output, is_json):
    """The events from the first on, and not half a one. Their number."""
    assert output.endswith(b"\n"), output[-200:]
    lines = output.decode().splitlines()
    for n, line in enumerate(lines):
        if is_json:
            assert json.loads(line)["args"]["n"] == n, line
        else:
            assert f" n={n} check=0x" in line, line
    return len(lines)


def check_nobody_reads(arguments, is_json):
    printing = Printing(*arguments)
    printing.process.send_signal(signal.SIGINT)
    status, errors = printing.end()
    assert 0 < expect_beginning(printing.read(), is_json) < EVENTS
    assert status == 1 and errors.count("\n") == 1, (status, errors)
    assert "stdout: nobody reads it" in errors, errors


def check_impatience(arguments, is_json):
    printing = Printing(*arguments)
    # The second one kills, unless the first was not seen to have come yet.
    while printing.process.poll() is None:
        printing.process.send_signal(signal.SIGINT)
    assert expect_beginning(printing.read(), is_json) < EVENTS
    status, _ = printing.end()
    assert status in (-signal.SIGINT, 1), status


def check_reader_goes_on(arguments, is_json):
    """Who reads gets all that has come, or is told that it isn't all."""
    printing = Printing(*arguments)
    printing.process.send_signal(signal.SIGINT)
    count = expect_beginning(printing.read(), is_json)
    status, errors = printing.end()
    assert (status == 0 and not errors) == (count == EVENTS), (
        count, status, errors)
    assert "Interrupted" not in errors, errors
    return status == 0


def check_reader_leaves(arguments):
    printing = Printing(*arguments)
    os.close(printing.pipe)
    status, errors = printing.end()
    assert status == -signal.SIGPIPE and not errors, (status, errors)


def main():
    # Children would inherit that it is ignored, as in a shell's background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    directory = tempfile.mkdtemp()
    for name in "TRACKWAY", "TRACKWAY_KEEP", "TRACKWAY_RING_SIZE":
        os.environ.pop(name, None)
    os.environ["TRACKWAY_DIR"] = directory
    program = subprocess.Popen(
        [emitter, "-w", str(EVENTS)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env=os.environ | {"TRACKWAY_EVENTS": "*"})
    try:
        program.stdout.readline()
        ring = ["--history", str(program.pid)]
        for arguments, is_json in ((["-f", "--json"] + ring, True),
                                   (["-f"] + ring, False)):
            check_nobody_reads(arguments, is_json)
            check_impatience(arguments, is_json)
            assert any(check_reader_goes_on(arguments, is_json)
                       for _ in range(10))
            check_reader_leaves(arguments)
    finally:
        program.kill()
        program.communicate()
        shutil.rmtree(directory)


main()
