#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# guest-size.sh BUILD [--json]: what a traced firmware has to find room for on
# a Cortex-M0 and a Cortex-M3: bytes of code, of RAM and of stack, with -Os.

set -euo pipefail

root=$(realpath "$(dirname "$0")/..")
build=$(realpath "$1")
json=${2:-}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

cat >trace-events <<'END'
void(void) "nothing"
int3(uint32_t a, uint32_t b, uint32_t c) "a %u b %u c %u"
string(const char *text, uint32_t number) "text %s number %u"
END
for format in h c; do
    "$build/bin/tracetool" --format=$format --backends=ring --group=size \
        trace-events trace.$format
done
"$build/bin/tracetool" --format=c --backends=channel --group=size trace-events \
    channel-trace.c
cat >trackway-guest.h <<'END'
#include <trackway/guest.h>
#include <trackway/guest-channel.h>
END

# A clock as a firmware would give: a timer's register.
cat >config.h <<'END'
#define TW_GUEST_CLOCK() (*(volatile unsigned int *)0x40000004)
END
cat >site.c <<'END'
#include "trace.h"
void without(void);
void with_int3(uint32_t value);
void without(void) {}
void with_int3(uint32_t value) { trace_int3(value, 2, 3); }
END

python3 - "$root" "$json" <<'END'
import glob, json, os, re, shutil, subprocess, sys

root, as_json = sys.argv[1:]
MACHINES = [
    ("Cortex-M0", "arm-none-eabi-gcc", ["-mthumb", "-mcpu=cortex-m0"]),
    ("Cortex-M3", "arm-none-eabi-gcc", ["-mthumb", "-mcpu=cortex-m3"]),
    ("Cortex-M0", "clang", ["--target=thumbv6m-none-eabi"]),
    ("Cortex-M3", "clang", ["--target=thumbv7m-none-eabi"]),
]
RING = 1024
ROWS = [
    ("runtime_text", "runtime, code and constants"),
    ("runtime_ram", "runtime, RAM"),
    ("group_ram", "a group, RAM"),
    ("event_void_text", "an event without arguments, code"),
    ("event_int3_text", "an event with three integers, code"),
    ("event_string_text", "an event with a string and an integer, code"),
    ("site_text", "a place where the second is emitted, code"),
    ("schema_rom", "schema of these three, ROM or RAM"),
    ("stack", "stack, deepest, in the middle of an event"),
    ("ring_ram", "smallest ring, RAM"),
    ("ring_events", "events of three integers that it holds"),
    ("channel_stream_text", "channel with a stream, code and constants"),
    ("channel_fw_cfg_text", "channel with fw_cfg, code and constants"),
    ("channel_ram", "channel, RAM"),
    ("channel_group_ram", "a group of these three of the channel, RAM"),
    ("channel_int3_text", "an event with three integers by the channel, code"),
    ("total_ram", "RAM in all: runtime, a group, that ring"),
]


def run(*command):
    return subprocess.run(command, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def compile_all(compiler, options):
    guest = f"{root}/src/guest"
    for source in (f"{guest}/guest.c", f"{guest}/channel.c",
                   f"{guest}/transport-stream.c", f"{guest}/transport-fw-cfg.c",
                   "trace.c", "channel-trace.c", "site.c"):
        run(compiler, *options, "-std=gnu11", "-ffreestanding", "-Os",
            "-fstack-usage", "-DTW_GUEST", '-DTW_GUEST_CONFIG="config.h"',
            f"-I{root}/include", "-I.", "-c", source)


def sections(name):
    """Bytes of text, data and bss."""
    return [int(n) for n in run("size", name).splitlines()[1].split()[:3]]


def symbols(name):
    found = {}
    for line in run("nm", "-S", name).splitlines():
        words = line.split()
        if len(words) == 4:
            found[words[3]] = int(words[1], 16)
    return found


def stacks():
    """What each function takes of the stack."""
    found = {}
    for name in glob.glob("*.su"):
        with open(name, encoding="utf-8") as file:
            for line in file:
                words = line.split("\t")
                function = words[0].split(":")[-1].split(".")[0]
                found[function] = int(words[1])
    return found


def deepest(of):
    """An event, its beginning the slow way, what that calls if it is not
    inlined."""
    chain = ["_tw_emit_int3", "tw_guest_event_begin", "begin_slow"]
    leaves = ["tw_writer_close", "tw_writer_turn", "tw_writer_discard", "copy"]
    return sum(of[f] for f in chain) + max(of.get(f, 0) for f in leaves)


def measure(machine, compiler, options):
    for name in glob.glob("*.o") + glob.glob("*.su"):
        os.unlink(name)
    compile_all(compiler, options)
    text, data, bss = sections("guest.o")
    channel = [sections(f"{name}.o") for name in
               ("channel", "transport-stream", "transport-fw-cfg")]
    by_channel = symbols("channel-trace.o")
    trace, site = symbols("trace.o"), symbols("site.o")
    room = 256 - 88 - 32  # of a page of the smallest ring: two of them
    figures = {
        "machine": machine,
        "compiler": compiler,
        "runtime_text": text + data,
        "runtime_ram": data + bss,
        "group_ram": trace["tw_group_size"],
        "event_void_text": trace["_tw_emit_void"],
        "event_int3_text": trace["_tw_emit_int3"],
        "event_string_text": trace["_tw_emit_string"],
        "site_text": site["with_int3"] - site["without"],
        "schema_rom": trace["tw_blob_size"],
        "stack": deepest(stacks()),
        "channel_stream_text": channel[0][0] + channel[1][0],
        "channel_fw_cfg_text": channel[0][0] + channel[2][0],
        "channel_ram": sum(s[1] + s[2] for s in channel),
        "channel_group_ram": (by_channel["tw_channel_group_size"] +
                              by_channel["tw_channel_states_size"]),
        "channel_int3_text": by_channel["_tw_emit_int3"],
        "ring_ram": RING,
        "ring_events": 2 * (room // (8 + 3 * 4)),
    }
    figures["total_ram"] = RING + figures["runtime_ram"] + figures["group_ram"]
    return figures


found = []
for machine, compiler, options in MACHINES:
    if shutil.which(compiler):
        found.append(measure(machine, compiler, options))
    else:
        print(f"bench: no {compiler} here, so no figures of it",
              file=sys.stderr)
if not found:
    sys.exit("bench: none of the compilers is here")
if as_json == "--json":
    print(json.dumps({"unit": "bytes", "machines": found}))
else:
    titles = [f"{f['machine']}, {f['compiler'].split('-')[-1]}" for f in found]
    label = max(len(text) for _, text in ROWS)
    print(f"{'bytes':{label}}  " + "  ".join(titles))
    for key, text in ROWS:
        cells = (f"{f[key]:{len(t)}}" for f, t in zip(found, titles))
        print(f"{text:{label}}  " + "  ".join(cells))
END
