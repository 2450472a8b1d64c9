#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replays a recorded trace by the arithmetic contract and writes what each stage computed.

Written from core/ALGORITHM.md, core/CONTRACT.md, core/FORMAT.md and trace/FORMAT.md alone, to find errors
that implementations by one hand could share. Slow and plain: one number at a time, standard library only.
R1 .. R20 are the rules of core/CONTRACT.md, 1 .. 10 the steps of core/ALGORITHM.md.
"""
import argparse
import sys
from typing import Dict, Tuple

from constants import ContractError, POLICIES, STAGES
from container import Config, Trace, read_trace, write_safetensors
from head_replay import HeadReplay


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
