#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Code for newer processors stays apart: no object compiled for AVX offers an inline function to the whole program.

usage: check_symbols.py BUILD_DIR

Of weak symbols (inline functions, templates) a program has one copy, from whichever object the linker chooses. If that
is one compiled for AVX, older processors crash far from reference/vector. So such an object may define weak symbols of
its own lane type only. Reads BUILD_DIR/compile_commands.json and the built objects.
Exit code: 0 they are apart, 1 not, 77 skipped (no nm, or no such object on this architecture).
"""
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

LANES = {"kernels_avx2.cpp": "Avx2", "kernels_avx512.cpp": "Avx512"}
WEAK = set("WwVvuC")
COMPILERS_OWN = re.compile(r"DW\.ref\.|___asan_")  # data of exception tables and of sanitizers


def symbols(path):
    listing = subprocess.run(["nm", "--demangle", "--defined-only", path], check=True, stdout=subprocess.PIPE, text=True)
    for line in listing.stdout.splitlines():
        kind, name = re.fullmatch(r"[0-9a-f]* *(\S) (.*)", line).groups()
        yield kind, name


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 0 if len(sys.argv) == 2 else 2
    if not shutil.which("nm"):
        print("skipped: nm was not found")
        return 77
    build = pathlib.Path(sys.argv[1])
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    compiled = [command for command in commands if " -mavx" in command["command"]]
    if not compiled:
        print("skipped: nothing is compiled for AVX here")
        return 77
    failed = False
    for command in compiled:
        source = pathlib.Path(command["file"]).name
        words = shlex.split(command["command"])
        built = pathlib.Path(command["directory"]) / words[words.index("-o") + 1]
        weak = [name for kind, name in symbols(built) if kind in WEAK and not COMPILERS_OWN.match(name)]
        lanes = LANES.get(source, "no lane type")
        foreign = [name for name in weak if not re.search(rf"\b{lanes}\b", name)]
        print(f"{source}: {len(weak)} weak symbols, {len(foreign)} that are not of {lanes}")
        print("".join(f"  {name}\n" for name in foreign), end="")
        failed |= bool(foreign) or not weak
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
