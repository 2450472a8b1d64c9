#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the CPU benchmarks and a replay of a whole layer; prints one table of ratios.

usage: benchmark_ratios.py BUILD_DIR [--filter REGEX] [--repetitions N] [--no-replay] [--out FILE.json]
       benchmark_ratios.py --json FILE.json

Every time is a median of processor time (of a replay: elapsed time). "x alternative": how many times as fast as the
alternative on the same shape. "of ceiling": the time that the machine would need at least, by the ceiling named, as a share.
"must hold": a bound, and whether it is met; the exit code does not depend on it. Exit code: 0 done, 1 something failed.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

UNITS = {"decode": "token x query head", "append_demote": "KV head", "quantize_pack": "row", "load_row": "row",
         "balancer": "row", "prefill_scores": "causal pair", "select": "token", "demotion": "token"}
PAPER = {"query_heads": "32", "kv_heads": "32", "tokens": "4096", "head_dim": "128", "ratio": "20", "importance": "fp16",
         "retained": "int2"}
REPLAY_SHAPE = {"query heads": 32, "kv heads": 32, "prompt": 4096, "decode": 256, "head dim": 128}


def run_benchmarks(build, options):
    command = [build / "mikv_benchmark", "--benchmark_format=json", f"--benchmark_repetitions={options.repetitions}",
               "--benchmark_min_time=0.1", f"--benchmark_filter={options.filter}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def run_replays(build):
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "layer.safetensors")
        shape = [text for name, value in REPLAY_SHAPE.items() for text in (f"--{name.replace(' ', '-')}", str(value))]
        subprocess.run([build / "mikv", "trace", "synth", trace, "--profile", "llama-like", "--quiet", *shape], check=True)
        return [replay(build, trace, threads) for threads in (1, 2)]


def replay(build, trace, threads):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    process = subprocess.Popen([build / "mikv", "replay", trace, "--threads", str(threads), "--quiet"])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"threads": threads, "seconds": seconds, "max_rss_bytes": 1024 * usage.ru_maxrss,
            "processor_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "trace_bytes": os.path.getsize(trace)}


class Result:
    """The median of one benchmark's repetitions."""

    def __init__(self, entry):
        parts = entry["run_name"].split("/")
        self.stage = parts[0]
        fields = dict(part.split(":", 1) for part in parts[1:] if ":" in part)
        fields.pop("iterations", None)
        self.by = fields.pop("isa", None) or fields.pop("alternative", None) or ""
        self.is_ours = "/isa:" in entry["run_name"]
        self.shape = fields
        self.seconds = entry["real_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}[entry["time_unit"]]
        self.amounts = {name: entry.get(name, 0) for name in ("units", "bytes", "flops", "integer_operations")}

    def reads_memory(self):
        """Whether its data comes from beyond the caches."""
        if self.stage == "decode":
            return self.shape["kv_heads"] != "1"
        return self.stage == "balancer" or self.stage == "quantize_pack" and int(self.shape["rows"]) > 65536

    def rate(self, amount):
        return self.amounts[amount] / self.seconds


class Ceilings:
    def __init__(self, results):
        self.read = max((r.rate("bytes") for r in results if r.stage == "ceiling_read"), default=None)
        self.peaks = {(amount, r.by): r.rate(amount) for r in results for stage, amount in
                      (("ceiling_fma", "flops"), ("ceiling_integer_dot", "integer_operations")) if r.stage == stage}

    def peak(self, amount, isa):
        """Of the instruction set, or the machine's where it has none."""
        rates = [rate for (what, _), rate in self.peaks.items() if what == amount]
        return self.peaks.get((amount, isa)) or max(rates, default=None)

    def shares(self, result):
        """The ceilings' names and which share of the time each would need."""
        if self.read and result.reads_memory():
            yield "read", result.amounts["bytes"] / self.read / result.seconds
        needed = 0
        for amount in ("flops", "integer_operations"):
            peak = self.peak(amount, result.by)
            if peak:
                needed += result.amounts[amount] / peak
        if needed:
            yield "arithmetic", needed / result.seconds


def alternatives_of(result, results):
    """On the same shape; for decode attention also fp16 attention over as many tokens."""
    for other in results:
        if other.is_ours or other.stage != result.stage:
            continue
        if other.shape == result.shape:
            yield other
        elif result.stage == "decode" and other.by == "eigen_fp16" and all(
                result.shape[key] == other.shape[key] for key in ("query_heads", "kv_heads", "tokens", "head_dim")):
            yield other


def bounds(result, ceilings, alternatives):
    """What must hold for a result: (text, met)."""
    best = ceilings.peaks and max(isa for _, isa in ceilings.peaks)  # avx512 after avx2
    if not result.is_ours or result.by != best:
        return
    shares = dict(ceilings.shares(result))
    if result.stage == "decode" and result.shape == PAPER:
        for other in alternatives:
            if other.by == "eigen_fp16":
                share = result.seconds / other.seconds
                yield f"{share:.2f} <= 0.5 of eigen_fp16", share <= 0.5
        if best == "avx512":
            each = 1e9 * result.seconds / result.amounts["units"]
            yield f"{each:.1f} <= 15 ns", each <= 15
    if result.stage == "quantize_pack" and "read" in shares:
        yield f"{shares['read']:.2f} >= 0.4 of read", shares["read"] >= 0.4
    if result.stage == "prefill_scores" and "arithmetic" in shares:
        yield f"{shares['arithmetic']:.2f} >= 0.7 of FMA peak", shares["arithmetic"] >= 0.7


def time_text(seconds):
    for unit, factor in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            break
    return f"{seconds * factor:.3g} {unit}"


def rates_text(result):
    rates = []
    if result.amounts["units"]:
        rates.append(f"{1e9 * result.seconds / result.amounts['units']:.3g} ns a {UNITS[result.stage]}")
    if result.amounts["bytes"]:
        rates.append(f"{result.rate('bytes') / 1e9:.3g} GB/s")
    if result.stage in ("prefill_scores", "ceiling_fma"):
        rates.append(f"{result.rate('flops') / 1e9:.3g} GFLOP/s")
    if result.stage == "ceiling_integer_dot":
        rates.append(f"{result.rate('integer_operations') / 1e9:.3g} GOP/s")
    return ", ".join(rates)


def shape_text(result):
    """The setting behind the shape, as "20% fp16 + int2"."""
    fields = dict(result.shape)
    fields.pop("head_dim", None)
    ratio = fields.pop("ratio", None)
    tiers = [fields.pop(name) for name in ("importance", "retained") if name in fields]
    text = ", ".join(f"{value} {name.replace('_', ' ')}" if value.isdigit() else value for name, value in fields.items())
    if not tiers:
        return text
    return f"{text}, {ratio + '% ' if len(tiers) == 2 else 'all '}{' + '.join(tiers)}"


def rows(document):
    results = [Result(entry) for entry in document["benchmarks"] if entry.get("aggregate_name") == "median"]
    ceilings = Ceilings(results)
    for result in results:
        others = list(alternatives_of(result, results)) if result.is_ours else []
        ratios = ", ".join(f"{other.seconds / result.seconds:.2f} {other.by}" for other in others)
        shares = [] if result.stage.startswith("ceiling") else ceilings.shares(result)
        verdicts = ", ".join(f"{text}: {'met' if met else 'MISSED'}" for text, met in bounds(result, ceilings, others))
        yield (result.stage, shape_text(result), result.by, time_text(result.seconds), rates_text(result), ratios,
               ", ".join(f"{100 * share:.0f} % {name}" for name, share in shares), verdicts)
    for run in document.get("replays", []):
        shape = ", ".join(f"{value} {name}" for name, value in REPLAY_SHAPE.items())
        yield ("replay of a layer", shape, f"{run['threads']} threads", time_text(run["seconds"]),
               f"{time_text(run['processor_seconds'])} of processors, {run['max_rss_bytes'] / 2**20:.0f} MiB at most, "
               f"trace {run['trace_bytes'] / 2**20:.0f} MiB", "", "", "")


def print_table(document):
    context = document["context"]
    print(f"{context['cpu']}; {context['isa']}; {context['compiler']}; commit {context['commit']}; {context['date'][:10]}\n")
    print("| stage | shape | by | time | rate | x alternative | of ceiling | must hold |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in rows(document):
        print("| " + " | ".join(row) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", type=pathlib.Path, metavar="BUILD_DIR")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--out", metavar="FILE")
    parser.add_argument("--filter", default=".", metavar="REGEX")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument("--no-replay", action="store_true")
    options = parser.parse_args()
    if (options.build is None) == (options.json is None):
        parser.error("either BUILD_DIR or --json FILE")
    if options.json:
        with open(options.json, encoding="utf-8") as file:
            document = json.load(file)
    else:
        try:
            document = run_benchmarks(options.build.resolve(), options)
            if not options.no_replay:
                document["replays"] = run_replays(options.build.resolve())
        except subprocess.CalledProcessError as error:
            print(f"{error.cmd[0]}: exit code {error.returncode}", file=sys.stderr)
            return 1
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=1) + "\n")
    print_table(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
