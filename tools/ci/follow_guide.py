#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does what core/EXTENDING.md says in a copy of the tree, builds it and replays with the new format and policy.

usage: follow_guide.py SOURCE_DIR [cmake options]
Exit code: 0 the guide is true, 1 not.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

STEP = re.compile(r"^1\. `([^`]+)`:\n   ```cpp\n(.*?)   ```\n2\. `([^`]+)`: `([^`]+)`", re.M | re.S)


def follow(guide, tree):
    """Writes each file and line of the guide; returns how many."""
    steps = STEP.findall(guide)
    for file_name, code, list_name, line in steps:
        (tree / file_name).write_text(re.sub(r"^   ", "", code, flags=re.M), encoding="utf-8")
        with (tree / list_name).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        print(f"{file_name} + one line in {list_name}")
    return len(steps)


def run_quietly(command):
    """Prints what the command printed only if it fails."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        print("\n".join(result.stdout.splitlines()[-40:]))
        result.check_returncode()


def main():
    source = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        tree, build = pathlib.Path(folder) / "tree", pathlib.Path(folder) / "build"
        shutil.copytree(source, tree, ignore=shutil.ignore_patterns("build*", ".git", ".cache"))
        if follow((tree / "core/EXTENDING.md").read_text(encoding="utf-8"), tree) != 2:
            print("the guide's two examples were not found")
            return 1
        run_quietly(["cmake", "-S", tree, "-B", build, "-G", "Ninja", "-DBUILD_TESTING=OFF", *sys.argv[2:]])
        run_quietly(["cmake", "--build", build, "--target", "mikv"])
        run = subprocess.run([build / "mikv", "replay", tree / "data/traces/text112-layer-3.safetensors", "--json",
                              "-", "--retained-format", "int6", "--policy", "first_tokens"],
                             check=True, stdout=subprocess.PIPE)
    layer = json.loads(run.stdout)["layers"][0]
    print(f"int6: key error {layer['key_error']:.4f}, {layer['bits_per_element']:.2f} bits an element")
    # 0.2 * 16 + 0.8 * 6.5 bits; int6 lies between int8 and int4
    return 0 if abs(layer["bits_per_element"] - 8.4) < 0.1 and 0.001 < layer["key_error"] < 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
