#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tracetool.sh BUILD [--json]: what it takes to generate the code of all of
# QEMU's events, and that of one small file; QEMU's own tracetool beside it
# where BENCH_QEMU names its source tree.

set -euo pipefail

build=$(realpath "$1")
json=${2:-}
runs=${BENCH_RUNS:-31}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# As many events, and arguments much as QEMU's, where its file isn't there.
generate_events() {
    awk 'BEGIN {
        for (i = 0; i < 4631; i++)
            printf "device_%d_access(void *opaque, uint64_t addr, " \
                "uint32_t value%s) \"dev %%p addr 0x%%\" PRIx64 " \
                "\" value 0x%%x%s\"\n", i, i % 3 ? "" : ", const char *name",
                i % 3 ? "" : " name %s"
    }'
}

if [[ -r /usr/share/qemu/trace-events-all ]]; then
    # Without what newer QEMUs don't take: a property, newlines in formats.
    sed 's/^\(disable \)\?vcpu /\1/; s/\\n//g' \
        /usr/share/qemu/trace-events-all >all.events
else
    generate_events >all.events
fi
cat >one.events <<'END'
queue_push(const char *name, uint32_t length, void *item) "queue %s length %u item %p"
queue_pop(const char *name, uint32_t length, void *item) "queue %s length %u item %p"
queue_full(const char *name, uint64_t waited_ns) "queue %s waited %" PRIu64 " ns"
queue_empty(const char *name) "queue %s"
queue_error(const char *name, int error) "queue %s error %d"
END

python3 - "$build/bin/tracetool" "$runs" "$json" "${BENCH_QEMU:-}" <<'END'
import json, os, platform, statistics, sys, time

tool, runs, as_json, qemu = sys.argv[1:]


def command(prefix, backend, kind, events, group):
    return prefix + [f"--format={kind}", f"--backends={backend}",
                     f"--group={group}", f"{events}.events"]


def run_ms(arguments, output):
    """One run, from before the process begins until it has ended. It writes a
    new file: one that is there already would only be compared."""
    if os.path.exists(output):
        os.unlink(output)
    began = time.perf_counter()
    pid = os.posix_spawn(arguments[0], arguments + [output], os.environ)
    status = os.waitpid(pid, 0)[1]
    ended = time.perf_counter()
    if status:
        sys.exit(f"bench: {' '.join(arguments)} has failed")
    return (ended - began) * 1e3


def medians(prefix, backend, count):
    """The variants take turns, so that what disturbs hits them alike."""
    variants = [(events, kind) for events in ("all", "one") for kind in "hc"]
    times = {variant: [] for variant in variants}
    for _ in range(count):
        for events, kind in variants:
            line = command(prefix, backend, kind, events, "bench")
            times[events, kind].append(run_ms(line, f"out-{events}.{kind}"))
    return {variant: statistics.median(times[variant]) for variant in times}


def figures(prefix, backend, count, name=""):
    result = {}
    found = medians(prefix, backend, count)
    for events in "all", "one":
        for kind in "hc":
            result[f"{name}{events}_{kind}_ms"] = found[events, kind]
        result[f"{name}{events}_ms"] = max(found[events, kind] for kind in "hc")
    return result


with open("all.events") as file:
    events = sum(1 for line in file
                 if line.strip() and not line.startswith("#"))
result = {"events": events, **figures([tool], "ring", int(runs))}
script = os.path.join(qemu, "scripts", "tracetool.py")
if qemu and not os.path.exists(script):
    sys.exit(f"bench: no {script}")
if qemu:
    result.update(figures([sys.executable, script], "simple", 5, "qemu_"))
else:
    result.update({"qemu_all_ms": None, "qemu_one_ms": None})
result["kernel"] = platform.release()

if as_json:
    print(json.dumps(result))
else:
    print(f"format h and c, the slower of the two; {runs} runs, median")
    print(f"{events} events: {result['all_ms']:.1f} ms"
          f" (h {result['all_h_ms']:.1f}, c {result['all_c_ms']:.1f})")
    print(f"one small file: {result['one_ms']:.2f} ms")
    if qemu:
        print(f"QEMU's tracetool: {result['qemu_all_ms']:.0f} ms,"
              f" {result['qemu_one_ms']:.0f} ms")
END
