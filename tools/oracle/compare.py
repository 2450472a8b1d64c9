#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares a program's replays with the oracle's stage streams, bit for bit by their hashes.

usage: compare.py MIKV FOLDER [NAME ...]

Runs MIKV replay on every trace of the folder (made by make_cases.py). Compares the hash of each
layer and stage with that of the oracle's streams, the counts of tokens and saturated groups, and
the hashes over all layers.
Exit code: 0 all equal, 1 any difference or no cases, 2 usage.
"""
import json
import os
import subprocess
import sys
from typing import Dict, List

sys.dont_write_bytecode = True
from constants import STAGES  # noqa: E402
from container import read_safetensors  # noqa: E402
from xxh3 import xxh3_64  # noqa: E402

COUNTS = ("importance_tokens", "retained_tokens", "saturated_groups")
SUFFIX = ".streams.safetensors"


def layer_hashes(streams: Dict[str, bytes], layer: int) -> Dict[str, str]:
    """FORMAT, Stage streams: a hash over the hashes of the layer's KV heads, in order."""
    heads = sum(name.startswith(f"layers.{layer}.heads.") and name.endswith(".output") for name in streams)
    hashes = {}
    for stage in STAGES:
        joined = b"".join(xxh3_64(streams[f"layers.{layer}.heads.{head}.{stage}"]).to_bytes(8, "little")
                          for head in range(heads))
        hashes[stage] = f"{xxh3_64(joined):016x}"
    return hashes


def compare_case(program: str, base: str) -> List[str]:
    """Prints a line for each layer and stage; returns what differs."""
    command = [program, "replay", base + ".safetensors", "--config", base + ".json"]
    command += ["--hashes", "--quiet", "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    name = os.path.basename(base)
    if done.returncode != 0:
        print(f"{name}: exit code {done.returncode}: {done.stderr.strip()}")
        return [f"{name}: exit code {done.returncode}"]
    report = json.loads(done.stdout)
    layers = {row["layer"]: row for row in report["layers"]}
    header, body = read_safetensors(base + SUFFIX)
    counts = header.pop("__metadata__")
    streams = {key: body[entry["data_offsets"][0]:entry["data_offsets"][1]] for key, entry in header.items()}
    expected_layers = sorted({int(key.split(".")[1]) for key in streams})
    if expected_layers != sorted(layers):
        print(f"{name}: layers {sorted(layers)}, expected {expected_layers}")
        return [f"{name}: layers"]
    differences = []
    by_layer = {layer: layer_hashes(streams, layer) for layer in expected_layers}
    for layer, hashes in by_layer.items():
        expected: Dict[str, str] = dict(hashes)
        found: Dict[str, str] = dict(layers[layer]["hashes"])
        for count in COUNTS:
            expected[count] = counts[f"layers.{layer}.{count}"]
            found[count] = str(layers[layer][count])
        print(f"{name}, layer {layer}")
        for stage, value in expected.items():
            equal = found.get(stage) == value
            nbytes = sum(len(data) for key, data in streams.items()
                         if key.startswith(f"layers.{layer}.") and key.endswith("." + stage))
            size = f"({nbytes} bytes)" if stage in STAGES else ""
            if equal:
                print(f"  {stage:18} equal      {value} {size}")
            else:
                print(f"  {stage:18} different  oracle {value}, program {found.get(stage)} {size}")
                differences.append(f"{name}, layer {layer}: {stage}")
    for stage in STAGES:
        joined = b"".join(int(hashes[stage], 16).to_bytes(8, "little") for hashes in by_layer.values())
        whole = f"{xxh3_64(joined):016x}"
        if report["total"]["hashes"][stage] != whole:
            print(f"  total {stage}: different  oracle {whole}, program {report['total']['hashes'][stage]}")
            differences.append(f"{name}, total: {stage}")
    return differences


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    program, folder, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    if not names:
        names = sorted(name[:-len(SUFFIX)] for name in os.listdir(folder) if name.endswith(SUFFIX))
    differences: List[str] = []
    for name in names:
        differences += compare_case(program, os.path.join(folder, name))
    print(f"{len(names)} cases, {len(differences)} differences")
    for line in differences:
        print("  " + line)
    return 1 if differences or not names else 0


if __name__ == "__main__":
    sys.exit(main())
