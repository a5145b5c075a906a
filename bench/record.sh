#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# record.sh BUILD [--json]: one thread emits as fast as it can, trackway records
# it from another process, and what was recorded is counted.

set -euo pipefail

build=$(realpath "$1")
json=${2:-}
events=${BENCH_EVENTS:-50000000}
burst=1000000
ring_size=${BENCH_RING_SIZE:-64M} # as trackway record's default

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

"$build/bin/trackway" record -o trace -e bench_int3 --ring-size "$ring_size" -- \
    "$build/bench/burst" "$events" "$burst" >emitted 2>log || {
    cat log >&2
    exit 1
}
"$build/bin/trackway" stat --json trace >counts

python3 - "$json" emitted counts "$ring_size" <<'END'
import json, platform, sys

as_json, emitted_path, counts_path, ring_size = sys.argv[1:]
emitted, seconds = open(emitted_path).read().split()
emitted, seconds = int(emitted), float(seconds)
producer = json.load(open(counts_path))["producers"][0]
result = {
    "emitted": emitted,
    "recorded": producer["count"],
    "lost": producer["lost"],
    "seconds": seconds,
    "events_per_s": emitted / seconds,
    "bytes_per_s": producer["bytes"] / seconds,
    "ring_size": ring_size,
    "kernel": platform.release(),
}
if as_json:
    print(json.dumps(result))
else:
    print(f"{emitted} emitted, {producer['count']} recorded,"
          f" {producer['lost']} lost; ring {ring_size}")
    print(f"{seconds:.3f} s, {emitted / seconds / 1e6:.1f} M events/s,"
          f" {producer['bytes'] / seconds / 1e6:.0f} MB/s")
if producer["count"] + producer["lost"] != emitted:
    sys.exit("bench: recorded and lost don't add up to emitted")
END
