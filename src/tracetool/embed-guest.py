#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""embed-guest.py OUTPUT DEPFILE VERSION LICENSE INCLUDE HEADER SOURCE

The guest runtime, as the one header and the one source file that tracetool
--emit-guest-runtime writes, in a C file that tracetool has as its data. Each
file of ours that HEADER or SOURCE includes stands in place of the first line
that includes it; INCLUDE is the folder of <trackway/...>.
"""
import os
import re
import sys

NAMES = ("trackway-guest.h", "trackway-guest.c")


class Bundle:
    def __init__(self, include):
        self.include = include
        self.paths = []

    def find(self, line, folder):
        """The file of ours that the line includes, or None."""
        found = re.match(r'\s*#\s*include\s+(?:<(trackway/.*)>|"(.*)")', line)
        if not found:
            return None
        name = found.group(1)
        return os.path.abspath(os.path.join(self.include, name) if name else
                                os.path.join(folder, found.group(2)))

    def lines(self, path):
        self.paths.append(path)
        with open(path, encoding="utf-8") as file:
            text = file.read().splitlines()
        if "SPDX-License-Identifier" not in text.pop(0):
            sys.exit(f"{path}: its first line is not the licence's")
        for line in text:
            inner = self.find(line, os.path.dirname(path))
            if inner is None:
                yield line
            elif inner == self.paths[0] and self.complete:
                yield f'#include "{NAMES[0]}"'
            elif inner not in self.paths:
                yield from self.lines(inner)

    def text(self, path, title):
        """All of one of the two, with no blank line doubled where an include
        was."""
        self.complete = bool(self.paths)
        lines = title + [""] + list(self.lines(os.path.abspath(path)))
        return [line for i, line in enumerate(lines)
                if line or (i and lines[i - 1])]


def quote(line):
    escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return '\t"' + escaped.replace("??", '?""?') + '\\n"\n'


def main():
    output, depfile, version, licence, include, *roots = sys.argv[1:]
    with open(licence, encoding="utf-8") as file:
        terms = file.read().splitlines()
    title = ["/* SPDX-License-Identifier: MIT */", "/*",
             f" * The guest runtime of Trackway {version}, written by tracetool"
             " --emit-guest-runtime.", " *"]
    title += [(" * " + line).rstrip() for line in terms] + [" */"]
    bundle = Bundle(os.path.abspath(include))
    with open(output, "w", encoding="utf-8") as file:
        file.write('#include "guest-runtime.h"\n')
        for i, root in enumerate(roots):
            file.write(f"\nstatic const char text{i}[] =\n")
            file.writelines(map(quote, bundle.text(root, title)))
            file.write("\t;\n")
        file.write("\nconst struct tw_tool_guest_file tw_tool_guest_files[] = {\n")
        for i in range(len(roots)):
            file.write(f'\t{{"{NAMES[i]}", text{i}, sizeof(text{i}) - 1}},\n')
        file.write("};\n")
    with open(depfile, "w", encoding="utf-8") as file:
        file.write(f"{output}: {' '.join(bundle.paths + [licence])}\n")


main()
