# SPDX-License-Identifier: MIT
"""A guest's frames, encoded by what docs/channel.md says and by nothing else:
not a line of it is shared with the guest's runtime or the host's decoder."""

import struct
import zlib

MARK = 0xF7
EVENT, START, SWITCH = 1, 2, 3
EVERY = 0xFFFF


def frame(kind, sequence, payload):
    body = struct.pack("<HBI", len(payload), kind, sequence & 0xFFFFFFFF)
    body += payload
    return bytes([MARK]) + body + struct.pack("<I", zlib.crc32(body))


def unpack(stream):
    """The frames at the beginning of stream, (kind, sequence, payload) each,
    and what is left."""
    frames = []
    while len(stream) >= 12:
        if stream[0] != MARK:
            raise ValueError(f"no frame: {stream[:16]!r}")
        size, kind, sequence = struct.unpack("<HBI", stream[1:8])
        if len(stream) < 12 + size:
            break
        if zlib.crc32(stream[1:8 + size]) != struct.unpack(
                "<I", stream[8 + size:12 + size])[0]:
            raise ValueError("a wrong checksum")
        frames.append((kind, sequence, stream[8:8 + size]))
        stream = stream[12 + size:]
    return frames, stream


def switches(frames):
    """What switch frames say, as (id, state) in their order."""
    return [pair for kind, _, payload in frames if kind == SWITCH
            for pair in struct.iter_unpack("<HB", payload)]


class Guest:
    """What a guest sends: frames, numbered from its start on."""

    def __init__(self, events, name=b"guest", word=8, clock_hz=1000000000):
        self.events = events  # how many it has
        self.name = name
        self.word = word
        self.clock_hz = clock_hz
        self.sequence = 0
        self.time = 0

    def start(self):
        self.sequence = 1
        return frame(START, 0, struct.pack(
            "<BBHQQB", 1, 1, self.events, self.clock_hz, self.time,
            self.word) + self.name + b"\0")

    def event(self, number, fields=b""):
        self.time += 1000
        self.sequence += 1
        return frame(EVENT, self.sequence - 1, struct.pack(
            "<Q", (self.time << 16 | number) & 0xFFFFFFFFFFFFFFFF) + fields)


def string(text):
    return text + b"\0"


def data(octets):
    return struct.pack("<H", len(octets)) + octets
