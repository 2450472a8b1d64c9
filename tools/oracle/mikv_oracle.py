#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replays a recorded trace by the arithmetic contract and writes what each stage computed.

Written from core/ALGORITHM.md, core/CONTRACT.md, core/FORMAT.md and trace/FORMAT.md alone, to find errors
that implementations by one hand could share. Slow and plain: one number at a time, standard library only.
R1 .. R20 are the rules of core/CONTRACT.md, 1 .. 10 the steps of core/ALGORITHM.md.
"""
import argparse
import json
import math
import struct
import sys
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

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


# ---- fp32 arithmetic in doubles ----------------------------------------------------------------------------
# add, sub, mul, div and sqrt of fp32 values, rounded to double and then to fp32, are correctly rounded:
# 53 >= 2 * 24 + 2.

_F32 = struct.Struct("<f")
_U32 = struct.Struct("<I")
_F64 = struct.Struct("<d")
_I64 = struct.Struct("<q")
_F16 = struct.Struct("<e")
_U16 = struct.Struct("<H")


def fl32(x: float) -> float:
    """Rounds a double to fp32, to nearest even."""
    try:
        return _F32.unpack(_F32.pack(x))[0]
    except OverflowError:
        return math.copysign(math.inf, x)


def add(a: float, b: float) -> float:
    return fl32(a + b)


def sub(a: float, b: float) -> float:
    return fl32(a - b)


def mul(a: float, b: float) -> float:
    return fl32(a * b)


def div(a: float, b: float) -> float:
    return fl32(a / b)


def sqrt(a: float) -> float:
    return math.inf if a == math.inf else fl32(math.sqrt(a))


def fma(a: float, b: float, c: float) -> float:
    """a*b + c, rounded once (R4): the exact product, the sum rounded to odd in double, then to fp32."""
    product = a * b
    total = product + c
    virtual = total - product
    error = (product - (total - virtual)) + (c - virtual)
    if error == 0.0:
        return fl32(total)
    if not math.isfinite(total):
        return total
    bits = _I64.unpack(_F64.pack(total))[0]
    if bits & 1 == 0:
        total = _F64.unpack(_I64.pack(bits + (1 if (error > 0.0) == (total > 0.0) else -1)))[0]
    return fl32(total)


def rint(x: float) -> int:
    """To the nearest integer, halves to even (R8)."""
    return round(x)


def to_float(n: int) -> float:
    """float(): an integer to fp32, to nearest even. Below 2^53 the way by double is exact."""
    if abs(n) >= 1 << 53:
        raise ContractError("integer too large")
    return fl32(float(n))


def canonical(x: float) -> float:
    """No -0 (R6)."""
    return add(x, 0.0)


def bits_of(x: float) -> int:
    return _U32.unpack(_F32.pack(x))[0]


def from_bits(bits: int) -> float:
    return _F32.unpack(_U32.pack(bits))[0]


def f2h(x: float) -> int:
    """The bits of a finite value rounded to fp16 (R7)."""
    return _U16.unpack(_F16.pack(x))[0]


def half_to_float(half: int) -> float:
    return _F16.unpack(_U16.pack(half))[0]


EXP2 = [float.fromhex(text) for text in ("0x1.424bf0p-13", "0x1.5f3a62p-10", "0x1.3b2cbcp-7", "0x1.c6af00p-5",
                                         "0x1.ebfbdap-3", "0x1.62e430p-1")]
MAGIC = float.fromhex("0x1.8p23")
LOG2E = float.fromhex("0x1.71547652b82fep+0")
TINY_QUERY = 2.0 ** -100
TINY_VALUES = 2.0 ** -90


def exp2(x: float) -> float:
    """2^x for x <= 0 (R11)."""
    if x < -126.0:
        return 0.0
    t = add(x, MAGIC)
    n = sub(t, MAGIC)
    f = sub(x, n)
    q = EXP2[0]
    for coefficient in EXP2[1:]:
        q = fma(q, f, coefficient)
    return from_bits((bits_of(fma(q, f, 1.0)) + (bits_of(t) << 23)) & 0xFFFFFFFF)


# ---- trace and configuration -------------------------------------------------------------------------------


class Trace(NamedTuple):
    layers: List[int]
    query_heads: int
    kv_heads: int
    head_dim: int
    prompt: int
    tokens: int
    softmax_scale: float
    element: str  # F16, BF16 or F32
    tensors: Dict[str, List[List[List[float]]]]  # name: [head][token][channel]


class Config(NamedTuple):
    importance_ratio: float
    importance_format: str
    retained_format: str
    group_size: int
    balancer: bool
    policy: str
    recent_share: float
    seed: int


def decode_elements(data: bytes, element: str) -> List[float]:
    """Elements of a trace, widened to fp32."""
    if element == "F16":
        return list(struct.unpack(f"<{len(data) // 2}e", data))
    if element == "BF16":
        return [from_bits(half << 16) for half in struct.unpack(f"<{len(data) // 2}H", data)]
    if element == "F32":
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    raise ContractError(f"element type {element}")


def read_safetensors(path: str) -> Tuple[dict, bytes]:
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8:8 + length]), data[8 + length:]


def write_safetensors(
    path: str, tensors: Dict[str, Tuple[str, List[int], bytes]], metadata: Dict[str, str]
) -> None:
    """tensors: name: (dtype, shape, bytes)."""
    header: Dict[str, object] = {"__metadata__": metadata}
    body = bytearray()
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + body)


def read_trace(path: str) -> Trace:
    header, body = read_safetensors(path)
    meta = header.pop("__metadata__")
    if meta["format"] != "mikv-trace" or meta["version"] != "1":
        raise ContractError("not a trace")
    tensors = {}
    elements = set()
    for name, entry in header.items():
        if not (name.startswith("layers.") and name[-2:] in (".q", ".k", ".v")):
            continue
        heads, tokens, dim = entry["shape"]
        first, last = entry["data_offsets"]
        flat = decode_elements(body[first:last], entry["dtype"])
        if not all(map(math.isfinite, flat)):
            raise ContractError(f"{name} is not finite")  # R5
        rows = [flat[dim * i:dim * (i + 1)] for i in range(heads * tokens)]
        tensors[name] = [rows[tokens * h:tokens * (h + 1)] for h in range(heads)]
        elements.add(entry["dtype"])
    (element,) = elements
    prompt = int(meta["prompt_length"])
    return Trace(layers=sorted({int(name.split(".")[1]) for name in tensors}),
                 query_heads=int(meta["num_query_heads"]), kv_heads=int(meta["num_kv_heads"]),
                 head_dim=int(meta["head_dim"]), prompt=prompt, tokens=prompt + int(meta["decode_length"]),
                 softmax_scale=float(meta["softmax_scale"]), element=element, tensors=tensors)


# ---- quantizer ---------------------------------------------------------------------------------------------


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


# ---- attention over one chunk ------------------------------------------------------------------------------


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


# ---- merging chunks ----------------------------------------------------------------------------------------


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


# ---- policies ----------------------------------------------------------------------------------------------


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


# ---- the cache of one KV head ------------------------------------------------------------------------------


class Token:
    """A token of a tier: key and value are lists of fp32 (unquantized) or Quantized."""

    def __init__(self, position: int, key: object, value: object, score: int = 0) -> None:
        self.position = position
        self.key = key
        self.value = value
        self.score = score


class HeadReplay:
    """Replays one layer and KV head (steps 1 to 7) and collects its stage streams."""

    def __init__(self, trace: Trace, config: Config, layer: int, kv_head: int) -> None:
        self.trace = trace
        self.config = config
        group = trace.query_heads // trace.kv_heads
        self.queries = trace.tensors[f"layers.{layer}.q"][group * kv_head:group * (kv_head + 1)]
        self.keys = trace.tensors[f"layers.{layer}.k"][kv_head]
        self.values = trace.tensors[f"layers.{layer}.v"][kv_head]
        self.scale2 = fl32(trace.softmax_scale * LOG2E)  # R13
        self.random_key = random_key(config.seed, layer, kv_head)
        self.importance_bits = BITS.get(config.importance_format)
        self.retained_bits = BITS.get(config.retained_format)
        self.factors: Optional[List[float]] = None
        self.importance: List[Optional[Token]] = []  # by slot (R20)
        self.free_slot: Optional[int] = None
        self.retained: List[Token] = []
        self.future_scores: List[int] = []
        self.saturated_groups = 0
        self.streams: Dict[str, bytearray] = {stage: bytearray() for stage in STAGES}

    def emit(self, stage: str, code: str, values: Sequence) -> None:
        self.streams[stage] += struct.pack(f"<{len(values)}{code}", *values)

    def rank_of(self, score: int, position: int, seen: int) -> int:
        return rank(self.config.policy, score, position, seen, self.random_key)

    def balanced_key(self, key: Vector) -> List[float]:
        """R9a, step 6."""
        if self.factors is None:
            return list(key)
        balanced = [mul(x, b) for x, b in zip(key, self.factors)]
        if not all(map(math.isfinite, balanced)):
            raise ContractError("balanced key is not finite")  # R5
        return balanced

    def balanced_query(self, query: Vector) -> List[float]:
        """R9a, step 6."""
        if self.factors is None:
            return list(query)
        balanced = [div(x, b) for x, b in zip(query, self.factors)]
        if not all(map(math.isfinite, balanced)):
            raise ContractError("balanced query is not finite")  # R5
        return balanced

    def store_quantized(self, token: Token, key: Vector, value: Vector, bits: int) -> None:
        """Stores a balanced key and a value in intN; both enter the streams."""
        token.key = quantize(key, bits, self.config.group_size)
        token.value = quantize(value, bits, self.config.group_size)
        for stored in (token.key, token.value):
            self.emit("alpha", "H", stored.alpha_halves)
            self.emit("beta", "H", stored.beta_halves)
            self.streams["codes"] += pack_codes(stored.codes, bits)
            self.saturated_groups += stored.saturated

    def store_important(self, position: int, score: int) -> Token:
        token = Token(position, self.keys[position], self.values[position], score)
        if self.importance_bits:
            self.store_quantized(token, self.balanced_key(token.key), token.value, self.importance_bits)
        return token

    def store_retained(self, token: Token) -> None:
        """Steps 5 to 8: requantizes what is stored and appends it to the retained tier; none drops it."""
        if not self.retained_bits:
            return
        if isinstance(token.key, Quantized):
            key, value = dequantize(token.key), dequantize(token.value)  # the key stays balanced (R9a)
        else:
            key, value = self.balanced_key(token.key), token.value
        self.store_quantized(token, key, value, self.retained_bits)
        self.retained.append(token)

    def prompt_scores(self) -> List[int]:
        """Steps 3 and 9: the scores that tiers are formed from."""
        prompt, policy = self.trace.prompt, self.config.policy
        if policy in ("recent_sinks", "random"):
            return [0] * prompt
        if policy == "oracle":
            return exact_scores(self.queries, self.keys, range(self.trace.tokens), self.scale2)
        first = max(0, prompt - 32) if policy == "snapkv" else 0
        scores = exact_scores(self.queries, self.keys[:prompt], range(first, prompt), self.scale2)
        return pool(scores) if policy == "snapkv" else scores

    def importance_set(self, scores: Sequence[int]) -> List[int]:
        """Step 4, R19: the important positions of the prompt, ascending."""
        prompt = self.trace.prompt
        n_hi = budget(self.config, prompt)
        n_recent = recent_budget(self.config, n_hi)
        others = sorted(range(prompt - n_recent), key=lambda j: (-self.rank_of(scores[j], j, prompt), j))
        return sorted(others[:n_hi - n_recent] + list(range(prompt - n_recent, prompt)))

    def prefill(self) -> None:
        """Steps 1 to 4."""
        prompt = self.trace.prompt
        if self.config.balancer:
            rows = (row for head in self.queries for row in head[:prompt])
            self.factors = balancer(rows, self.keys[:prompt], self.trace.head_dim)
            self.emit("balancer", "f", self.factors)
        scores = self.prompt_scores()
        self.future_scores = scores if self.config.policy == "oracle" else []
        self.emit("importance_scores", "Q", scores)
        important = self.importance_set(scores)
        self.emit("importance_set", "I", important)
        self.importance = [self.store_important(position, scores[position]) for position in important]
        for position in sorted(set(range(prompt)) - set(important)):
            self.store_retained(Token(position, self.keys[position], self.values[position]))

    def append(self, position: int) -> None:
        """Step 7a, R20."""
        score = self.future_scores[position] if self.future_scores else 0
        token = self.store_important(position, score)
        if self.free_slot is None:
            self.importance.append(token)
        else:
            self.importance[self.free_slot] = token
            self.free_slot = None

    def attend_tier(
        self, slots: Sequence[Optional[Token]], quantized: bool, plain: Vector, query: QuantizedQuery
    ) -> List[Optional[ChunkResult]]:
        """R13: one result for each chunk; None where no slot is taken."""
        results: List[Optional[ChunkResult]] = []
        for first in range(0, len(slots), CHUNK):
            chunk = slots[first:first + CHUNK]
            keys = [None if token is None else token.key for token in chunk]
            values = [None if token is None else token.value for token in chunk]
            if all(token is None for token in chunk):
                results.append(None)
            elif quantized:
                results.append(attend_quantized(query, keys, values, self.scale2))
            else:
                results.append(attend_unquantized(plain, keys, values, self.scale2, self.trace.head_dim))
        return results

    def attend(self, query: Vector) -> List[int]:
        """Step 7b for one query head. Returns the weight of each importance slot (R18)."""
        stores_quantized = self.importance_bits is not None or self.retained_bits is not None
        quantized_query = quantize_query(self.balanced_query(query) if stores_quantized else query)
        retained = self.attend_tier(self.retained, True, query, quantized_query)
        important = self.attend_tier(
            self.importance, self.importance_bits is not None, query, quantized_query
        )
        partials = [
            [None if result is None else result.partial for result in tier] for tier in (retained, important)
        ]
        for partial in partials[0] + partials[1]:
            if partial is not None:
                self.emit("partials", "f", [partial.m, partial.l] + partial.o)
        root = merge(merge_chunks(partials[0]), merge_chunks(partials[1]))
        inverse_l = div(1.0, root.l)
        out = [mul(x, inverse_l) for x in root.o]
        if not all(map(math.isfinite, out)):
            raise ContractError("output is not finite")  # R5
        self.emit("output", "f", out)
        logits = [s for result in important
                  for s in (result.logits if result is not None else [None] * CHUNK)]
        return [0 if s is None else importance(s, root.m, inverse_l) for s in logits]

    def demote(self, seen: int) -> None:
        """Step 7d, R19, R20."""
        n_hi = budget(self.config, seen)
        n_recent = recent_budget(self.config, n_hi)
        demoted = []
        while sum(token is not None for token in self.importance) > n_hi:
            candidates = [(self.rank_of(token.score, token.position, seen), token.position, slot)
                          for slot, token in enumerate(self.importance)
                          if token is not None and token.position < seen - n_recent]
            position, slot = min(candidates)[1:]
            token = self.importance[slot]
            self.importance[slot] = None
            self.free_slot = slot
            self.store_retained(token)
            demoted.append(position)
        self.emit("importance_set", "I", demoted)

    def step(self, position: int) -> None:
        """Step 7 for the token at this position."""
        self.append(position)
        weights = [self.attend(head[position]) for head in self.queries]
        for slot, token in enumerate(self.importance):
            if token is not None and self.config.policy in ("h2o", "h2o_mean"):
                token.score = (token.score + sum(row[slot] for row in weights)) & MASK64
        self.emit("importance_scores", "Q", [token.score for token in self.importance if token is not None])
        self.demote(position + 1)

    def run(self) -> None:
        self.prefill()
        for position in range(self.trace.prompt, self.trace.tokens):
            self.step(position)


# ---- command line ------------------------------------------------------------------------------------------


def check_config(config: Config, head_dim: int) -> None:
    if head_dim % 8 or head_dim % config.group_size or config.group_size % 8:
        raise ContractError("D must be a multiple of 8, g divide D and be a multiple of 8")
    if not 0 <= config.importance_ratio <= 1 or not 0 <= config.recent_share <= 1:
        raise ContractError("a share is outside 0..1")


def replay_trace(trace: Trace, config: Config) -> Tuple[Dict[str, bytes], Dict[str, str]]:
    """Streams by tensor name, and tier and saturation counts by layer (as metadata)."""
    check_config(config, trace.head_dim)
    streams: Dict[str, bytes] = {}
    counts: Dict[str, str] = {}
    for layer in trace.layers:
        heads = [HeadReplay(trace, config, layer, kv_head) for kv_head in range(trace.kv_heads)]
        for kv_head, head in enumerate(heads):
            head.run()
            for stage in STAGES:
                streams[f"layers.{layer}.heads.{kv_head}.{stage}"] = bytes(head.streams[stage])
        important = sum(token is not None for head in heads for token in head.importance)
        counts[f"layers.{layer}.importance_tokens"] = str(important)
        counts[f"layers.{layer}.retained_tokens"] = str(sum(len(head.retained) for head in heads))
        counts[f"layers.{layer}.saturated_groups"] = str(sum(head.saturated_groups for head in heads))
    return streams, counts


def write_streams(path: str, streams: Dict[str, bytes], counts: Dict[str, str]) -> None:
    tensors = {name: ("U8", [len(data)], data) for name, data in streams.items()}
    write_safetensors(path, tensors, {"format": "mikv-streams", "version": "1", **counts})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trace", metavar="TRACE")
    parser.add_argument("--importance-ratio", type=float, required=True, metavar="R")
    parser.add_argument("--importance-format", choices=("native", "int8", "int4"), required=True)
    parser.add_argument("--retained-format", choices=("int8", "int4", "int3", "int2", "none"), required=True)
    parser.add_argument("--group-size", type=int, metavar="N", help="default: half of the head dimension")
    parser.add_argument("--no-balancer", action="store_true")
    parser.add_argument("--policy", choices=POLICIES, default="h2o")
    parser.add_argument("--recent-share", type=float, default=0.5, metavar="X")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--out", required=True, metavar="FILE")
    args = parser.parse_args()
    try:
        trace = read_trace(args.trace)
        config = Config(
            importance_ratio=args.importance_ratio,
            importance_format=args.importance_format,
            retained_format=args.retained_format,
            group_size=args.group_size or trace.head_dim // 2,
            balancer=not args.no_balancer,
            policy=args.policy,
            recent_share=args.recent_share,
            seed=args.seed,
        )
        write_streams(args.out, *replay_trace(trace, config))
    except (ContractError, OSError, KeyError, ValueError) as error:
        print(f"mikv_oracle: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
