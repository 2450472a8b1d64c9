#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the folders' dependency direction: core <- trace, reference, cuda <- tools; tests may see all.

usage: check_layers.py SOURCE_DIR
Reads the quoted includes of every source file. Exit code: 0 held, 1 not.
"""
import pathlib
import re
import sys

MAY_INCLUDE = {
    "core": {"core"},
    "trace": {"core", "trace"},
    "reference": {"core", "reference"},
    "cuda": {"core", "cuda"},
    "tools": {"core", "trace", "reference", "cuda", "tools"},
    "tests": {"core", "trace", "reference", "cuda", "tools", "tests"},
}
GENERATED = {"mikv_commit.h", "mikv_models.inc"}
SUFFIXES = {".h", ".hpp", ".cpp", ".cu", ".cuh", ".inc", ".c"}
# Plug-ins are built alone, from one header of core: what they quote lies beside them.
PLUGINS = pathlib.PurePath("tests/plugins")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Eigen and CUDA meet in no file, JSON and the file system stay out of the arithmetic.
SYSTEM_FORBIDDEN = {
    "core": re.compile(r"#\s*include\s+<(Eigen|nlohmann|CLI|fmt|cuda)"),
    "reference": re.compile(r"#\s*include\s+<(nlohmann|CLI|fmt|cuda|fstream)"),
    "cuda": re.compile(r"#\s*include\s+<(Eigen|nlohmann|CLI)"),
}


def problems(source):
    for folder, allowed in MAY_INCLUDE.items():
        for path in sorted((source / folder).rglob("*")):
            if path.suffix not in SUFFIXES:
                continue
            text = path.read_text(encoding="utf-8")
            name = path.relative_to(source)
            for include in INCLUDE.findall(text):
                top = include.split("/")[0]
                if PLUGINS in name.parents:
                    if not (path.parent / include).exists() or "/" in include:
                        yield f"{name}: \"{include}\" is not of this plug-in"
                elif "/" not in include and include not in GENERATED:
                    yield f"{name}: \"{include}\" is not written from the root"
                elif "/" in include and top not in allowed:
                    yield f"{name}: {folder} must not include {top}"
            forbidden = SYSTEM_FORBIDDEN.get(folder)
            if forbidden and forbidden.search(text):
                yield f"{name}: {folder} must not include {forbidden.search(text)[1]}"
            yield None


def main():
    found = list(problems(pathlib.Path(sys.argv[1])))
    lines = [line for line in found if line]
    print("\n".join(lines) or f"{len(found)} files keep the direction of dependencies")
    return 0 if found and not lines else 1


if __name__ == "__main__":
    sys.exit(main())
