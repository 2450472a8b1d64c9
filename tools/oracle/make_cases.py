#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes small traces that reach every rule of the contract, and what the oracle computes from them.

usage: make_cases.py FOLDER [NAME ...]     (all cases without names)

For each case: NAME.safetensors (the trace), NAME.json (the configuration), NAME.streams.safetensors (the
stage streams). The numbers come from SplitMix64 and IEEE operations only: they are the same on every machine.
"""
import json
import math
import os
import struct
import sys
import time
from typing import Callable, Dict, List, NamedTuple, Tuple

sys.dont_write_bytecode = True
from constants import MASK64  # noqa: E402
from container import Config, read_trace, write_safetensors  # noqa: E402
from fp32 import bits_of  # noqa: E402
from mikv_oracle import replay_trace, write_streams  # noqa: E402
from policies import mix  # noqa: E402

Heads = List[List[List[float]]]  # [head][token][channel]


class Random:
    """SplitMix64 as a stream of numbers."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def bits(self) -> int:
        value = mix(self.state)
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK64
        return value

    def below(self, n: int) -> int:
        return self.bits() % n

    def normal(self) -> float:
        """About a unit normal: a sum of four 16-bit uniforms, exact."""
        bits = self.bits()
        return (sum((bits >> shift) & 0xFFFF for shift in (0, 16, 32, 48)) - 131070) / 32768.0

    def eighths(self, n: int) -> float:
        """A multiple of 1/8 in [-n, n]: many equal values and many halves between codes."""
        return (self.below(16 * n + 1) - 8 * n) / 8.0

    def heads(self, heads: int, tokens: int, dim: int, scale: float = 1.0) -> Heads:
        return [[[self.normal() * scale for _ in range(dim)] for _ in range(tokens)] for _ in range(heads)]

    def grid(self, heads: int, tokens: int, dim: int, n: int) -> Heads:
        return [[[self.eighths(n) for _ in range(dim)] for _ in range(tokens)] for _ in range(heads)]


class Case(NamedTuple):
    element: str
    query_heads: int
    kv_heads: int
    dim: int
    prompt: int
    decode: int
    layers: List[int]
    config: Dict[str, object]
    values: Callable[[Random, "Case"], Tuple[Heads, Heads, Heads]]  # q, k, v of a layer
    scale: float = 0.0  # 0: 1 / sqrt(dim)

    @property
    def tokens(self) -> int:
        return self.prompt + self.decode


def config(
    ratio: float,
    importance: str,
    retained: str,
    group: int,
    policy: str = "h2o",
    balancer: bool = True,
    share: float = 0.5,
    seed: int = 0,
) -> Dict[str, object]:
    return {
        "importance_ratio": ratio,
        "importance_format": importance,
        "retained_format": retained,
        "group_size": group,
        "balancer": balancer,
        "policy": policy,
        "recent_share": share,
        "seed": seed,
    }


def plain(random: Random, case: Case) -> Tuple[Heads, Heads, Heads]:
    """Normal numbers; an outlier channel in the keys and one in the queries."""
    q = random.heads(case.query_heads, case.tokens, case.dim, 1.5)
    k = random.heads(case.kv_heads, case.tokens, case.dim)
    v = random.heads(case.kv_heads, case.tokens, case.dim)
    for row in (row for head in k for row in head):
        row[3] = row[3] * 8.0 + 6.0
        row[6] *= 0.25
    for row in (row for head in q for row in head):
        row[3] *= 0.25
    return q, k, v


def clamped(random: Random, case: Case) -> Tuple[Heads, Heads, Heads]:
    """Both clamps of the balancer; channels that are zero in the prompt, of the keys and of the queries."""
    q, k, v = plain(random, case)
    for head in q:
        for position, row in enumerate(head):
            row[0] *= 2.0 ** -10  # b < 1/64 with the next line
            row[1] *= 64.0
            if position < case.prompt:
                row[4] = 0.0
    for head in k:
        for position, row in enumerate(head):
            row[0] *= 16.0
            row[1] *= 2.0 ** -9  # b > 64
            if position < case.prompt:
                row[5] = 0.0
                row[4] *= 4.0
            if position % 11 == 3:
                row[:] = head[max(0, position - 1)]
    return q, k, v


def coarse(random: Random, case: Case) -> Tuple[Heads, Heads, Heads]:
    """Multiples of 1/8, constant values. KV head 0 sees only token 0: all other scores are equal, at 0."""
    q = random.grid(case.query_heads, case.tokens, case.dim, 2)
    k = random.grid(case.kv_heads, case.tokens, case.dim, 2)
    v = random.grid(case.kv_heads, case.tokens, case.dim, 3)
    for head in q[:case.query_heads // case.kv_heads]:
        for row in head:
            row[2] = 4.0
    k[0][0][2] = 40.0
    for head in v:
        for position in range(4, case.tokens, 7):
            head[position] = [head[position][0]] * case.dim
        for position in range(5, case.tokens, 13):
            head[position] = [x * 2.0 ** -20 for x in head[position]]  # subnormal in fp16
    for head in k:
        for position in range(6, case.tokens, 9):
            head[position] = list(head[position - 1])
    return q, k, v


def twins(random: Random, case: Case) -> Tuple[Heads, Heads, Heads]:
    """Runs of equal keys: equal scores of rows that see them all, also after pooling."""
    q, k, v = plain(random, case)
    for head in k:
        for position in range(1, case.tokens):
            if position % 16:
                head[position] = list(head[position - 1])
    return q, k, v


def faint(random: Random, case: Case) -> Tuple[Heads, Heads, Heads]:
    """Token 0 takes nearly all: the others' scores are a few units of 2^-30, their floored means equal."""
    q, k, v = plain(random, case)
    for head in q:
        for row in head:
            row[:] = [x * 0.25 for x in row]
            row[2] = 4.0
    for head in k:
        for position, row in enumerate(head):
            row[2] = row[3] = 0.0
            if position == 0:
                row[2] = 14.0
    return q, k, v


def halves(random: Random, case: Case) -> Tuple[Heads, Heads, Heads]:
    """Values halfway between two codes of 8 bits, but for the rounding of the reciprocal of alpha."""
    q, k, v = plain(random, case)
    for head in v:
        for row in head:
            alpha = (1025 + 2 * random.below(512)) / 4096.0
            row[:] = [alpha * (random.below(255) + 0.5) for _ in range(case.dim)]
            row[0], row[-1] = 0.0, alpha * 255.0
    return q, k, v


def far(random: Random, case: Case) -> Tuple[Heads, Heads, Heads]:
    """Logits 124 to 128 below the maximum, about exp2's last exponent, in a block and between the tiers.

    All is 0 in channel 7 of the values but what is that far away. The scale is 0.5.
    """
    q, k, v = plain(random, case)
    at_126 = 174.673095703125  # times scale2 it is 126 in fp32
    steps = (171.5, 172.5, 173.25, 173.75, 174.0, 174.5, at_126, 174.75, 175.25, 176.0, 177.5, 206.0, 250.0)
    for head in q:
        for row in head:
            row[1:] = [0.0] * (case.dim - 1)
        for position, x in zip(range(case.prompt, case.tokens), steps):
            head[position][0] = x
    for head in k:
        head[:] = [[-1.0] * case.dim for _ in head]
        for position in (0, 1, 3):
            head[position] = [0.0] * case.dim
    for head in v:
        for position in (0, 1, 3):
            head[position][7] = 0.0
    return q, k, v


def saturating(random: Random, case: Case) -> Tuple[Heads, Heads, Heads]:
    """fp32 beyond fp16's range: alpha and beta clamped, max - min beyond fp32, very peaked rows."""
    q, k, v = plain(random, case)
    for head in v:
        head[5][0], head[5][1] = 3e38, -3e38
        head[6][2] = -1e9
        head[7][:8] = [70000.0] * 8
        head[8][:8] = [-1e6 + 1000.0 * c for c in range(8)]
        head[9][:8] = [196512.0 * (c % 2) for c in range(8)]  # int2: alpha is 65504, not clamped
        head[10][:8] = [-65504.0 - 16.0 * (c % 2) for c in range(8)]
        head[11][:8] = [65503.0 + (c % 3) for c in range(8)]
        head[case.prompt + 1][9] = 2e38
        head[case.prompt + 2][10] = -1e7
    for head in k:
        head[3][1] = 3e5
        head[4][2] = -1e7
        head[12][9] = 5e10
        head[case.prompt + 3][1] = -4e6
    return q, k, v


def tiny(random: Random, case: Case) -> Tuple[Heads, Heads, Heads]:
    """Subnormal fp16 and fp32, beta of -0, zero queries, logits of -0, groups whose A or B is below 2^-90."""
    q, k, v = plain(random, case)
    for head in v:
        for position, row in enumerate(head):
            if position != 9:
                row[8:16] = [0.0] * 8  # alpha = beta = 0
            if position % 5 == 1:
                row[:8] = [x * 2.0 ** -22 for x in row[:8]]
            if position % 5 == 2:
                row[:8] = [(x + 3.0) * 2.0 ** -25 for x in row[:8]]
            if position % 5 == 3:
                row[:8] = [x * 1e-40 for x in row[:8]]
        head[4][:8] = [-1e-9, 0.5, 0.25, -0.0, 1e-9, 0.75, 0.125, 1.0]
        head[14][:8] = [-0.0] * 8
        head[case.prompt + 2][:8] = [-1e-9, -0.0, 1e-12, 0.0, 0.0, 1.0, 2.0, 3.0]
    for head in k:
        for row in head:
            row[0] = abs(row[0])
            row[15] = -abs(row[15]) / 16.0
        head[9][0] = -40.0
        head[13] = [x * 1e-38 for x in head[13]]
    for head in q:
        for row in head:
            row[0] = abs(row[0]) + 2.0  # nobody attends to token 9
        for step, scale in enumerate((0.0, 2.0 ** -101, 2.0 ** -100, 1e-30, 1e-41)):
            row = head[case.prompt + step]
            largest = max(abs(x) for x in row)
            row[:] = [x / largest * scale for x in row]
        head[case.prompt + 5] = [0.0] * 15 + [2.0 ** -149]
        for step, first in enumerate((4.0, 4.4, 4.5, 4.55, 4.6, 4.7, 4.9, 5.0, 6.0, 9.0)):
            head[case.prompt + 6 + step][0] = first
        head[7] = [-0.0] * case.dim
    return q, k, v


CASES: Dict[str, Case] = {
    # five chunks retained: the tree is ((01)(23))4; dead and outlier channels
    "chunks": Case("F16", 1, 1, 8, 1028, 4, [0], config(0.03, "native", "int2", 8), clamped),
    # the control arm; three chunks unquantized
    "full": Case("F16", 2, 1, 8, 526, 4, [0], config(1, "native", "int4", 8), plain),
    # 257 tokens in a quantized importance tier: a chunk of one slot; demotion requantizes
    "quantized": Case("BF16", 1, 1, 16, 512, 4, [0], config(0.5, "int8", "int3", 8), plain),
    # 290 tokens unquantized, the new slot in a later block; no balancer
    "blocks": Case(
        "F16", 2, 1, 8, 483, 4, [1], config(0.6, "native", "int8", 8, "h2o_mean", balancer=False), plain
    ),
    # 0.58 * 100 is a hair below 58 in double
    "snapkv": Case("F16", 4, 2, 16, 100, 8, [3], config(0.58, "native", "int4", 8, "snapkv"), twins),
    # fewer rows than snapkv's window, fewer positions than its pool
    "short": Case("BF16", 2, 1, 8, 3, 6, [0], config(0.5, "native", "int2", 8, "snapkv"), plain),
    "prompt": Case("F16", 1, 1, 8, 33, 0, [0], config(0.2, "int8", "int2", 8, "snapkv"), plain),
    # these scales round differently to fp32 by other ways than R13's
    "mean": Case(
        "F32", 4, 1, 24, 50, 7, [0], config(0.2, "int4", "int2", 8, "h2o_mean", share=0.25),
        clamped, 0.22360679774997896
    ),
    "tiny": Case("F32", 2, 1, 16, 24, 16, [0], config(0.2, "native", "int8", 8), tiny, 0.2886751345948129),
    "tiny_int4": Case("F32", 1, 1, 16, 24, 16, [0], config(0.5, "int4", "int2", 16, balancer=False), tiny),
    "faint": Case(
        "F16", 1, 1, 8, 20, 60, [0], config(0.4, "native", "int8", 8, "h2o_mean", share=0), faint, 0.35
    ),
    "ties": Case("F16", 2, 2, 8, 48, 24, [0], config(0.5, "int8", "int2", 8), coarse),
    "random": Case(
        "BF16", 2, 2, 24, 22, 14, [2, 11],
        config(0.2, "int8", "int3", 24, "random", seed=0x0123456789ABCDEF), plain
    ),
    # round-to-nearest; the retained tier passes 256 slots while decoding
    "nearest": Case("F16", 1, 1, 16, 250, 12, [0], config(0, "native", "int3", 16, balancer=False), coarse),
    "requantized": Case("F32", 1, 1, 8, 12, 12, [0], config(0, "int8", "int4", 8), halves),
    "future": Case("BF16", 2, 1, 16, 40, 24, [0], config(0.5, "int4", "int8", 16, "oracle"), coarse),
    # fewer important tokens than sinks, then more
    "sinks": Case("F16", 1, 1, 8, 6, 30, [0], config(0.2, "native", "int8", 8, "recent_sinks"), plain),
    "dropped": Case("F16", 4, 2, 8, 64, 16, [0], config(0.2, "int4", "none", 8, share=1), plain),
    "evicted": Case(
        "BF16", 1, 1, 8, 30, 30, [0], config(0.3, "native", "none", 8, balancer=False, share=0), coarse
    ),
    "saturating": Case(
        "F32", 1, 1, 16, 40, 10, [0], config(0.2, "native", "int2", 8, "recent_sinks"), saturating
    ),
    "saturating_int8": Case(
        "F32", 1, 1, 16, 40, 10, [0], config(0.5, "int8", "int4", 8, balancer=False, share=0), saturating
    ),
    "far": Case(
        "F32", 1, 1, 8, 8, 13, [0], config(0.5, "native", "int8", 8, "recent_sinks", balancer=False), far, 0.5
    ),
    "one": Case("F16", 1, 1, 16, 1, 20, [0], config(0.5, "int4", "int3", 8), plain),
}


def encode_elements(values: List[float], element: str) -> bytes:
    if element == "F16":
        return struct.pack(f"<{len(values)}e", *values)
    if element == "F32":
        return struct.pack(f"<{len(values)}f", *values)
    words = [bits_of(x) for x in values]
    return struct.pack(f"<{len(words)}H", *((word + 0x7FFF + ((word >> 16) & 1)) >> 16 for word in words))


def write_trace(path: str, name: str, case: Case) -> None:
    tensors = {}
    for layer in case.layers:
        random = Random(mix(int.from_bytes(name.encode(), "big") & MASK64) + layer)
        for letter, heads in zip("qkv", case.values(random, case)):
            flat = [x for head in heads for row in head for x in row]
            tensors[f"layers.{layer}.{letter}"] = (case.element, [len(heads), case.tokens, case.dim],
                                                   encode_elements(flat, case.element))
    write_safetensors(path, tensors, {
        "format": "mikv-trace", "version": "1", "model": "made", "description": f"oracle case {name}",
        "num_layers": str(max(case.layers) + 1), "num_query_heads": str(case.query_heads),
        "num_kv_heads": str(case.kv_heads), "head_dim": str(case.dim), "prompt_length": str(case.prompt),
        "decode_length": str(case.decode), "softmax_scale": repr(case.scale or 1.0 / math.sqrt(case.dim)),
        "layout": "heads,tokens,head_dim", "rope": "applied", "producer": "tools/oracle/make_cases.py"})


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1].startswith("-") or set(sys.argv[2:]) - set(CASES):
        print(__doc__, file=sys.stderr)
        return 2
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for name in sys.argv[2:] or CASES:
        case, base, start = CASES[name], os.path.join(folder, name), time.monotonic()
        write_trace(base + ".safetensors", name, case)
        with open(base + ".json", "w", encoding="utf-8") as file:
            file.write(json.dumps(case.config, indent=2) + "\n")
        trace = read_trace(base + ".safetensors")
        streams, counts = replay_trace(trace, Config(**case.config))
        write_streams(base + ".streams.safetensors", streams, counts)
        sizes = [os.path.getsize(base + end) for end in (".safetensors", ".streams.safetensors")]
        seconds = time.monotonic() - start
        print(f"{name:16} trace {sizes[0]:6}  streams {sizes[1]:6} bytes  {seconds:5.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
