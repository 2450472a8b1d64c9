#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the CUDA back end beside fp16 attention (torch SDPA, cuDNN back end) in one run, as ratios.

usage: benchmark.py MIKV_GPU_BENCHMARK OUT.json [--quick]

Both sides: CUDA graphs of several calls, buffers rotated beyond L2 where one is small, the median of 9 replays. The bits of
each cache are compared with the CPU reference before it is timed. Exit code: 0 done, 1 something failed, 77 no torch.
"""
import json
import statistics
import subprocess
import sys

HEAD_DIM = 128
L2_ROTATION = 256 << 20  # bytes of fp16 cache that a rotation covers at least
SHAPES = {  # name: sequences, query heads, KV heads, tokens, calls in a graph
    "MHA 16x32k": (16, 32, 32, 32768, 5),
    "GQA 16x32k": (16, 32, 8, 32768, 5),
    "MHA 8x4k": (8, 32, 32, 4096, 20),
    "GQA 1x32k": (1, 32, 8, 32768, 20),
    "GQA 1x4k": (1, 32, 8, 4096, 20),
}
SETTINGS = {  # name: importance ratio, importance format, retained format
    "int2": (0, "native", "int2"),
    "20% fp16 + int2": (0.2, "native", "int2"),
    "20% int8 + int2": (0.2, "int8", "int2"),
    "int4": (0, "native", "int4"),
}


def cudnn_microseconds(torch, shape):
    sequences, query_heads, kv_heads, tokens, calls = shape
    bytes_fp16 = 2 * sequences * kv_heads * tokens * HEAD_DIM * 2
    copies = max(1, min(calls, -(-L2_ROTATION // bytes_fp16)))
    make = lambda heads, length: [torch.randn(sequences, heads, length, HEAD_DIM, device="cuda", dtype=torch.float16)
                                  for _ in range(copies)]
    q, k, v = make(query_heads, 1), make(kv_heads, tokens), make(kv_heads, tokens)
    attend = lambda i: torch.nn.functional.scaled_dot_product_attention(
        q[i % copies], k[i % copies], v[i % copies], enable_gqa=query_heads != kv_heads)
    from torch.nn.attention import SDPBackend, sdpa_kernel
    with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
        for i in range(2 * copies):
            attend(i)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for i in range(calls):
                attend(i)
    times = []
    for i in range(10):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        if i > 0:
            times.append(1e3 * begin.elapsed_time(end) / calls)
    return statistics.median(times)


def ours(program, what, shape, setting):
    sequences, query_heads, kv_heads, tokens, calls = shape
    ratio, importance, retained = setting
    bytes_fp16 = 2 * sequences * kv_heads * tokens * HEAD_DIM * 2
    copies = max(1, min(calls, -(-L2_ROTATION * 4 // bytes_fp16)))
    command = [program, what, "--sequences", sequences, "--query-heads", query_heads, "--kv-heads", kv_heads,
               "--tokens", tokens, "--importance-ratio", ratio, "--importance-format", importance,
               "--retained-format", retained, "--calls", calls, "--copies", copies if what == "decode" else 1]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"{' '.join(map(str, command))}: exit code {done.returncode}: {done.stderr.strip()}")
        return None
    return json.loads(done.stdout)


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    program, out = sys.argv[1:3]
    try:
        import torch
    except ImportError:
        print("skipped: no torch")
        return 77
    document = {"torch": torch.__version__, "cudnn": torch.backends.cudnn.version(),
                "device": torch.cuda.get_device_name(0), "decode": [], "compress": [], "scores": []}
    failed = False
    names = ["MHA 16x32k", "GQA 1x4k"] if "--quick" in sys.argv else list(SHAPES)
    print(f"{'decode':12} {'setting':16} {'us':>9} {'cuDNN fp16':>11} {'ratio':>6} {'GB/s':>6}")
    for name in names:
        baseline = cudnn_microseconds(torch, SHAPES[name])
        torch.cuda.empty_cache()
        for setting, values in SETTINGS.items():
            result = ours(program, "decode", SHAPES[name], values)
            if result is None:
                failed = True
                continue
            row = {"shape": name, "setting": setting, "microseconds": result["microseconds"],
                   "cudnn_fp16_microseconds": baseline, "ratio": baseline / result["microseconds"],
                   "cache_bytes": result["cache_bytes"]}
            document["decode"].append(row)
            print(f"{name:12} {setting:16} {row['microseconds']:9.1f} {baseline:11.1f} {row['ratio']:6.2f} "
                  f"{row['cache_bytes'] / row['microseconds'] / 1e3:6.0f}")
    for setting in ("int2", "20% fp16 + int2"):
        result = ours(program, "compress", SHAPES["MHA 16x32k"], SETTINGS[setting])
        if result is None:
            failed = True
            continue
        rate = result["recorded_bytes"] / result["microseconds"] / 1e6
        document["compress"].append({"shape": "MHA 16x32k", "setting": setting, "read_tb_per_second": rate, **result})
        print(f"compress MHA 16x32k {setting}: {result['microseconds']:.0f} us, {rate:.2f} TB/s of recorded fp16 q, k and v")
    for shape in ((1, 32, 32, 4096, 1), (1, 32, 8, 4096, 1)):
        result = ours(program, "scores", shape, SETTINGS["20% fp16 + int2"])
        if result is None:
            failed = True
            continue
        rate = result["flops"] / result["microseconds"] / 1e6
        document["scores"].append({"query_heads": shape[1], "kv_heads": shape[2], "tokens": shape[3],
                                   "tflops": rate, **result})
        print(f"prefill scores, {shape[1]}/{shape[2]} heads, 4096 tokens: {result['microseconds']:.0f} us, "
              f"{rate:.1f} TFLOP/s of 2*D flops a causal pair")
    with open(out, "w", encoding="utf-8") as file:
        file.write(json.dumps(document, indent=1, sort_keys=True) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
