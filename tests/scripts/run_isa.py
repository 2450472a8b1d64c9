# SPDX-License-Identifier: Apache-2.0
"""Runs a program of the reference on one instruction set (reference/isa.h)."""
import os
import subprocess

ISAS = ["scalar", "baseline", "avx2", "avx512"]
EVERYWHERE = ISAS[:2]


def run_isa(isa, command):
    """What the command prints; None, said on stdout, where this processor has no such instruction set. Without an isa
    it is the program's choice."""
    environment = dict(os.environ, MIKV_ISA=isa) if isa else None
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode == 2 and "MIKV_ISA" in run.stderr and isa in ISAS and isa not in EVERYWHERE:
        print(f"skipped: {isa} is not available here")
        return None
    if run.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} on {isa}: exit code {run.returncode}: {run.stderr.strip()}")
    return run.stdout
