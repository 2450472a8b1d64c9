#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every case on device and CPU, compares bit for bit, and writes what was seen as one JSON document.

usage: evidence.py MIKV OUT.json [--source FACTS] [--trace TRACE EXPECTED]... [--note KEY FILE]...

FACTS: commit and tree hashes as tools/gpu/bundle_headers.sh writes them, for a tree without git. --trace adds a trace that is not in
data/, with the settings of its expected figures; it is counted, its hashes are recorded, nothing recomputes them.
--note puts a JSON file's content under a key (benchmarks, sanitizers). Exit code: 0 nothing differs, 1 something does, 2 usage.
"""
import argparse
import json
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "scripts"))
from cases import cases  # noqa: E402
from compare_expected import options as expected_options  # noqa: E402


def source_facts(path):
    """{commit, core, cuda}: the commit, and git's tree hashes of the folders."""
    if path:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    git = ["git", "-C", str(SOURCE), "rev-parse", "HEAD", "HEAD:core", "HEAD:cuda"]
    commit, core, cuda = subprocess.run(git, check=True, capture_output=True, text=True).stdout.split()
    return {"commit": commit, "core": core, "cuda": cuda}


def replay(mikv, arguments):
    command = [mikv, "replay", *arguments, "--backend", "both", "--hashes", "--quiet", "--json", "-"]
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or not done.stdout:
        sys.exit(f"evidence: {' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def driver_version():
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(query, check=True, capture_output=True, text=True).stdout.split()[0]


def row(name, arguments, report):
    divergence = report["total"]["divergence"]
    return {"case": name, "arguments": arguments, "compared": divergence["compared"],
            "mismatched": divergence["mismatched"], "max_ulp": divergence["max_ulp"],
            "hashes": report["total"]["hashes"], "trace_checksum": report["trace"]["checksum"]}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("mikv", type=lambda p: str(pathlib.Path(p).resolve()))
    parser.add_argument("out")
    parser.add_argument("--source")
    parser.add_argument("--trace", nargs=2, action="append", default=[])
    parser.add_argument("--note", nargs=2, action="append", default=[])
    arguments = parser.parse_args()

    jobs = list(cases(SOURCE))
    for trace, expected in arguments.trace:
        trace = str(pathlib.Path(trace).resolve())
        for name in json.loads(pathlib.Path(expected).read_text(encoding="utf-8")):
            jobs.append((f"{pathlib.PurePath(trace).stem}:{name}", [trace, *expected_options(name)]))
    rows, report = [], None
    for name, options in jobs:
        report = replay(arguments.mikv, options)
        rows.append(row(name, [pathlib.PurePath(o).name if o.startswith("/") else o for o in options], report))
    document = {
        "kind": "cuda-evidence",
        "schema_version": 1,
        "source": source_facts(arguments.source),
        "program": report["program"],
        "device": {**report["backend"]["devices"][0], "driver": driver_version()},
        "cases": rows,
        "compared": sum(r["compared"] for r in rows),
        "mismatched": sum(r["mismatched"] for r in rows),
        "max_ulp": max(r["max_ulp"] for r in rows),
    }
    for key, path in arguments.note:
        document[key] = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    pathlib.Path(arguments.out).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{document['device']['name']}: {document['mismatched']} of {document['compared']} values differ "
          f"in {len(rows)} replays")
    return 1 if document["mismatched"] else 0


if __name__ == "__main__":
    sys.exit(main())
