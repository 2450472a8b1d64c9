#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the steps of the workflow in tests/plugins/ci_example do what they say: build, test, compare?

usage: check_ci_example.py MIKV SOURCE_DIR WORK_DIR
They run as they are written, in a folder that looks like the workflow's: the CPU example is the plug-in, a few cases stand for
all. Exit code: 0 they do, 1 not.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap

FEW = "s=17:"


def script(workflow, name):
    """The text of a step's 'run: |'."""
    found = re.search(rf"^ +- name: {re.escape(name)}\n(?: +if: .*\n)? +run: \|\n((?: {{10}}.*\n)+)", workflow, re.M)
    if not found:
        raise ValueError(f"no step '{name}' with a script")
    return textwrap.dedent(found[1])


def prepare(mikv, source, work):
    shutil.rmtree(work, ignore_errors=True)
    (work / "mikv/bin").mkdir(parents=True)
    (work / "mikv/include/mikv").mkdir(parents=True)
    (work / "mikv/include/mikv/core").symlink_to(source / "core")
    shutil.copytree(source / "tests/plugins/cpu_example", work / "kernels")
    wrapper = work / "mikv/bin/mikv"
    wrapper.write_text(f'#!/bin/sh\n[ "$1" != test ] || set -- "$@" --filter "{FEW}"\nexec "{mikv}" "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)


def run(text, work):
    """As GitHub Actions runs a script."""
    summary = work / "summary.md"
    return subprocess.run(["bash", "-e", "-c", text], cwd=work, env={**os.environ, "GITHUB_STEP_SUMMARY": str(summary)},
                          capture_output=True, text=True, check=False)


def require(done, exit_code, what):
    if done.returncode != exit_code:
        raise ValueError(f"{what}: exit code {done.returncode} instead of {exit_code}: {done.stdout}{done.stderr}")


def main():
    mikv, source, work = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
    workflow = (source / "tests/plugins/ci_example/kernel-tests.yml").read_text(encoding="utf-8")
    build, test, compare = (script(workflow, name) for name in
                            ("Build the plug-in", "Test the kernels", "Compare with the accepted report"))
    prepare(mikv, source, work)
    report, accepted = work / "report.json", work / "kernels/mikv-report.json"
    require(run(build, work), 0, "build")
    require(run(compare, work), 3, "compare without reports")
    require(run(test, work), 0, "test")
    if "| passed |" not in (work / "summary.md").read_text(encoding="utf-8") or not (work / "junit.xml").exists():
        raise ValueError("the test left no summary, or no JUnit file")
    shutil.copy(report, accepted)
    require(run(compare, work), 0, "compare")
    decode = work / "kernels/decode.c"
    decode.write_text(decode.read_text(encoding="utf-8").replace("scale * dot;", "-scale * dot;"), encoding="utf-8")
    require(run(build, work), 0, "build of a wrong kernel")
    require(run(test, work), 0, "test of a wrong kernel")
    regressions = run(compare, work)
    require(regressions, 1, "compare of a wrong kernel")
    failed = [case["name"] for case in json.loads(report.read_text(encoding="utf-8"))["cases"] if case["status"] == "failed"]
    if not failed or any(f"case {name}: regressions is 1" not in regressions.stderr for name in failed):
        raise ValueError(f"{len(failed)} cases failed, compare says: {regressions.stderr}")
    (work / "libkernels.so").write_text("no library", encoding="utf-8")
    require(run(test, work), 1, "test of no library")
    print(f"{len(failed)} regressions were found")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:
        print(error)
        sys.exit(1)
