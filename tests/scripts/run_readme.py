#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the commands that README.md shows and compares what they print with what it shows.

usage: run_readme.py SOURCE_DIR BUILD_DIR

Commands are the lines that begin with '$ ' in ```console blocks; the lines below one are its output (none shown = not
compared). build/mikv stands for BUILD_DIR/mikv, --install build for --install BUILD_DIR. The command that runs the
tests is not run from within the tests. ```cpp and ```cmake blocks must be the file that the line above links to.
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
FILE_BLOCK = re.compile(r"^\[[^]]+\]\(([^)]+)\):\n\n```(?:cpp|cmake)\n(.*?)^```", re.M | re.S)
SHOWS_A_FILE = re.compile(r"^```(?:cpp|cmake)$", re.M)
RUNS_THE_TESTS = "./tools/run-tests.sh"


def commands(readme):
    """(command, shown output) in order."""
    for block in BLOCK.findall(readme):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield command.split("  #")[0].rstrip(), output


def wrong_files(source, readme):
    """What is wrong with the files that README.md shows, without their license line."""
    blocks = FILE_BLOCK.findall(readme)
    if len(blocks) != len(SHOWS_A_FILE.findall(readme)):
        yield "NO FILE: a block of code has no link to its file above it"
    for name, shown in blocks:
        license_line, text = (source / name).read_text(encoding="utf-8").split("\n", 1)
        if "SPDX-License-Identifier" not in license_line or text != shown:
            yield f"DIFFERENT: {name}"


def run(command, source, build, folder):
    # As tools/setup/build.sh has it: make may be missing.
    environment = dict(os.environ, MIKV_BUILD=str(build), NO_COLOR="1", CMAKE_GENERATOR="Ninja")
    command = command.replace("/tmp/", f"{folder}/").replace("build/mikv", f"{build}/mikv")
    command = command.replace("--install build ", f"--install {build} ")
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
    wrong = list(wrong_files(source, readme))
    print("\n".join(wrong) or f"files as shown: {len(SHOWS_A_FILE.findall(readme))}")
    return 0 if count and not failed and not wrong and RUNS_THE_TESTS in readme else 1


if __name__ == "__main__":
    sys.exit(main())
