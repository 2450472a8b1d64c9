#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times a sweep of 3 ratios x 4 formats x 2 balancer settings beside one replay, in one run.

usage: time_sweep.py MIKV TRACE [--runs N] [--threads N]    TRACE: one of 512 tokens, such as 'mikv trace synth' makes
Prints processor and elapsed time of whole processes, medians of runs that take turns, and the ratio.
Exit code: 0 the sweep takes at most 6 times the processor time of a replay, 1 not.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

GRID = ["--importance-ratio", "0.1,0.2,0.3", "--retained-format", "int2,int3,int4,none", "--balancer", "on,off"]
MOST = 6


def milliseconds(command):
    """(processor, elapsed) of one process."""
    begin = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return 1000 * (usage.ru_utime + usage.ru_stime), 1000 * elapsed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mikv")
    parser.add_argument("trace")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", default="1")
    options = parser.parse_args()
    common = [options.trace, "--threads", options.threads, "--quiet"]
    times = {"replay": [], "sweep": []}
    for _ in range(options.runs):
        times["replay"].append(milliseconds([options.mikv, "replay", *common]))
        times["sweep"].append(milliseconds([options.mikv, "sweep", *common, *GRID]))
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in times.items()}
    for name, (processor, elapsed) in medians.items():
        print(f"{name:7} {processor:8.1f} ms of processors, {elapsed:8.1f} ms elapsed")
    ratios = [sweep / replay for sweep, replay in zip(medians["sweep"], medians["replay"])]
    print(f"ratio   {ratios[0]:8.2f}                  {ratios[1]:8.2f}            (24 settings, at most {MOST}; {options.runs} runs, "
          f"{options.threads} threads)")
    return 0 if ratios[0] <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
