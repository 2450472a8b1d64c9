# SPDX-License-Identifier: Apache-2.0
"""fp32 arithmetic in doubles: each operation correctly rounded (CONTRACT, R1-R11)."""
import math
import struct

from constants import ContractError

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
