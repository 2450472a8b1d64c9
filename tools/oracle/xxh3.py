#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""XXH3-64 (seed 0, default secret) in plain Python, after xxHash 0.8 (Yann Collet, BSD-2-Clause).

usage: xxh3.py [FILE ...]     prints the hash of each file, or checks itself when none is given
"""
import struct
import sys
from typing import List, Tuple

MASK64 = (1 << 64) - 1
PRIME32_1, PRIME32_2, PRIME32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
PRIME64_1, PRIME64_2, PRIME64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
PRIME64_4, PRIME64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")
STRIPE = 64
STRIPES_PER_BLOCK = (len(SECRET) - STRIPE) // 8
BLOCK = STRIPE * STRIPES_PER_BLOCK


def read32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at:at + 4], "little")


def read64(data: bytes, at: int) -> int:
    return int.from_bytes(data[at:at + 8], "little")


def rotate_left(x: int, bits: int) -> int:
    return ((x << bits) | (x >> (64 - bits))) & MASK64


def swap64(x: int) -> int:
    return int.from_bytes(x.to_bytes(8, "little"), "big")


def multiply_fold(a: int, b: int) -> int:
    product = a * b
    return (product & MASK64) ^ (product >> 64)


def avalanche(h: int) -> int:
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & MASK64
    return h ^ (h >> 32)


def avalanche_xxh64(h: int) -> int:
    h ^= h >> 33
    h = h * PRIME64_2 & MASK64
    h ^= h >> 29
    h = h * PRIME64_3 & MASK64
    return h ^ (h >> 32)


def rrmxmx(h: int, length: int) -> int:
    h ^= rotate_left(h, 49) ^ rotate_left(h, 24)
    h = h * 0x9FB21C651E98DF25 & MASK64
    h ^= (h >> 35) + length
    h = h * 0x9FB21C651E98DF25 & MASK64
    return h ^ (h >> 28)


def mix16(data: bytes, at: int, secret_at: int) -> int:
    return multiply_fold(read64(data, at) ^ read64(SECRET, secret_at),
                         read64(data, at + 8) ^ read64(SECRET, secret_at + 8))


def hash_0_to_16(data: bytes) -> int:
    n = len(data)
    if n > 8:
        low = read64(data, 0) ^ read64(SECRET, 24) ^ read64(SECRET, 32)
        high = read64(data, n - 8) ^ read64(SECRET, 40) ^ read64(SECRET, 48)
        return avalanche((n + swap64(low) + high + multiply_fold(low, high)) & MASK64)
    if n >= 4:
        joined = read32(data, n - 4) + (read32(data, 0) << 32)
        return rrmxmx(joined ^ read64(SECRET, 8) ^ read64(SECRET, 16), n)
    if n:
        joined = (data[0] << 16) | (data[n >> 1] << 24) | data[n - 1] | (n << 8)
        return avalanche_xxh64(joined ^ read32(SECRET, 0) ^ read32(SECRET, 4))
    return avalanche_xxh64(read64(SECRET, 56) ^ read64(SECRET, 64))


def hash_17_to_128(data: bytes) -> int:
    n = len(data)
    acc = n * PRIME64_1
    for i in range((n - 1) // 32 + 1):
        acc += mix16(data, 16 * i, 32 * i) + mix16(data, n - 16 * (i + 1), 32 * i + 16)
    return avalanche(acc & MASK64)


def hash_129_to_240(data: bytes) -> int:
    n = len(data)
    acc = n * PRIME64_1 + sum(mix16(data, 16 * i, 16 * i) for i in range(8))
    acc = avalanche(acc & MASK64)
    acc += sum(mix16(data, 16 * i, 16 * (i - 8) + 3) for i in range(8, n // 16))
    acc += mix16(data, n - 16, 136 - 17)
    return avalanche(acc & MASK64)


def accumulate(acc: List[int], lanes: Tuple[int, ...], key: Tuple[int, ...]) -> None:
    """One stripe of 8 lanes into the 8 accumulators."""
    for i in range(8):
        value = lanes[i]
        keyed = value ^ key[i]
        acc[i ^ 1] = (acc[i ^ 1] + value) & MASK64
        acc[i] = (acc[i] + (keyed & 0xFFFFFFFF) * (keyed >> 32)) & MASK64


def hash_long(data: bytes) -> int:
    n = len(data)
    acc = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1]
    keys = [struct.unpack_from("<8Q", SECRET, 8 * i) for i in range(STRIPES_PER_BLOCK)]
    scramble = struct.unpack_from("<8Q", SECRET, len(SECRET) - STRIPE)
    for stripe in range((n - 1) // STRIPE):
        accumulate(acc, struct.unpack_from("<8Q", data, STRIPE * stripe), keys[stripe % STRIPES_PER_BLOCK])
        if (stripe + 1) % STRIPES_PER_BLOCK == 0:
            acc = [((a ^ (a >> 47)) ^ key) * PRIME32_1 & MASK64 for a, key in zip(acc, scramble)]
    accumulate(acc, struct.unpack_from("<8Q", data, n - STRIPE),
               struct.unpack_from("<8Q", SECRET, len(SECRET) - STRIPE - 7))
    merged = n * PRIME64_1
    for i in range(4):
        low, high = read64(SECRET, 11 + 16 * i), read64(SECRET, 19 + 16 * i)
        merged += multiply_fold(acc[2 * i] ^ low, acc[2 * i + 1] ^ high)
    return avalanche(merged & MASK64)


def xxh3_64(data: bytes) -> int:
    if len(data) <= 16:
        return hash_0_to_16(data)
    if len(data) <= 128:
        return hash_17_to_128(data)
    if len(data) <= 240:
        return hash_129_to_240(data)
    return hash_long(data)


# xxhsum -H3 of the bytes 0, 1, 2 ... modulo 251
KNOWN = {
    0: 0x2d06800538d394c2, 1: 0xc44bdff4074eecdb, 3: 0x5f4299fc161c9cbb, 4: 0x60dab036a58211f2,
    8: 0x3a1c2d7c85af88f8, 9: 0xe9612598145bb9dc, 16: 0x8355e3a6f61770db, 17: 0x9ef341a99de37328,
    32: 0x3523581fe96e4c05, 33: 0xe68c56ba88991e58, 64: 0x6187eb9089b0ed55, 65: 0x6928c76ce90422d0,
    96: 0x278a3e12ea046dfb, 97: 0xe7220282dc4e14f4, 128: 0x85c6174c7ff4c46b, 129: 0xec7642b431ba3e5a,
    240: 0x375a384d957fe865, 241: 0x02e8cd95421c6d02, 1024: 0xe5d78bafa45b2aa5, 1025: 0xe95c42288f28186e,
    1088: 0x1a848d807034c403, 2049: 0x6c9600c0e506e2ae, 5000: 0xb418500fc42320ee,
}


def main() -> int:
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        return 0
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            print(f"{xxh3_64(file.read()):016x}  {path}")
    if len(sys.argv) > 1:
        return 0
    wrong = [n for n, value in KNOWN.items() if xxh3_64(bytes(i % 251 for i in range(n))) != value]
    print("wrong for lengths " + ", ".join(map(str, wrong)) if wrong else f"{len(KNOWN)} known hashes agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
