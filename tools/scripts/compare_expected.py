#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares replays of a trace with figures that an independent program computed.

usage: compare_expected.py MIKV TRACE EXPECTED

EXPECTED is {configuration: [a row for each layer of the model]}; a configuration is named mikv-rR-HI-LO[-nobal],
rtn-LO, evict-rR or full. Tier counts must be equal, errors within 1e-3, 'full' exactly 0. Selection near a tie can
differ by a token: rows beyond 1e-3 but within 1 % are listed, and allowed where tokens moved.
Exit code: 0 all agree, 1 some do not, 2 usage.
"""
import json
import re
import subprocess
import sys

ERRORS = ["key_error", "value_error", "output_error", "attention_kl"]
COUNTS = ["importance_tokens", "retained_tokens"]
STRICT = 1e-3
NEAR_A_TIE = 1e-2


def options(name):
    """The command line of a configuration's name."""
    if name == "full":
        return ["--importance-ratio", "1"]
    if match := re.fullmatch(r"rtn-(int\d)", name):
        return ["--importance-ratio", "0", "--retained-format", match[1], "--no-balancer"]
    if match := re.fullmatch(r"evict-r(\d+)", name):
        return ["--importance-ratio", f"0.{match[1]}", "--retained-format", "none", "--no-balancer"]
    if match := re.fullmatch(r"mikv-r(\d+)-(\w+)-(int\d)(-nobal)?", name):
        ratio, important, retained, no_balancer = match.groups()
        return ["--importance-ratio", f"0.{ratio}", "--importance-format", important, "--retained-format",
                retained] + (["--no-balancer"] if no_balancer else [])
    sys.exit(f"compare_expected: no options known for configuration '{name}'")


def relative(got, want):
    if got is None or want is None:
        return 0.0 if got is want else float("inf")
    return abs(got - want) / abs(want) if want else (0.0 if got == 0 else float("inf"))


def compare(name, rows, layers):
    """Prints one line for a configuration; returns whether it agrees."""
    worst, near_tie, failed = 0.0, [], []
    for layer in layers:
        want = rows[layer["layer"]]
        failed += [f"layer {layer['layer']} {f}: {layer[f]}, expected {want[f]}" for f in COUNTS
                   if layer[f] != want[f]]
        for field in ERRORS:
            error = relative(layer[field], want.get(field))
            worst = max(worst, error)
            where = f"layer {layer['layer']} {field}: {layer[field]}, expected {want.get(field)}"
            if error > NEAR_A_TIE:
                failed.append(where)
            elif error > STRICT:
                near_tie.append(where)
    print(f"{name:26} {len(layers)} layers, worst relative difference {worst:.1e}"
          f"{'' if not failed else ' FAILED'}")
    for line in near_tie:
        print(f"    near a tie: {line}")
    for line in failed:
        print(f"    {line}")
    return not failed


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    mikv, trace, expected_path = sys.argv[1:]
    with open(expected_path, encoding="utf-8") as file:
        expected = json.load(file)
    agree = True
    for name, rows in expected.items():
        run = subprocess.run([mikv, "replay", trace, "--json", "-"] + options(name), check=True,
                             stdout=subprocess.PIPE)
        agree &= compare(name, rows, json.loads(run.stdout)["layers"])
    print("all configurations agree" if agree and expected else "NOT all configurations agree")
    return 0 if agree and expected else 1


if __name__ == "__main__":
    sys.exit(main())
