# SPDX-License-Identifier: Apache-2.0
"""Names and constants of the contract."""
from typing import Sequence

Vector = Sequence[float]

CHUNK = 256  # slots (R13)
BLOCK = 32  # slots (R16)
ONE = 1 << 30  # fixed point of importance (R18)
MASK64 = (1 << 64) - 1
POLICIES = ("h2o", "h2o_mean", "snapkv", "recent_sinks", "random", "oracle")
STAGES = ("balancer", "importance_scores", "importance_set", "alpha", "beta", "codes", "partials", "output")
BITS = {"int8": 8, "int4": 4, "int3": 3, "int2": 2}


class ContractError(Exception):
    """Something that the contract refuses."""
