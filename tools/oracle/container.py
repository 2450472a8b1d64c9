# SPDX-License-Identifier: Apache-2.0
"""Traces and stage streams as safetensors, and the configuration."""
import json
import math
import struct
from typing import Dict, List, NamedTuple, Tuple

from constants import ContractError
from fp32 import from_bits
from quantizer import balancer


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
