#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recomputes on the CPU the stage hashes that a device was seen to produce.

usage: check_evidence.py MIKV SOURCE_DIR

data/evidence/*.json come from tools/gpu/check.sh. A reference whose bits changed fails here. Says whether core/ or
cuda/ have changed since the evidence was made. Exit code: 0 equal, 1 not, 2 usage.
"""
import json
import pathlib
import subprocess
import sys


def tree(source, folder):
    git = ["git", "-C", source, "rev-parse", f"HEAD:{folder}"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def freshness(source, facts):
    changed = []
    for folder in ("core", "cuda"):
        now = tree(source, folder)
        if now is None:
            return "its age is not known: this is no git checkout"
        if now != facts[folder]:
            changed.append(f"{folder}/")
    return f"CUDA evidence is stale: {' and '.join(changed)} changed since" if changed else "up to date"


def check(mikv, source, path):
    evidence = json.loads(path.read_text(encoding="utf-8"))
    print(f"{path.name}: {evidence['device']['name']}, driver {evidence['device']['driver']}, commit "
          f"{evidence['source']['commit'][:12]}: {freshness(source, evidence['source'])}")
    problems = []
    if evidence["mismatched"] or evidence["compared"] == 0:
        problems.append(f"{evidence['mismatched']} of {evidence['compared']} values differed on the device")
    recomputed = 0
    for case in evidence["cases"]:
        trace = pathlib.Path(source) / case["arguments"][0]
        if not trace.exists():  # a trace that the repository does not hold
            continue
        run = subprocess.run([mikv, "replay", *case["arguments"], "--hashes", "--quiet", "--json", "-"],
                             cwd=source, check=True, capture_output=True, text=True)
        report = json.loads(run.stdout)
        recomputed += 1
        if report["trace"]["checksum"] != case["trace_checksum"]:
            problems.append(f"{case['case']}: another trace")
        problems += [f"{case['case']}: {stage}: {value}, on the device {case['hashes'][stage]}"
                     for stage, value in report["total"]["hashes"].items() if value != case["hashes"][stage]]
    print(f"{recomputed} of {len(evidence['cases'])} replays recomputed, {8 * recomputed} hashes compared")
    if recomputed == 0:
        problems.append("nothing could be recomputed")
    return problems


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    mikv, source = sys.argv[1:]
    files = sorted((pathlib.Path(source) / "data/evidence").glob("*.json"))
    problems = [] if files else ["data/evidence holds no evidence"]
    for path in files:
        problems += check(mikv, source, path)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
