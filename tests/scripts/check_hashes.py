#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the stage hashes of replays with recorded ones: the bits are the same on every build.

usage: check_hashes.py MIKV TRACE GOLDEN [--record | --isas | --threads]

GOLDEN is {configuration: {stage: hash}}; with --record it is written instead. A change of the contract changes it, a
change of the code must not. --isas replays on every instruction set, --threads some configurations on 1 to 8 threads.
Exit code: 0 equal, 1 not.
"""
import json
import sys

from run_isa import ISAS, run_isa

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
THREADED = ["default", "int4-int3", "snapkv"]


class Replays:
    def __init__(self, mikv, trace):
        self.command = [mikv, "replay", trace, "--json", "-", "--hashes"]

    def hashes(self, name, isa=None, options=()):
        """None where the instruction set is not available."""
        report = run_isa(isa, self.command + CONFIGURATIONS[name] + list(options))
        return report and json.loads(report)["total"]["hashes"]

    def variants(self, mode):
        """Pairs of a text and the hashes of some configurations, by name."""
        if mode == "--isas":
            for isa in ISAS:
                if self.hashes("default", isa):
                    yield isa, {name: self.hashes(name, isa) for name in CONFIGURATIONS}
        elif mode == "--threads":
            for threads in range(1, 9):
                yield f"{threads} threads", {name: self.hashes(name, options=["--threads", str(threads)])
                                             for name in THREADED}
        else:
            yield "as built", {name: self.hashes(name) for name in CONFIGURATIONS}


def differences(hashes, recorded):
    return [f"{name}: {stage}: {value}, recorded {recorded.get(name, {}).get(stage)}"
            for name, stages in hashes.items() for stage, value in stages.items()
            if value != recorded.get(name, {}).get(stage)]


def main():
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        return 0
    mode = sys.argv[4] if len(sys.argv) > 4 else ""
    if len(sys.argv) not in (4, 5) or mode not in ("", "--record", "--isas", "--threads"):
        print(__doc__, file=sys.stderr)
        return 2
    mikv, trace, golden = sys.argv[1:4]
    replays = Replays(mikv, trace)
    if mode == "--record":
        hashes = dict(replays.variants(""))["as built"]
        with open(golden, "w", encoding="utf-8") as file:
            file.write(json.dumps(hashes, indent=1, sort_keys=True) + "\n")
        return 0
    with open(golden, encoding="utf-8") as file:
        recorded = json.load(file)
    failed = False
    for variant, hashes in replays.variants(mode):
        lines = differences(hashes, recorded)
        failed |= bool(lines)
        print("\n".join(f"{variant}: {line}" for line in lines) or
              f"{variant}: {len(hashes)} configurations, {8 * len(hashes)} hashes are as recorded")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
