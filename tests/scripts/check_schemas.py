#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Validates real output of every command, and a plan file, against the schema of its kind; also that a changed document fails.

usage: check_schemas.py MIKV SOURCE_DIR
Exit code: 0 valid, 1 not, 77 skipped (Python package jsonschema is missing).
"""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("skipped: the Python package jsonschema is missing (Debian: python3-jsonschema)")
    sys.exit(77)


def run(command):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def as_both(report, mismatched):
    """The report as --backend both writes it, with values of one stage that differ; made up, for a machine without a device."""
    report = copy.deepcopy(report)
    report["backend"] = {"name": "both", "devices": [
        {"index": 0, "name": "a device", "compute_capability": "9.0", "memory_bytes": 1 << 36}]}
    for row in [*report["layers"], report["total"]]:
        same = {"compared": 64, "mismatched": 0, "max_ulp": 0, "ulp_histogram": [], "first": None}
        stages = {stage: dict(same) for stage in row["hashes"]}
        stages["output"].update(mismatched=mismatched, max_ulp=1 if mismatched else 0,
                                ulp_histogram=[mismatched] if mismatched else [])
        row["divergence"] = {"compared": 64 * len(stages), "mismatched": mismatched, "max_ulp": 1 if mismatched else 0,
                             "first": None, "stages": stages}
    return report


def documents(mikv, trace, folder):
    """(schema's name, document) of every command that writes JSON."""
    full = run([mikv, "replay", trace, "--json", "-", "--hashes"])
    dropped = run([mikv, "replay", trace, "--json", "-", "--retained-format", "none", "--plan", "0:int8/int4"])
    plan = {"kind": "plan", "schema_version": 1,
            "layers": [{"layer": 3, "importance_format": "int8", "retained_format": "int4"}]}
    plan_file = folder / "plan.json"
    plan_file.write_text(json.dumps(plan), encoding="utf-8")
    planned = run([mikv, "replay", trace, "--json", "-", "--plan", plan_file])
    assert planned["layers"][0]["retained_format"] == "int4"
    yield "plan", plan
    yield "replay", planned
    yield "replay", full
    yield "replay", dropped
    reports = [folder / "a.json", folder / "b.json"]
    for path, report in zip(reports, (full, dropped)):
        path.write_text(json.dumps(report), encoding="utf-8")
    yield "models", run([mikv, "models", "--json", "-"])
    exported = folder / "exported.json"
    yield "memory_plan", run([mikv, "plan", "--model", "gemma-3-1b", "--kv-memory", "1GiB", "--kv", "mikv", "--plan", "5:int8,11:fp8",
                              "--export", exported, "--json", "-"])
    yield "plan", json.loads(exported.read_text(encoding="utf-8"))
    yield "memory_plan", run([mikv, "plan", "--model", "qwen3.6-27b", "--context", "4096", "--engine", "all", "--json", "-"])
    yield "memory_plan", run([mikv, "plan", "--reports", *reports, "--json", "-"])
    yield "memory_plan", run([mikv, "plan", "--reports", *reports, "--max-output-error", "9", "--json", "-"])
    log = folder / "engine.log"
    log.write_text("GPU KV cache size: 81,920 tokens", encoding="utf-8")
    yield "log_check", run([mikv, "plan", "--model", "llama-3.1-8b", "--kv-memory", "10GiB", "--check-log", log, "--json", "-"])
    sweep = [mikv, "sweep", trace, "--importance-ratio", "0.1,0.5", "--retained-format", "int2,none", "--json", "-"]
    yield "sweep", run(sweep)
    yield "sweep", run([*sweep, "--max-output-error", "9"])
    yield "trace", run([mikv, "trace", "info", trace, "--json", "-"])
    yield "trace", run([mikv, "trace", "check", trace, "--json", "-"])
    yield "diff", run([mikv, "diff", *reports, "--json", "-"])
    for path, mismatched in zip(reports, (0, 3)):
        both = as_both(full, mismatched)
        path.write_text(json.dumps(both), encoding="utf-8")
        yield "replay", both
    subprocess.run([mikv, "cases", "export", folder / "cases", "--quiet"], check=True)
    yield "cases", json.loads((folder / "cases/manifest.json").read_text(encoding="utf-8"))
    yield from test_documents(mikv, folder)
    yield "benchmark_diff", run([mikv, "diff", *benchmark_files(folder), "--json", "-"])
    diff = run([mikv, "diff", *reports, "--json", "-"])
    assert diff["total"]["divergence"]["mismatched"]["delta"] == 3
    yield "diff", diff


def test_documents(mikv, folder):
    """Of results that are not there: every case fails."""
    (folder / "results").mkdir()
    report = folder / "test.json"
    command = [mikv, "cases", "verify", folder / "cases", "--results", folder / "results", "--quiet", "--json", report]
    assert subprocess.run(command, check=False).returncode == 1
    document = json.loads(report.read_text(encoding="utf-8"))
    yield "test", document
    document["cases"][0]["status"] = "passed"
    document["cases"].pop()
    better = folder / "better.json"
    better.write_text(json.dumps(document), encoding="utf-8")
    diff = run([mikv, "diff", report, better, "--json", "-"])
    assert diff["total"]["fixed"] == diff["total"]["removed"] == 1
    yield "test_diff", diff


def benchmark_files(folder):
    """Two reports as Google Benchmark writes them, the second with a replay of benchmark_ratios.py."""
    for name, more in (("before", {}), ("after", {"replays": [{"threads": 1, "seconds": 2, "processor_seconds": 2}]})):
        path = folder / f"{name}.json"
        time = {"run_name": "decode", "cpu_time": len(name), "real_time": len(name), "time_unit": "us"}
        path.write_text(json.dumps({"context": {"cpu": name}, "benchmarks": [time], **more}), encoding="utf-8")
        yield path


def main():
    mikv, source = sys.argv[1], pathlib.Path(sys.argv[2])
    trace = str(source / "data/traces/text112-layer-3.safetensors")
    checked = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind, document in documents(mikv, trace, pathlib.Path(folder)):
            schema = json.loads((source / f"tools/schemas/{kind}.schema.json").read_text(encoding="utf-8"))
            validator = jsonschema.Draft7Validator(schema)
            for error in validator.iter_errors(document):
                print(f"{kind}: {list(error.path)}: {error.message[:200]}")
                return 1
            broken = copy.deepcopy(document)
            broken["surprise"] = 1
            if validator.is_valid(broken):
                print(f"{kind}: the schema accepts a field that it does not know")
                return 1
            checked += 1
    print(f"{checked} documents are valid")
    return 0 if checked == 23 else 1


if __name__ == "__main__":
    sys.exit(main())
