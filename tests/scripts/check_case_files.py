#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the Python example's results pass 'mikv cases verify', and does one that is wrong not?

usage: check_case_files.py MIKV SOURCE_DIR
Exit code: 0 as it should be, 1 not, 77 skipped (Python package numpy is missing).
"""
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
except ImportError:
    print("skipped: the Python package numpy is missing (Debian: python3-numpy)")
    sys.exit(77)

CASES = ["decode:q8k2d64:s=70:r=0.2:int2:b=2:seed=1", "decode:q4k4d128:s=33:r=0.2:int3:hi=int8:seed=2",
         "decode:q14k2d64:s=40:r=0.2:none:e=bf16:seed=3", "decode:q8k2d64:s=17:r=0:int4:nobalancer:seed=4",
         "dequantize:q8k2d64:s=70:r=0.2:int3:b=2:seed=5", "dequantize:q2k1d256:s=33:r=0.2:int8:seed=6"]


def statuses(mikv, cases, results, exit_code):
    """The status of each case; verify must end with this exit code."""
    run = subprocess.run([mikv, "cases", "verify", cases, "--results", results, "--json", "-"], capture_output=True, text=True,
                         check=False)
    if run.returncode != exit_code:
        raise RuntimeError(f"exit code {run.returncode} instead of {exit_code}: {run.stdout}{run.stderr}")
    return [case["status"] for case in json.loads(run.stdout)["cases"]]


def spoil(module, path):
    """Changes one value of a result."""
    tensors = {name: values.copy() for name, values in module.read(path).items()}
    tensors["outputs"][-1, -1, -1, -1] += numpy.float32(0.5)
    module.write(path, tensors)


def main():
    mikv, example = sys.argv[1], pathlib.Path(sys.argv[2]) / "tests/plugins/python_example"
    sys.path.insert(0, str(example))
    import safetensors_file  # pylint: disable=import-outside-toplevel
    with tempfile.TemporaryDirectory() as folder:
        cases, results = pathlib.Path(folder) / "cases", pathlib.Path(folder) / "results"
        chosen = [word for case in CASES for word in ("--case", case)]
        subprocess.run([mikv, "cases", "export", cases, "--quiet", *chosen], check=True)
        subprocess.run([sys.executable, example / "kernels.py", cases, results], check=True)
        right = statuses(mikv, cases, results, 0)
        spoil(safetensors_file, results / "000-decode.safetensors")
        wrong = statuses(mikv, cases, results, 1)
    print(f"right: {right}\none value changed: {wrong}")
    return 0 if right == ["passed"] * 6 and wrong == ["failed"] + ["passed"] * 5 else 1


if __name__ == "__main__":
    sys.exit(main())
