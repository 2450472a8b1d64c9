#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the commands that README.md shows and compares what they print with what it shows.

usage: run_readme.py SOURCE_DIR BUILD_DIR

Commands are the lines that begin with '$ ' in ```console blocks; the lines below one are its output (none shown = not
compared). build/ stands for BUILD_DIR. The command that runs the tests is not run from within the tests.
Exit code: 0 all as shown, 1 not.
"""
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)
RUNS_THE_TESTS = "./tools/run-tests.sh"


def commands(readme):
    """(command, shown output) in order."""
    for block in BLOCK.findall(readme):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield command.split("  #")[0].rstrip(), output


def run(command, source, build, folder):
    environment = dict(os.environ, MIKV_BUILD=str(build), NO_COLOR="1")
    command = command.replace("/tmp/", f"{folder}/").replace("build/mikv", f"{build}/mikv")
    return subprocess.run(command, shell=True, cwd=source, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def main():
    source, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    readme = (source / "README.md").read_text(encoding="utf-8")
    count, failed = 0, False
    with tempfile.TemporaryDirectory() as folder:
        for command, shown in commands(readme):
            if command == RUNS_THE_TESTS:
                continue
            count += 1
            result = run(command, source, build, folder)
            printed = result.stdout.replace(folder + "/", "/tmp/")
            if result.returncode != 0:
                failed = True
                print(f"FAILED ({result.returncode}): {command}\n{printed}")
            elif shown.strip() and shown.strip() not in printed:
                failed = True
                print(f"DIFFERENT: {command}")
                print("\n".join(difflib.unified_diff(shown.splitlines(), printed.splitlines(), "README", "now",
                                                     lineterm="")))
            else:
                print(f"as shown: {command}")
    return 0 if count and not failed and RUNS_THE_TESTS in readme else 1


if __name__ == "__main__":
    sys.exit(main())
