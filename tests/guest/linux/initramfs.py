# SPDX-License-Identifier: MIT
"""An initramfs, as the kernel takes it: a cpio archive of the form "newc"."""

import pathlib
import stat
import subprocess


def entry(name, mode, data=b"", device=(0, 0)):
    fields = [1, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields)
    head += name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def libraries(program):
    """The shared libraries that a program is started with, and its loader, by
    the paths where they are looked for; none if it is static."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True,
                            check=False).stdout
    found = {}
    for line in listed.splitlines():
        words = [word for word in line.split() if word.startswith("/")]
        if words and "=>" in line:
            found["lib/" + pathlib.PurePath(words[0]).name] = words[0]
        elif words and words[0].endswith(".so.2"):
            found[words[0]] = words[0]
    return found


def make(files):
    """files: a file's bytes or path by its path in the guest."""
    # A console, so that the first program has its standard output.
    entries = {"dev": entry("dev", stat.S_IFDIR | 0o755),
               "dev/console": entry("dev/console", stat.S_IFCHR | 0o600,
                                    device=(5, 1)),
               "sys": entry("sys", stat.S_IFDIR | 0o755)}
    for path, data in files.items():
        if not isinstance(data, bytes):
            data = pathlib.Path(data).read_bytes()
        path = path.lstrip("/")
        for parent in reversed(pathlib.PurePath(path).parents[:-1]):
            entries.setdefault(str(parent),
                               entry(str(parent), stat.S_IFDIR | 0o755))
        entries[path] = entry(path, stat.S_IFREG | 0o755, data)
    return b"".join(entries.values()) + entry("TRAILER!!!", 0)
