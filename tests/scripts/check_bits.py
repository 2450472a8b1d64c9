#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what tests/bits/stage_hashes prints on every instruction set with recorded hashes.

usage: check_bits.py STAGE_HASHES TRACE GOLDEN [SETTING]    without a SETTING: all that it knows
Exit code: 0 equal, 1 not.
"""
import concurrent.futures
import json
import sys

from run_isa import ISAS, run_isa


def main():
    if len(sys.argv) not in (4, 5):
        print(__doc__)
        return 0 if {"-h", "--help"} & set(sys.argv[1:]) else 2
    program, trace, golden = sys.argv[1:4]
    with open(golden, encoding="utf-8") as file:
        recorded = json.load(file)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        outputs = pool.map(lambda isa: run_isa(isa, [program, trace] + sys.argv[4:]), ISAS)
    different = 0
    for isa, out in zip(ISAS, outputs):
        if out is None:
            continue
        lines = out.splitlines()
        for line in lines:
            setting, stage, stage_hash = line.split()
            if recorded[setting][stage] != stage_hash:
                print(f"{isa}: {setting}: {stage}: {stage_hash}, recorded {recorded[setting][stage]}")
                different += 1
        print(f"{isa}: {len(lines)} hashes are compared")
        different += not lines
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
