# SPDX-License-Identifier: Apache-2.0
"""Quantizer, packing and balancer (CONTRACT, R9-R10; FORMAT, Codes)."""
from typing import Iterable, List, Sequence, Tuple

from constants import Vector
from fp32 import canonical, div, f2h, fma, half_to_float, mul, rint, sqrt, sub


class Quantized:
    """A key or value in intN storage: for each group alpha and beta (fp16 bits), for each channel a code."""

    def __init__(self, alpha: List[int], beta: List[int], codes: List[int], saturated: int) -> None:
        self.alpha_halves = alpha
        self.beta_halves = beta
        self.alpha = [half_to_float(half) for half in alpha]
        self.beta = [half_to_float(half) for half in beta]
        self.codes = codes
        self.saturated = saturated

    def group_codes(self, group: int) -> List[int]:
        size = len(self.codes) // len(self.alpha)
        return self.codes[size * group:size * (group + 1)]


def sat(x: float) -> float:
    return min(max(x, -65504.0), 65504.0)


def quantize_group(x: Vector, bits: int) -> Tuple[int, int, List[int], bool]:
    """R9: alpha, beta (fp16 bits), codes, whether sat changed a value."""
    levels = (1 << bits) - 1
    x = [canonical(value) for value in x]
    low = min(x)
    step = div(sub(max(x), low), float(levels))
    alpha_half, beta_half = f2h(sat(step)), f2h(sat(low))
    alpha, beta = half_to_float(alpha_half), half_to_float(beta_half)
    inverse = div(1.0, alpha) if alpha > 0.0 else 0.0
    codes = []
    for value in x:
        scaled = mul(sub(value, beta), inverse)
        codes.append(rint(min(max(scaled, 0.0), float(levels))))  # clamping first gives the same integer
    return alpha_half, beta_half, codes, sat(step) != step or sat(low) != low


def quantize(x: Vector, bits: int, group_size: int) -> Quantized:
    alpha, beta, codes, saturated = [], [], [], 0
    for first in range(0, len(x), group_size):
        group = quantize_group(x[first:first + group_size], bits)
        alpha.append(group[0])
        beta.append(group[1])
        codes += group[2]
        saturated += group[3]
    return Quantized(alpha, beta, codes, saturated)


def dequantize(stored: Quantized) -> List[float]:
    """R10."""
    size = len(stored.codes) // len(stored.alpha)
    groups = [c // size for c in range(len(stored.codes))]
    return [fma(float(code), stored.alpha[g], stored.beta[g]) for code, g in zip(stored.codes, groups)]


def pack_codes(codes: Sequence[int], bits: int) -> bytes:
    """FORMAT, Codes: the lowest code in the lowest bits, without padding."""
    packed = 0
    for c, code in enumerate(codes):
        packed |= code << (c * bits)
    return packed.to_bytes(len(codes) * bits // 8, "little")


def balancer(queries: Iterable[Vector], keys: Sequence[Vector], dim: int) -> List[float]:
    """R9a, step 2. queries: the prompt rows of all query heads of the KV head."""
    query_max, key_max = [0.0] * dim, [0.0] * dim
    for row in queries:
        query_max = [max(m, abs(x)) for m, x in zip(query_max, row)]
    for row in keys:
        key_max = [max(m, abs(x)) for m, x in zip(key_max, row)]
    factors = []
    for q, k in zip(query_max, key_max):
        b = 1.0 if q == 0.0 or k == 0.0 else sqrt(div(q, k))
        factors.append(min(max(b, 2.0 ** -6), 2.0 ** 6))
    return factors
