#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Computes small synthetic traces from trace/SYNTH.md alone and compares the tensors' bytes with 'mikv trace synth'.

usage: check_synth.py MIKV
Exit code: 0 all equal, 1 not.
"""
import itertools
import json
import math
import pathlib
import struct
import subprocess
import sys
import tempfile
from fractions import Fraction

MASK = (1 << 64) - 1
ONE = 65536
Q, K, V, LAYER, QUERY_HEAD, KV_HEAD, TOKEN, OUTLIER, DIRECTION, KEY_SCALE, VALUE_SCALE = range(11)
SHAPES = [(1, 1, 8), (2, 1, 24), (7, 1, 64), (4, 4, 80), (8, 2, 128), (1, 1, 256)]  # H, K, D
TOKENS = 45
LAYERS = 2
SEEDS = [0, MASK]
DTYPES = ["fp16", "bf16"]


def mix(x):
    x = (x + 0x9e3779b97f4a7c15) & MASK
    x = ((x ^ x >> 30) * 0xbf58476d1ce4e5b9) & MASK
    x = ((x ^ x >> 27) * 0x94d049bb133111eb) & MASK
    return x ^ x >> 31


class Words:
    def __init__(self, seed, layer, purpose, head):
        self.key = mix(mix(mix(mix(seed) + layer) + purpose) + head)

    def word(self, n):
        return mix(self.key + n * 0x9e3779b97f4a7c15)

    def uniform(self, n, a, b):
        return a + ((self.word(n) >> 32) * (b - a) >> 32)

    def sign(self, n):
        return -1 if self.word(n) % 2 else 1

    def normal(self, n):
        return sum(struct.unpack("<8H", struct.pack("<2Q", self.word(2 * n), self.word(2 * n + 1)))) - 262140


def times(x, y):
    return x * y >> 16


def sine(a):
    u = a % 32768
    magnitude = u * (32768 - u) >> 12
    return -magnitude if a % 65536 >= 32768 else magnitude


class LlamaHead:
    """What a KV head's queries and keys share."""

    def __init__(self, seed, layer, head, d):
        self.d, self.kv = d, Words(seed, layer, KV_HEAD, head)
        self.tokens = Words(seed, layer, TOKEN, head)
        self.s = math.isqrt(d << 32)
        self.turning = min(max(d // 16, 1), 8)
        self.r = math.isqrt(self.kv.uniform(1, 3 * ONE, 6 * ONE) * self.s // self.turning)
        draw, pairs = Words(seed, layer, OUTLIER, head), max(1, d // 64)
        width = d // 4 // pairs
        self.outlier = [0] * d
        for i in range(pairs):
            pair = d // 4 + i * width + draw.uniform(3 * i, 0, width)
            for n, c in ((3 * i + 1, pair), (3 * i + 2, pair + d // 2)):
                self.outlier[c] = draw.sign(n) * draw.uniform(n, 4 * ONE, 10 * ONE)
        signs = Words(seed, layer, DIRECTION, head)
        self.u = [0 if self.outlier[c] or c % (d // 2) < self.turning else signs.sign(c) for c in range(d)]

    def attraction(self, t):
        z = 0
        if t == 0:
            z = self.kv.uniform(0, 7 * ONE, 10 * ONE)
        elif t < 4:
            z = self.kv.uniform(0, 7 * ONE, 10 * ONE) // 2
        elif self.tokens.word(2 * t) % 32 == 0:
            z = self.tokens.uniform(2 * t + 1, 2 * ONE, 5 * ONE)
        return 2 * z * self.s // (sum(map(abs, self.u)) * 65536)

    def turn(self, row, t):
        for i in range(self.turning):
            a = self.kv.word(2 + i) + (t << 16 - (3 + 10 * (i + 1) // self.turning))
            row[i], row[i + self.d // 2] = times(self.r, sine(a + 16384)), times(self.r, sine(a))


def gaussian(_seed, _layer, _tensor, _head, _ratio, d):
    return lambda t: ([0] * d, [ONE] * d)


def llama_like(seed, layer, tensor, head, ratio, d):
    gains = Words(seed, layer, LAYER, 0)
    scale = Words(seed, layer, KEY_SCALE if tensor == K else VALUE_SCALE, head)
    scales = [scale.uniform(c, ONE // 2, 3 * ONE // 2) for c in range(d)]
    shared = LlamaHead(seed, layer, head // ratio if tensor == Q else head, d)

    def query(t):
        offset = Words(seed, layer, QUERY_HEAD, head).uniform(0, 7 * ONE // 16, 9 * ONE // 16)
        mean = [offset * u for u in shared.u]
        shared.turn(mean, t)
        return mean, [ONE // 2 if x else ONE for x in shared.outlier]

    def key(t):
        gain, y = gains.uniform(0, 7 * ONE // 8, 9 * ONE // 8), shared.attraction(t)
        mean = [x + y * u for x, u in zip(shared.outlier, shared.u)]
        shared.turn(mean, t)
        return [times(gain, x) for x in mean], [times(gain, x) for x in scales]

    def value(t):
        gain = gains.uniform(1, ONE // 4, ONE)
        return [0] * d, [times(gain, x) // (4 if t == 0 else 1) for x in scales]

    return (query, key, value)[tensor]


def bf16(x):
    """The nearest bf16 of a fraction, halves to even, as bits."""
    if x == 0:
        return 0
    size, exponent = abs(x), 0
    while size >= 2:
        size, exponent = size / 2, exponent + 1
    while size < 1:
        size, exponent = size * 2, exponent - 1
    return (0x8000 if x < 0 else 0) + ((exponent + 126) << 7) + round(size * 128)


def fp16(x):
    return struct.unpack("<H", struct.pack("<e", float(x)))[0]  # float(x) is exact: fewer than 2^53 units


def tensor_bytes(profile, seed, layer, tensor, heads, ratio, d, rounded):
    bits = []
    for head in range(heads):
        row, words = profile(seed, layer, tensor, head, ratio, d), Words(seed, layer, tensor, head)
        for t in range(TOKENS):
            mean, noise = row(t)
            bits += [rounded(Fraction(words.normal(t * d + c) * 80265 * noise[c] + mean[c] * 2**32, 2**48))
                     for c in range(d)]
    return struct.pack(f"<{len(bits)}H", *bits)


def differs(mikv, folder, name, dtype, seed, shape):
    """The first tensor that differs, or None."""
    query_heads, kv_heads, d = shape
    path = folder / "synth.safetensors"
    subprocess.run([mikv, "trace", "synth", path, "--quiet", "--profile", name, "--dtype", dtype, "--seed", str(seed),
                    "--layers", str(LAYERS), "--query-heads", str(query_heads), "--kv-heads", str(kv_heads),
                    "--head-dim", str(d), "--prompt", str(TOKENS - 5), "--decode", "5"], check=True)
    file = path.read_bytes()
    begin = 8 + struct.unpack("<Q", file[:8])[0]
    header = json.loads(file[8:begin])
    profile = {"gaussian": gaussian, "llama-like": llama_like}[name]
    rounded = {"fp16": fp16, "bf16": bf16}[dtype]
    for layer, (tensor, part) in itertools.product(range(LAYERS), enumerate("qkv")):
        low, high = header[f"layers.{layer}.{part}"]["data_offsets"]
        heads = query_heads if part == "q" else kv_heads
        want = tensor_bytes(profile, seed, layer, tensor, heads, query_heads // kv_heads, d, rounded)
        if file[begin + low:begin + high] != want:
            return f"layers.{layer}.{part}"
    return None


def main():
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        cases = list(itertools.product(("gaussian", "llama-like"), SHAPES))
        for i, (name, shape) in enumerate(cases):
            dtype, seed = DTYPES[i % 2], SEEDS[i // 2 % 2]
            tensor = differs(sys.argv[1], pathlib.Path(folder), name, dtype, seed, shape)
            if tensor:
                failed = True
                print(f"{name}, {dtype}, heads and channels {shape}: {tensor} is not what trace/SYNTH.md says")
    print(f"{len(cases)} traces compared")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
