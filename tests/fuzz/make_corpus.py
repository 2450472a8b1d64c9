#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seed corpus of fuzz_trace: tiny traces, valid_* and hostile_*.

Usage: make_corpus.py FOLDER
"""

import json
import pathlib
import struct
import sys

METADATA = {
    "format": "mikv-trace",
    "version": "1",
    "model": "m",
    "description": "d",
    "num_layers": "2",
    "num_query_heads": "2",
    "num_kv_heads": "1",
    "head_dim": "8",
    "prompt_length": "1",
    "decode_length": "1",
    "softmax_scale": "0.35355339059327379",
    "layout": "heads,tokens,head_dim",
    "rope": "applied",
}
SIZES = {"F16": 2, "BF16": 2, "F32": 4}


def with_length(header, data=b""):
    return struct.pack("<Q", len(header)) + header + data


def recorded(parts="qkv", layer=0, dtype="F16"):
    """(name, dtype, shape, bytes) of a layer's tensors."""
    tensors = []
    for part in parts:
        heads = 2 if part in "qo" else 1
        size = heads * 2 * 8 * SIZES[dtype]
        tensors.append((f"layers.{layer}.{part}", dtype, [heads, 2, 8], bytes(i % 60 for i in range(size))))
    return tensors


def entries(tensors):
    """Header entries of tensors that lie one after the other, and their bytes."""
    table, data = {}, b""
    for name, dtype, shape, content in tensors:
        table[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    return table, data


def trace(tensors=None, metadata=None, change=lambda header: None, **extra):
    """A trace; change() edits the header's dictionary before it is written."""
    table, data = entries(recorded() if tensors is None else tensors)
    header = {"__metadata__": {**(METADATA if metadata is None else metadata), **extra}, **table}
    change(header)
    return with_length(json.dumps(header, separators=(",", ":")).encode(), data)


def replaced(old, new):
    """A valid trace with one piece of header text replaced, its length kept right."""
    whole = trace()
    (length,) = struct.unpack("<Q", whole[:8])
    header, data = whole[8 : 8 + length], whole[8 + length :]
    assert header.count(old) >= 1, old
    return with_length(header.replace(old, new, 1), data)


def one(dtype, shape, begin, end, data):
    header = {"t": {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}}
    return with_length(json.dumps(header).encode(), data)


def without(field):
    return {key: value for key, value in METADATA.items() if key != field}


def set_entry(name, key, value):
    def change(header):
        header[name][key] = value

    return change


def valid_files():
    ids = ("ids", "U8", [1], b"x")
    return {
        "minimal": trace(),
        "padded": replaced(b'{"__metadata__"', b' \n{"__metadata__"'),
        "output_bf16": trace(recorded("qkvo", dtype="BF16")),
        "two_layers_f32": trace(recorded(dtype="F32") + recorded(layer=1, dtype="F32")),
        "odd_start": trace([ids, *recorded()]),
        "last_layer_only": trace(recorded(layer=1), producer="p", model_revision="r"),
        "window_softcap_sinks": trace(
            [*recorded(), ("sinks.0", "F16", [2], b"abcd")], sliding_window="1,0", softcap="30", sinks="1"
        ),
        "unused_tensors": trace([*recorded(), ("layers.00.q", "F4", [2], b"x"), ("empty", "I64", [0], b"")]),
    }


def hostile_files():
    offsets = b'"data_offsets":[0,64]'
    ten = {f"t{i}": {"dtype": "I32", "shape": [2, 2], "data_offsets": [0, 16]} for i in range(10)}
    return {
        "empty": b"",
        "length_only": struct.pack("<Q", 60),
        "length_huge": struct.pack("<Q", 0xFFFFFF000000003C) + b" " * 60,
        "length_wraps": struct.pack("<Q", 2**64 - 8) + trace()[8:],
        "one_byte_ff": with_length(b"\xff"),
        "one_byte_brace": with_length(b"{"),
        "no_tensors": with_length(b"{}"),
        "same_bytes_ten_times": with_length(json.dumps(ten).encode(), bytes(16)),
        "polyglot": trace() + b"PK",
        "cut_short": trace()[:-2],
        "shape_overflow": one("I32", [2, 2**64 - 2], 0, 16, bytes(16)),
        "shape_wraps": one("I32", [2**30, 2**30, 16], 0, 0, b""),
        "size_wrong": one("I32", [2, 2], 0, 4, bytes(4)),
        "half_byte": one("F4", [1, 3], 0, 1, b"x"),
        "scalar": one("I32", [], 0, 4, bytes(4)),
        "gap": trace(change=set_entry("layers.0.k", "data_offsets", [65, 97])),
        "backwards": trace(change=set_entry("layers.0.k", "data_offsets", [96, 64])),
        "offset_negative": replaced(offsets, b'"data_offsets":[-0,64]'),
        "offset_fraction": replaced(offsets, b'"data_offsets":[0.0,64]'),
        "offset_exponent": replaced(offsets, b'"data_offsets":[0,64e0]'),
        "offset_2_64": replaced(offsets, b'"data_offsets":[0,18446744073709551616]'),
        "offsets_three": replaced(offsets, b'"data_offsets":[0,64,64]'),
        "nested": replaced(offsets, b'"data_offsets":' + b"[" * 200),
        "key_twice": replaced(b'"layers.0.k"', b'"layers.0.q"'),
        "field_twice": replaced(b'"dtype":"F16"', b'"dtype":"F16","dtype":"F16"'),
        "metadata_twice": replaced(b'"version":"1"', b'"version":"1","version":"2"'),
        "metadata_number": replaced(b'"num_layers":"2"', b'"num_layers":2'),
        "metadata_missing": trace(metadata=without("head_dim")),
        "metadata_contradicts": trace(num_kv_heads="2"),
        "metadata_malformed": trace(prompt_length="1.0"),
        "window_malformed": trace(sliding_window="1,"),
        "scale_nan": trace(softmax_scale="nan"),
        "dtype_unknown": trace(change=set_entry("layers.0.k", "dtype", "F17")),
        "dtype_mixed": trace(recorded("qk") + recorded("v", dtype="BF16")),
        "layer_beyond": trace(recorded(layer=2)),
        "layer_incomplete": trace(recorded("qv")),
        "name_long": replaced(b"layers.0.k", b"n" * 257),
        "name_nul": replaced(b"layers.0.k", b"layers.0.k\\u0000"),
        "name_surrogate": replaced(b"layers.0.k", b"\\ud800"),
        "name_not_utf8": replaced(b"layers.0.k", b"\xed\xa0\x80"),
        "behind_nul": replaced(b"}}", b"}}\0#!/bin/sh"),
        "sinks_unannounced": trace([*recorded(), ("sinks.0", "F16", [2], b"abcd")]),
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for kind, files in (("valid", valid_files()), ("hostile", hostile_files())):
        for name, content in files.items():
            (folder / f"{kind}_{name}.safetensors").write_bytes(content)


if __name__ == "__main__":
    main()
