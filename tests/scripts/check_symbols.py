#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Code for newer processors stays apart: no object compiled for AVX offers an inline function to the whole program.

usage: check_symbols.py BUILD_DIR

Of weak symbols (inline functions, templates) a program has one copy, from whichever object the linker chooses. If that
is one compiled for AVX, older processors crash far from it. So such an object may define weak symbols of a type of its
own only, and no other object of the library may define one of that type. Reads BUILD_DIR/compile_commands.json and the
built objects.
Exit code: 0 they are apart, 1 not, 77 skipped (no nm, or no such object on this architecture).
"""
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

# What only this source instantiates.
OWN = {"kernels_avx2.cpp": r"\bAvx2\b", "kernels_avx512.cpp": r"\bAvx512\b",
       "fp64_avx2.cpp": r"\bFp64Loops<32>", "fp64_avx512.cpp": r"\bFp64Loops<64>"}
WEAK = set("WwVvuC")
COMPILERS_OWN = re.compile(r"DW\.ref\.|___asan_")  # data of exception tables and of sanitizers


def weak_symbols(command):
    words = shlex.split(command["command"])
    built = pathlib.Path(command["directory"]) / words[words.index("-o") + 1]
    listing = subprocess.run(["nm", "--demangle", "--defined-only", built], check=True, stdout=subprocess.PIPE, text=True)
    symbols = [re.fullmatch(r"[0-9a-f]* *(\S) (.*)", line).groups() for line in listing.stdout.splitlines()]
    return [name for kind, name in symbols if kind in WEAK and not COMPILERS_OWN.match(name)]


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 0 if len(sys.argv) == 2 else 2
    if not shutil.which("nm"):
        print("skipped: nm was not found")
        return 77
    build = pathlib.Path(sys.argv[1])
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    commands = [command for command in commands if "mikv_reference.dir" in command["command"]]
    compiled = [command for command in commands if " -mavx" in command["command"]]
    if not compiled:
        print("skipped: nothing is compiled for AVX here")
        return 77
    failed = False
    for command in commands:
        source = pathlib.Path(command["file"]).name
        names = weak_symbols(command)
        if command in compiled:
            own = OWN.get(source, "nothing is listed as its own")
            foreign = [name for name in names if not re.search(own, name)]
            print(f"{source}: {len(names)} weak symbols, {len(foreign)} of them not its own")
            failed |= not names
        else:
            foreign = [name for name in names if re.search("|".join(OWN.values()), name)]
        print("".join(f"  {source}: {name}\n" for name in foreign), end="")
        failed |= bool(foreign)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
