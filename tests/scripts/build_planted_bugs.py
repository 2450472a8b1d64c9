#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the planted bugs: copies of the CPU example plug-in, each with one text replaced.

usage: build_planted_bugs.py SOURCE_DIR OUT_DIR [NAME...]
Writes OUT_DIR/NAME.so for each bug (or for those named) of tests/plugins/planted_bugs/bugs.json, and OUT_DIR/unbroken.so.
The compiler is $CC, or cc. Exit code: 0 built, 1 a text is not there exactly once or a compilation failed.
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys

JOBS = 2
# No warnings: the bugs are wanted.
FLAGS = ["-std=c11", "-O1", "-w", "-fPIC", "-ffp-contract=off", "-fvisibility=hidden"]


def run_compiler(source_dir, *arguments):
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, *FLAGS, "-I", source_dir / "core", *arguments], check=True)


def compile_object(source_dir, source):
    target = source.with_suffix(".o")
    run_compiler(source_dir, "-c", source, "-o", target)
    return target


def link(source_dir, objects, target):
    run_compiler(source_dir, "-shared", *objects, "-o", target, "-lm")


def plant(bug, path):
    find, replacement = ("\n".join(bug[key]) for key in ("find", "replace"))
    text = path.read_text(encoding="utf-8")
    if text.count(find) != 1:
        raise ValueError(f"{bug['name']}: its text is {text.count(find)} times in {bug['file']}, not once")
    path.write_text(text.replace(find, replacement), encoding="utf-8")


def build(source_dir, out_dir, objects, bug):
    """objects: the unbroken example's, by source file; what the bug touches is compiled again."""
    plugins = source_dir / "tests/plugins"
    folder = out_dir / bug["name"]
    shutil.rmtree(folder, ignore_errors=True)
    alone = (plugins / "planted_bugs" / bug["file"]).exists()
    shutil.copytree(plugins / ("planted_bugs" if alone else "cpu_example"), folder)
    plant(bug, folder / bug["file"])
    touched = sorted(folder.glob("*.c")) if bug["file"].endswith(".h") else [folder / bug["file"]]
    linked = {} if alone else dict(objects)
    linked.update((source.name, compile_object(source_dir, source)) for source in touched)
    link(source_dir, linked.values(), out_dir / f"{bug['name']}.so")


def build_unbroken(source_dir, out_dir):
    folder = out_dir / "unbroken"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source_dir / "tests/plugins/cpu_example", folder)
    objects = {source.name: compile_object(source_dir, source) for source in sorted(folder.glob("*.c"))}
    link(source_dir, objects.values(), out_dir / "unbroken.so")
    return objects


def main():
    source_dir, out_dir = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    names = sys.argv[3:]
    out_dir.mkdir(parents=True, exist_ok=True)
    document = json.loads((source_dir / "tests/plugins/planted_bugs/bugs.json").read_text(encoding="utf-8"))
    bugs = [bug for bug in document["bugs"] if not names or bug["name"] in names]
    try:
        objects = build_unbroken(source_dir, out_dir)
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(lambda bug: build(source_dir, out_dir, objects, bug), bugs))
    except (ValueError, subprocess.CalledProcessError) as error:
        print(f"build_planted_bugs.py: {error}", file=sys.stderr)
        return 1
    print(f"{len(bugs)} planted bugs in {out_dir}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
