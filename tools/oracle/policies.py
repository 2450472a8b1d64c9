# SPDX-License-Identifier: Apache-2.0
"""Budgets and ranks (ALGORITHM 4 and 9; CONTRACT R19)."""
import math
from typing import List, Sequence

from constants import MASK64
from container import Config


def mix(x: int) -> int:
    """SplitMix64 (R19)."""
    x = (x + 0x9E3779B97F4A7C15) & MASK64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK64
    return x ^ (x >> 31)


def random_key(seed: int, layer: int, kv_head: int) -> int:
    """R19."""
    return mix((mix((mix(seed & MASK64) + layer) & MASK64) + kv_head) & MASK64)


def pool(scores: Sequence[int]) -> List[int]:
    """snapkv (9): the sum over 5 prompt positions, two to each side; outside the prompt counts 0."""
    return [sum(scores[max(0, j - 2):j + 3]) & MASK64 for j in range(len(scores))]


def budget(config: Config, seen: int) -> int:
    """n_hi(S), step 4."""
    return math.floor(config.importance_ratio * seen + 1e-9)


def recent_budget(config: Config, n_hi: int) -> int:
    """n_recent, steps 4 and 9."""
    if config.policy == "snapkv":
        return min(32, n_hi)
    if config.policy == "recent_sinks":
        return 0
    return math.floor(config.recent_share * n_hi)


def rank(policy: str, score: int, position: int, seen: int, key: int) -> int:
    """Step 9 and R19."""
    if policy == "h2o_mean":
        return score // (seen - position)
    if policy == "recent_sinks":
        return MASK64 if position < 4 else position
    if policy == "random":
        return mix((key + position) & MASK64)
    return score
