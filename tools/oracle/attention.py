# SPDX-License-Identifier: Apache-2.0
"""Attention over chunks, their merging, importance (CONTRACT, R13-R18)."""
import math
from typing import Iterable, List, NamedTuple, Optional, Sequence

from constants import BLOCK, CHUNK, ContractError, MASK64, ONE, Vector
from fp32 import TINY_QUERY, TINY_VALUES, add, canonical, div, exp2, fma, mul, rint, sub, to_float
from quantizer import Quantized


class Partial(NamedTuple):
    """Softmax state of a chunk or of a subtree of chunks: maximum, denominator, numerators (R17)."""
    m: float
    l: float
    o: List[float]


class ChunkResult(NamedTuple):
    logits: List[Optional[float]]  # None: a free slot
    partial: Partial


def check_logit(s: float) -> float:
    if not math.isfinite(s):
        raise ContractError("logit is not finite")  # R5
    return canonical(s)


class QuantizedQuery(NamedTuple):
    codes: List[int]
    sq: float


def quantize_query(balanced: Vector) -> QuantizedQuery:
    """R14, once a step and head."""
    a = max(abs(x) for x in balanced)
    sq = div(a, 32512.0)
    if a < TINY_QUERY:
        return QuantizedQuery([0] * len(balanced), sq)
    inverse = div(32512.0, a)
    return QuantizedQuery([rint(mul(x, inverse)) for x in balanced], sq)


def quantized_logit(query: QuantizedQuery, key: Quantized, scale2: float) -> float:
    """R14."""
    size = len(key.codes) // len(key.alpha)
    total = 0.0
    for g, (alpha, beta) in enumerate(zip(key.alpha, key.beta)):
        q = query.codes[size * g:size * (g + 1)]
        idot = sum(x * code for x, code in zip(q, key.group_codes(g)))
        isum = sum(q)
        total = add(total, fma(alpha, to_float(idot), mul(beta, to_float(isum))))
    return check_logit(mul(total, mul(query.sq, scale2)))


def quantized_values(p: Vector, values: Sequence[Quantized]) -> List[float]:
    """R15: the weighted sum of a chunk's values."""
    out = []
    for g in range(len(values[0].alpha)):
        alpha_weights = [mul(weight, value.alpha[g]) for weight, value in zip(p, values)]
        beta_weights = [mul(weight, value.beta[g]) for weight, value in zip(p, values)]
        a = max(alpha_weights)
        b = max(abs(weight) for weight in beta_weights)
        if a < TINY_VALUES:
            w = [0] * len(values)
        else:
            w = [rint(mul(weight, div(65535.0, a))) for weight in alpha_weights]
        if b < TINY_VALUES:
            z = 0
        else:
            z = sum(rint(mul(weight, div(float(ONE), b))) for weight in beta_weights)
        offset = mul(to_float(z), div(b, float(ONE)))
        for column in zip(*(value.group_codes(g) for value in values)):
            acc = sum(weight * code for weight, code in zip(w, column))
            out.append(fma(to_float(acc), div(a, 65535.0), offset))
    return out


def attend_quantized(
    query: QuantizedQuery,
    keys: Sequence[Optional[Quantized]],
    values: Sequence[Optional[Quantized]],
    scale2: float,
) -> ChunkResult:
    """R13, R14, R15: a chunk in quantized storage."""
    logits = [None if key is None else quantized_logit(query, key, scale2) for key in keys]
    m = max(s for s in logits if s is not None)
    p = [exp2(sub(s, m)) for s in logits if s is not None]
    total = sum(rint(mul(weight, float(ONE))) for weight in p)
    l = mul(to_float(total), 2.0 ** -30)
    o = quantized_values(p, [value for value in values if value is not None])
    return ChunkResult(logits, Partial(m, l, o))


def dot(q: Vector, k: Vector) -> float:
    """R16: one chain of fma over ascending channels."""
    total = 0.0
    for x, y in zip(q, k):
        total = fma(x, y, total)
    return total


def tree_sum(x: Sequence[float]) -> float:
    """R16: adds pairs at half the distance each time; the length is a power of two."""
    x = list(x)
    while len(x) > 1:
        distance = len(x) // 2
        x = [add(x[i], x[i + distance]) for i in range(distance)]
    return x[0]


def attend_unquantized(
    query: Vector,
    keys: Sequence[Optional[Vector]],
    values: Sequence[Optional[Vector]],
    scale2: float,
    dim: int,
) -> ChunkResult:
    """R13, R16: a chunk in unquantized storage. With dim = 0 only m and l are computed."""
    logits = [None if key is None else check_logit(mul(dot(query, key), scale2)) for key in keys]
    m = max(s for s in logits if s is not None)
    p = [None if s is None else exp2(sub(s, m)) for s in logits]
    block_l = [0.0] * (CHUNK // BLOCK)
    block_o = [[0.0] * dim for _ in range(CHUNK // BLOCK)]
    for block in range((len(p) + BLOCK - 1) // BLOCK):
        weights = p[BLOCK * block:BLOCK * (block + 1)]
        weights += [None] * (BLOCK - len(weights))
        block_l[block] = tree_sum([0.0 if weight is None else weight for weight in weights])
        o = block_o[block]
        if dim:
            for weight, value in zip(weights, values[BLOCK * block:]):
                if weight is not None:
                    o = [fma(weight, x, total) for x, total in zip(value, o)]
        block_o[block] = o
    return ChunkResult(logits, Partial(m, tree_sum(block_l), [tree_sum(column) for column in zip(*block_o)]))


def merge(one: Optional[Partial], two: Optional[Partial]) -> Optional[Partial]:
    """R17. A node with one child is that child."""
    if one is None or two is None:
        return two if one is None else one
    m = max(one.m, two.m)
    w1, w2 = exp2(sub(one.m, m)), exp2(sub(two.m, m))
    return Partial(m, fma(w1, one.l, mul(w2, two.l)), [fma(w1, a, mul(w2, b)) for a, b in zip(one.o, two.o)])


def merge_chunks(chunks: Sequence[Optional[Partial]]) -> Optional[Partial]:
    """R17: a binary tree over the chunk index; subtrees are aligned to powers of two."""
    nodes = list(chunks)
    while len(nodes) > 1:
        if len(nodes) % 2:
            nodes.append(None)
        nodes = [merge(nodes[i], nodes[i + 1]) for i in range(0, len(nodes), 2)]
    return nodes[0] if nodes else None


def importance(s: float, m: float, inverse_l: float) -> int:
    """R18: the weight of a token in 2^-30."""
    return rint(mul(mul(exp2(sub(s, m)), inverse_l), float(ONE)))


def exact_scores(
    queries: Sequence[Sequence[Vector]], keys: Sequence[Vector], rows: Iterable[int], scale2: float
) -> List[int]:
    """R18: scores of the exact attention of the given rows; row i attends to positions 0..i."""
    scores = [0] * len(keys)
    for i in rows:
        for head in queries:
            results = [attend_unquantized(head[i], keys[first:min(first + CHUNK, i + 1)], [], scale2, 0)
                       for first in range(0, i + 1, CHUNK)]
            root = merge_chunks([result.partial for result in results])
            inverse_l = div(1.0, root.l)
            logits = [s for result in results for s in result.logits]
            for j, s in enumerate(logits):
                scores[j] = (scores[j] + importance(s, root.m, inverse_l)) & MASK64
    return scores
