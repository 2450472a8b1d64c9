#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Are the planted bugs caught by 'mikv test', in the right operation and with the right diagnosis?

usage: check_planted_bugs.py MIKV SOURCE_DIR WORK_DIR [NAME...]
Every bug (tests/plugins/planted_bugs/bugs.json) must fail in each of its operations and in no other one; where it has a
diagnosis, most of the failing cases with a diagnosis must name it. The unbroken plug-in must pass every case. Exit code: 0
all as it should be, 1 not.
"""
import collections
import json
import pathlib
import subprocess
import sys

BAD = ("failed", "error", "mistrusted")
# Quick ones, and those that bugs need: ties, sinks, large values, packed importance tiers, wide strides.
FILTER = ("s=(150:r=0.2:int2(:hi=int[48])?:b=2|150:r=0.2:int8:b=2|150:r=0.2:int2(:hi=int[48])?(:e=fp32)?:b=2(:nobalancer)?"
          ":data=(scales|ties|sink|large)|513:r=0.2:int2|17:r=0.2:int2|40:r=0.2:int2:b=2:wide):seed=1$")


def run_test(mikv, plugin, bug):
    """The report of all operations; with a judge of its own, of those that the bug is in."""
    options = ["--repeat", "3"] if bug["name"] in ("nondeterministic", "unbroken") else []
    if "judge" in bug:
        options += ["--judge", bug["judge"]]
        options += [word for operation in bug["operations"] for word in ("--op", operation)]
    report = subprocess.run([mikv, "test", "--plugin", plugin, "--json", "-", "--filter", FILTER, "--quiet", "--time-limit", "3",
                             "--threads", "2", *options], capture_output=True, text=True, check=False)
    if report.returncode not in (0, 1):
        raise RuntimeError(f"{plugin}: exit code {report.returncode}: {report.stderr}")
    return json.loads(report.stdout)


def findings(bug, report):
    """What is wrong with how a bug was caught."""
    bad = [case for case in report["cases"] if case["status"] in BAD]
    caught = {case["operation"] for case in bad}
    for operation in set(bug["operations"]) - caught:
        yield f"not caught in {operation}"
    for operation in caught - set(bug["operations"]):
        yield f"{operation} fails, too: {next(c['name'] for c in bad if c['operation'] == operation)}"
    if bug["diagnosis"] is None:
        return
    named = collections.Counter(case["diagnosis"] for case in bad if case["diagnosis"])
    if not named or named.most_common(1)[0][0] != bug["diagnosis"]:
        yield f"diagnosis {dict(named)} instead of {bug['diagnosis']}"


def main():
    mikv, source_dir, work_dir = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    wanted = sys.argv[4:]
    subprocess.run([sys.executable, source_dir / "tests/scripts/build_planted_bugs.py", source_dir, work_dir, *wanted], check=True)
    bugs = json.loads((source_dir / "tests/plugins/planted_bugs/bugs.json").read_text(encoding="utf-8"))["bugs"]
    bugs.append({"name": "unbroken", "operations": [], "diagnosis": None})
    wrong = 0
    diagnosed = set()
    for bug in bugs:
        if wanted and bug["name"] not in wanted:
            continue
        problems = list(findings(bug, run_test(mikv, work_dir / f"{bug['name']}.so", bug)))
        for problem in problems:
            print(f"{bug['name']}: {problem}")
        wrong += len(problems) > 0
        if bug["diagnosis"] and not problems:
            diagnosed.add(bug["name"])
    print(f"{len(bugs) - 1} planted bugs, {wrong} not caught as they should be, {len(diagnosed)} diagnosed")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
