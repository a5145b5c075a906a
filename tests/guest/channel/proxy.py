# SPDX-License-Identifier: MIT
"""A bad line: what comes from one socket goes to another, damaged."""

import math
import random
import socket
import threading

END = b"\nTHE END\n"  # what the firmware says before its last frame
CLEAN = 200  # bytes of the beginning: the start frame is among them


class Proxy:
    """Bytes from source to whoever connects to path, share of them flipped or
    dropped, the same ones for the same seed; what is behind END is left whole,
    and so is what goes the other way."""

    def __init__(self, source, path, share, seed):
        self.source = source
        self.share = share
        self.random = random.Random(seed)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.before = b""  # the end of what has passed
        self.passed = 0
        self.damaged = 0
        self.next = CLEAN  # bytes until the next to be damaged
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def gap(self):
        return int(math.log(1 - self.random.random()) /
                   math.log(1 - self.share))

    def damage(self, data):
        out = bytearray()
        at = 0
        while at + self.next < len(data):
            out += data[at:at + self.next]
            at += self.next
            if self.random.random() < 0.5:
                out.append(data[at] ^ 1 << self.random.randrange(8))
            at += 1
            self.damaged += 1
            self.next = self.gap()
        self.next -= len(data) - at
        return bytes(out + data[at:])

    def transform(self, data):
        if self.is_over:
            return data
        whole = self.before + data
        found = whole.find(END)
        if found < 0:
            self.before = whole[-len(END) + 1:]
            return self.damage(data)
        self.is_over = True
        rest = max(found + len(END) - len(self.before), 0)
        return self.damage(data[:rest]) + data[rest:]

    def run(self):
        target = self.listener.accept()[0]
        source = socket.socket(socket.AF_UNIX)
        source.connect(str(self.source))
        threading.Thread(target=self.back, args=(target, source),
                         daemon=True).start()
        try:
            while data := source.recv(65536):
                self.passed += len(data)
                target.sendall(self.transform(data))
        except ConnectionResetError:
            pass  # QEMU has gone, with switches that it had not read
        target.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def back(target, source):
        try:
            while data := target.recv(4096):
                source.sendall(data)
        except OSError:
            pass
