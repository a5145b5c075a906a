#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""trackway monitor at a terminal: Ctrl-C ends an answer, not the monitor. The
terminal is this test, which does not read: so the answer can't be over before.

Arguments: trackway, ticker.
"""
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

trackway, ticker = sys.argv[1:3]
LIMIT = 60  # seconds
TICKS = 500  # of some 300 bytes in hexadecimal: no terminal holds them all
PROMPT = b"(trackway) "
directory = tempfile.mkdtemp()
os.environ.update(TRACKWAY_DIR=directory, XDG_STATE_HOME=directory,
                  TERM="xterm", TRACKWAY_EVENTS="tick_start,tick_end")
os.environ.pop("TRACKWAY", None)
processes = []


def check(is_so, what):
    if not is_so:
        raise AssertionError(what)


def start(*command, **streams):
    process = subprocess.Popen(command, **streams)
    processes.append(process)
    return process


def read(terminal, so_far=b""):
    check(select.select([terminal], [], [], LIMIT)[0],
          f"nothing comes after {so_far[-300:]}")
    return so_far + os.read(terminal, 1000)


def until(terminal, what):
    """What comes, to the end of this."""
    text = b""
    while not text.endswith(what):
        text = read(terminal, text)
    return text


def count_ticks(pid):
    return subprocess.run([trackway, "print", "-e", "tick_start", pid],
                          stdout=subprocess.PIPE, check=True
                          ).stdout.count(b"\n")


def main():
    program = start(ticker, stdout=subprocess.PIPE)
    check(program.stdout.readline() == b"ready\n", "the ticker did not start")
    pid = str(program.pid)
    end = time.monotonic() + LIMIT
    while count_ticks(pid) < TICKS:
        check(time.monotonic() < end, "the ticker does not tick")
        time.sleep(0.1)
    terminal, side = pty.openpty()
    monitor = start("setsid", "--ctty", trackway, "monitor", pid, stdin=side,
                    stdout=side, stderr=side)
    os.close(side)
    until(terminal, PROMPT)
    os.write(terminal, b"info trace -x\r")
    # More than the line that was typed: the answer has begun.
    text = b""
    while b":tick_end" not in text:
        text = read(terminal, text)
    os.write(terminal, b"\x03")
    seen = until(terminal, b"\n" + PROMPT).count(b":tick_start")
    check(seen < TICKS // 2, f"{seen} events after Ctrl-C")
    # What was thrown away is no answer to the next one.
    os.write(terminal, b"info trace-events tick_end\r")
    said = until(terminal, PROMPT)
    check(said == b"info trace-events tick_end\r\ntick_end : state 1\r\n" +
          PROMPT, f"it said {said[-300:]}")
    os.write(terminal, b"\x04")
    check(monitor.wait(LIMIT) == 0, "its status")


try:
    main()
finally:
    for each in processes:
        if each.poll() is None:
            each.send_signal(signal.SIGKILL)
            each.wait()
    shutil.rmtree(directory)
