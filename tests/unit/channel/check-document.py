#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hold docs/channel.md against the library.

usage: check-document.py SOURCE_ROOT SHOW

Examples: each block that has a line "=> ..." is given to SHOW, which must say
these lines and no others. Counts: the members of struct tw_channel_counts are
those of the table. Numbers: what the header defines stands in the text.
"""

import pathlib
import re
import subprocess
import sys

root, show = pathlib.Path(sys.argv[1]), sys.argv[2]
document = (root / "docs/channel.md").read_text()
header = (root / "include/trackway/channel.h").read_text()
errors = []


def define(name):
    match = re.search(rf"#define {name} (\w+)", header)
    return int(match.group(1).rstrip("u"), 0)


def check_example(block):
    lines = [line[4:] for line in block.splitlines() if line.strip()]
    given = [line for line in lines if not line.startswith("=> ")]
    wanted = [line for line in lines if line.startswith("=> ")]
    given = [re.split(r"  +", line)[0] + "\n" for line in given]
    run = subprocess.run([show], input="".join(given), capture_output=True,
                         text=True, check=True)
    if run.stdout.splitlines() != wanted:
        errors.append("example:\n" + block + "\nsays:\n" + run.stdout)


def check_table(heading, wanted):
    section = document.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    written = re.findall(r"^\| `(\w+)` \|", section, re.M)
    if written != wanted:
        errors.append(f"{heading}: {written}\nheader: {wanted}")


blocks = re.findall(r"(?:^    .*\n)+", document, re.M)
examples = [block for block in blocks if "\n    => " in block]
if len(examples) < 5:
    errors.append(f"only {len(examples)} examples")
for example in examples:
    check_example(example)

counts = re.search(r"struct tw_channel_counts \{(.*?)\n\}", header, re.S).group(1)
counts = re.sub(r"/\*.*?\*/", "", counts, flags=re.S)
check_table("What is lost, and what is counted", re.findall(r"uint64_t (\w+);", counts))

switches = define("TW_FRAME_SWITCHES_MAX")
frame = define("TW_FRAME_HEADER") + define("TW_FRAME_PAYLOAD_MAX") + define("TW_FRAME_TRAILER")
for number, text in [
    ("TW_FW_CFG_CHANNEL", f"writes {define('TW_FW_CFG_CHANNEL'):#x}"),
    ("TW_FRAME_MARK", f"the mark, 0x{define('TW_FRAME_MARK'):X}"),
    ("TW_FRAME_PAYLOAD_MAX", f"8 to {define('TW_FRAME_PAYLOAD_MAX')} |"),
    ("TW_FRAME_SWITCHES_MAX", f"3 to {3 * switches}, a multiple of 3"),
    ("TW_FRAME_SWITCHES_MAX", f"up to {switches} of them"),
    ("TW_FRAME_MAX", f"at most {frame:,} bytes"),
    ("TW_FRAME_WORK", f"at most {define('TW_FRAME_WORK')} bytes summed"),
    ("TW_CHANNEL_EVERY_EVENT", f"id 0x{define('TW_CHANNEL_EVERY_EVENT'):X}"),
]:
    if text not in " ".join(document.split()):
        errors.append(f"{number}: the document does not say \"{text}\"")

for error in errors:
    print("FAILED:", error)
print(f"{len(examples)} examples")
sys.exit(bool(errors))
