# SPDX-License-Identifier: Apache-2.0
"""Reads and writes safetensors files with numpy alone. bf16, which numpy lacks, is read as fp32."""
import json
import struct

import numpy

DTYPES = {"F16": "<f2", "F32": "<f4", "U8": "u1", "U32": "<u4", "U64": "<u8", "I64": "<i8", "BF16": "<u2"}


def read(path):
    """All tensors by name."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        if entry["dtype"] == "BF16":
            values = (values.astype("<u4") << 16).view("<f4")
        tensors[name] = values
    return tensors


def write(path, tensors):
    """Writes tensors of numpy's types."""
    names = {numpy.dtype(value): key for key, value in DTYPES.items() if key != "BF16"}
    header, data = {}, b""
    for name, values in tensors.items():
        begin, data = len(data), data + values.tobytes()
        header[name] = {"dtype": names[values.dtype], "shape": list(values.shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
