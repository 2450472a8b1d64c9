#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""dequantize and decode in numpy, for the cases of 'mikv cases export'.

usage: kernels.py CASES RESULTS
"""
import json
import math
import pathlib
import sys

import numpy

import safetensors_file

BITS = {"int2": 2, "int3": 3, "int4": 4, "int8": 8}


def unpack(packed, bits):
    """Codes of rows of bytes: 8 codes make as many bytes as they have bits, the lowest first (core/FORMAT.md)."""
    ones = numpy.unpackbits(packed, axis=-1, bitorder="little")
    return ones.reshape(*packed.shape[:-1], -1, bits) @ (1 << numpy.arange(bits))


def numbers(case, arrays, tier, kind):
    """A tier's keys or values in fp64: alpha * code + beta, or the elements as they are."""
    payload = arrays[f"in.{tier}.{kind}s"]
    bits = BITS.get(case["formats"][tier])
    if bits is None:
        return payload.astype(numpy.float64)
    groups = arrays[f"in.{tier}.{kind}_groups"].astype(numpy.float64)
    alpha, beta = (numpy.repeat(groups[..., i::2], case["group_size"], axis=-1) for i in (0, 1))
    return alpha * unpack(payload, bits) + beta


def empty(case):
    """The outputs as they are to be written, filled with zeros."""
    dtype = safetensors_file.DTYPES
    return {out["name"]: numpy.zeros(out["shape"], dtype[out["dtype"]]) for out in case["outputs"]}


def dequantize(case, arrays):
    """All rows; those that hold no token are not looked at."""
    return {kind + "s": numbers(case, arrays, "tier", kind).astype("<f4") for kind in ("key", "value")}


def decode(case, arrays):
    """One softmax over both tiers, base 2."""
    results = empty(case)
    results["importance.scores"] = arrays["in.importance.scores"].copy()
    tiers = [tier for tier, name in case["formats"].items() if name != "none"]
    keys = {tier: numbers(case, arrays, tier, "key") for tier in tiers}
    values = {tier: numbers(case, arrays, tier, "value") for tier in tiers}
    shape = case["shape"]
    for sequence in range(shape["sequences"]):
        for head in range(shape["query_heads"]):
            kv_head = head // (shape["query_heads"] // shape["kv_heads"])
            query = arrays["in.queries"][sequence, head, 0].astype(numpy.float64)
            logits = {}
            for tier in tiers:
                taken = case["integers"][tier + ".tokens"][sequence]
                balanced = case["formats"][tier] in BITS and "in.balancer" in arrays
                against = query / arrays["in.balancer"][sequence, kv_head, 0] if balanced else query
                logits[tier] = keys[tier][sequence, kv_head, :taken] @ against * case["softmax_scale"] * math.log2(math.e)
                results[tier + "_logits"][sequence, head, 0, :taken] = logits[tier]
            largest = max(x.max() for x in logits.values() if x.size)
            weights = {tier: numpy.exp2(x - largest) for tier, x in logits.items()}
            total = sum(x.sum() for x in weights.values())
            results["statistics"][sequence, head, 0] = largest, total
            output = sum(x @ values[tier][sequence, kv_head, :x.size] for tier, x in weights.items())
            results["outputs"][sequence, head, 0] = output / total
            added = numpy.rint(weights["importance"] / total * 2**30).astype("<u8")
            results["importance.scores"][sequence, kv_head, :added.size, 0] += added
    return results


def main():
    folder, results = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    kernels = {"dequantize": dequantize, "decode": decode}
    results.mkdir(parents=True, exist_ok=True)
    for case in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["cases"]:
        if case["operation"] in kernels:
            arrays = safetensors_file.read(folder / case["file"])
            safetensors_file.write(results / case["file"], kernels[case["operation"]](case, arrays))


if __name__ == "__main__":
    main()
