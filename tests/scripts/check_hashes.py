#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the stage hashes of replays with recorded ones: the bits are the same on every build.

usage: check_hashes.py MIKV TRACE GOLDEN [--record]

GOLDEN is {configuration: {stage: hash}}; with --record it is written instead. A change of the contract changes it, a
change of the code must not. Exit code: 0 equal, 1 not.
"""
import json
import subprocess
import sys

CONFIGURATIONS = {
    "default": [],
    "no-balancer": ["--no-balancer"],
    "int8-int4": ["--importance-format", "int8", "--retained-format", "int4"],
    "int4-int3": ["--importance-format", "int4", "--retained-format", "int3"],
    "rtn-int8": ["--importance-ratio", "0", "--retained-format", "int8", "--no-balancer"],
    "full": ["--importance-ratio", "1"],
    "half-none": ["--importance-ratio", "0.5", "--retained-format", "none"],
    "group-32": ["--group-size", "32"],
    "h2o_mean": ["--policy", "h2o_mean"],
    "snapkv": ["--policy", "snapkv"],
    "recent_sinks": ["--policy", "recent_sinks"],
    "random-7": ["--policy", "random", "--seed", "7"],
    "oracle": ["--policy", "oracle"],
}


def main():
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        return 0
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        return 2
    mikv, trace, golden = sys.argv[1:4]
    hashes = {}
    for name, options in CONFIGURATIONS.items():
        run = subprocess.run([mikv, "replay", trace, "--json", "-", "--hashes"] + options, check=True,
                             stdout=subprocess.PIPE)
        hashes[name] = json.loads(run.stdout)["total"]["hashes"]
    if "--record" in sys.argv[4:]:
        with open(golden, "w", encoding="utf-8") as file:
            file.write(json.dumps(hashes, indent=1, sort_keys=True) + "\n")
        return 0
    with open(golden, encoding="utf-8") as file:
        recorded = json.load(file)
    different = [f"{name}: {stage}: {hashes[name][stage]}, recorded {recorded.get(name, {}).get(stage)}"
                 for name in CONFIGURATIONS for stage in hashes[name]
                 if hashes[name][stage] != recorded.get(name, {}).get(stage)]
    print("\n".join(different) or f"{len(hashes)} configurations, {8 * len(hashes)} hashes are as recorded")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
