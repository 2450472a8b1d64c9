#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs the build, moves what was installed, and uses it as another project would.

usage: check_package.py SOURCE_DIR BUILD_DIR CMAKE COMPILER GENERATOR

tests/package is built against the moved package and must print what the installed program reports of the same head;
every installed header must compile on its own. Exit code: 0 all so, 1 not.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

TRACE = "data/traces/text112-layer-3.safetensors"
# As in tests/package/example.cpp.
SETTING = ["--retained-format", "int4"]
PRIVATE_HEADERS = ["trace/safetensors_sax.h", "reference/vector/"]
CUDA_HEADERS = ["cuda/devices.h", "cuda/layer_run.h"]
OTHER_FILES = ["share/doc/mikv/README.md", "share/doc/mikv/LICENSE", "share/doc/mikv/core/ALGORITHM.md",
               "share/doc/mikv/trace/FORMAT.md", "share/doc/mikv/tools/schemas/replay.schema.json",
               "share/doc/mikv/tools/kernel_test/README.md",
               "share/bash-completion/completions/mikv", "share/zsh/site-functions/_mikv",
               "share/fish/vendor_completions.d/mikv.fish"]


def run(*command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        sys.exit(f"FAILED ({done.returncode}): {shlex.join(str(word) for word in command)}\n{done.stdout}")
    return done.stdout


def install_and_move(cmake, build, folder):
    run(cmake, "--install", build, "--prefix", folder / "installed")
    (folder / "installed").rename(folder / "moved")
    return folder / "moved"


def require_self_contained(prefix, *folders):
    """The package names no folder of this machine, and no library that only the sources use."""
    files = [path for pattern in ("*.cmake", "*.h", "*.inc") for path in prefix.rglob(pattern)]
    foreign = [str(folder) for folder in folders] + ["nlohmann", "CLI11", "CLI/", "fmt", "xxhash.h", "cuda_runtime"]
    named = [f"{path}: names {text}" for path in files for text in foreign if text in path.read_text()]
    if named or not files:
        sys.exit("\n".join(named) or "no package was installed")


def build_project(project, prefix, build, cmake, compiler, generator):
    run(cmake, "-S", project, "-B", build, "-G", generator, f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
    run(cmake, "--build", build)


def compile_flags(example_build):
    """What the package adds to a user's command line; the contract's arithmetic is part of it."""
    commands = json.loads((example_build / "compile_commands.json").read_text())
    flags = re.sub(r" -o \S+ -c \S+$", "", commands[0]["command"])
    if "-ffp-contract=off" not in flags or "-Wall" in flags:
        sys.exit(f"the package's flags are not the contract's alone: {flags}")
    return shlex.split(flags)


def compare(source, prefix, example_build, folder):
    head, report = folder / "head.safetensors", folder / "report.json"
    mikv = prefix / "bin/mikv"
    run(mikv, "trace", "slice", source / TRACE, "--kv-heads", "0", "--out", head)
    run(mikv, "replay", head, *SETTING, "--quiet", "--json", report)
    total = json.loads(report.read_text())["total"]
    printed = run(example_build / "example", source / TRACE)
    found = re.fullmatch(r"(\d+) bytes, output error ([\d.]+)\n", printed)
    # The example measures against the recorded fp16 outputs, the program against fp64 attention.
    if not found or int(found[1]) != total["bytes"]["total"] or abs(float(found[2]) - total["output_error"]) > 5e-4:
        sys.exit(f"the example printed '{printed}', mikv replay {total['bytes']['total']} bytes, "
                 f"output error {total['output_error']}")
    print(f"as mikv replay has it: {printed}", end="")


def compare_cuda(prefix, build):
    """The back end is the program's."""
    built = run(build / "has_cuda").splitlines()[0]
    if not re.search(f"^CUDA +{built}", run(prefix / "bin/mikv", "--version"), re.M):
        sys.exit(f"mikv::cuda says '{built}', the program something else")
    print(f"mikv::cuda links without the CUDA language; has a back end: {built}")


def public_headers(source):
    paths = [path for name in ("core", "trace", "reference") for path in (source / name).rglob("*.h")]
    names = [str(path.relative_to(source)) for path in paths]
    return sorted([name for name in names if not name.startswith(tuple(PRIVATE_HEADERS))] + CUDA_HEADERS)


def compile_headers(source, prefix, flags):
    include = prefix / "include/mikv"
    headers = sorted(str(path.relative_to(include)) for path in include.rglob("*.h"))
    if headers != public_headers(source):
        sys.exit(f"wrong headers: {sorted(set(headers) ^ set(public_headers(source)))}")

    def compile_alone(header):
        return subprocess.run([*flags, "-fsyntax-only", "-x", "c++", "-"], input=f'#include "{header}"\n', text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(compile_alone, headers))
    failed = [f"{header} does not compile alone:\n{done.stdout}" for header, done in zip(headers, results)
              if done.returncode != 0]
    if failed:
        sys.exit("\n".join(failed))
    print(f"{len(headers)} headers compile alone")


def main():
    source, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    cmake, compiler, generator = sys.argv[3:6]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prefix = install_and_move(cmake, build, folder)
        require_self_contained(prefix, source, build, folder)
        missing = [path for path in OTHER_FILES if not (prefix / path).exists()]
        if missing:
            sys.exit(f"not installed: {missing}")
        example, has_cuda = folder / "example", folder / "has_cuda"
        build_project(source / "tests/package", prefix, example, cmake, compiler, generator)
        compare(source, prefix, example, folder)
        build_project(source / "tests/package/cuda", prefix, has_cuda, cmake, compiler, generator)
        compare_cuda(prefix, has_cuda)
        compile_headers(source, prefix, compile_flags(example))


if __name__ == "__main__":
    main()
