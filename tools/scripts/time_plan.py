#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times 'mikv plan': plans of every model of the catalogue, and the search for a plan of 128 layers with 12 choices each.

usage: time_plan.py MIKV TRACE    TRACE: any recorded trace; its report is the pattern of the made ones
Prints milliseconds of whole processes. Exit code: 0 plans take less than 50 ms and the search less than 1 s, 1 not.
"""
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile
import time

LAYERS = 128
RATIOS = [i / 20 for i in range(12)]


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE).stdout


def milliseconds(*command):
    """The best of three, exit code 1 (does not fit) allowed."""
    best = math.inf
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL, check=False)
        best = min(best, 1000 * (time.perf_counter() - start))
        assert done.returncode in (0, 1), command
    return best


def has_mikv_layers(mikv, model):
    """A model without any layer that MiKV can keep is refused."""
    command = [mikv, "plan", "--model", model, "--kv", "mikv", "--quiet"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def reports(mikv, trace, folder):
    """One report a ratio, with errors that fall as it rises, otherwise by layer and at random."""
    pattern = json.loads(run(mikv, "replay", trace, "--json", "-"))
    generator = random.Random(1)
    scale = [math.exp(4 * generator.random()) for _ in range(LAYERS)]
    for i, ratio in enumerate(RATIOS):
        report = json.loads(json.dumps(pattern))
        report["configuration"]["importance_ratio"] = ratio
        report["trace"]["num_layers"] = LAYERS
        row = report["layers"][0]
        report["layers"] = [dict(row, layer=layer, output_norm=scale[layer],
                                 output_error=math.exp(-4 * ratio) * (0.5 + generator.random()))
                            for layer in range(LAYERS)]
        path = folder / f"{i}.json"
        path.write_text(json.dumps(report), encoding="utf-8")
        yield path


def main():
    mikv, trace = sys.argv[1:3]
    models = [model["name"] for model in json.loads(run(mikv, "models", "--json", "-"))["models"]]
    slowest = max((milliseconds(mikv, "plan", "--model", model, "--kv-memory", "100GiB", "--engine", "all", "--kv", kv), model, kv)
                  for model in models for kv in ("native", "mikv") if kv == "native" or has_mikv_layers(mikv, model))
    print(f"plans of {len(models)} models by all engines: at most {slowest[0]:.1f} ms ({slowest[1]}, {slowest[2]})")
    with tempfile.TemporaryDirectory() as folder:
        paths = list(reports(mikv, trace, pathlib.Path(folder)))
        command = [mikv, "plan", "--context", "32768", "--kv-memory", "60GiB", "--json", "-", "--reports", *paths]
        solved = json.loads(run(*command))["solution"]
        search = milliseconds(*command)
    print(f"{LAYERS} layers with {len(RATIOS)} choices: {search:.0f} ms, "
          f"{'exact' if solved['exact'] else 'a bound'}, error {solved['best']['output_error']:.3f}, {len(solved['front'])} points")
    return 0 if slowest[0] < 50 and search < 1000 else 1


if __name__ == "__main__":
    sys.exit(main())
