# SPDX-License-Identifier: Apache-2.0
"""Replays that the CUDA evidence is made of: traces in data/, each with settings."""
import pathlib

SETTINGS = {
    "default": [],
    "no-balancer": ["--no-balancer"],
    "retained-int3": ["--retained-format", "int3"],
    "retained-int4": ["--retained-format", "int4"],
    "int8-int2": ["--importance-format", "int8"],
    "int4-int3": ["--importance-format", "int4", "--retained-format", "int3"],
    "rtn-int2": ["--importance-ratio", "0", "--no-balancer"],
    "rtn-int8": ["--importance-ratio", "0", "--retained-format", "int8", "--no-balancer"],
    "evict": ["--retained-format", "none", "--no-balancer"],
    "full": ["--importance-ratio", "1"],
    "group-32": ["--group-size", "32"],
    "h2o_mean": ["--policy", "h2o_mean"],
    "snapkv": ["--policy", "snapkv"],
    "recent_sinks": ["--policy", "recent_sinks"],
    "random-7": ["--policy", "random", "--seed", "7"],
    "oracle": ["--policy", "oracle"],
}
RECORDED = ("data/traces/line20-layers-0-3-5.safetensors", "data/traces/text112-layer-3.safetensors")


def cases(source):
    """(name, command line after 'replay'), paths relative to the source folder."""
    for trace in RECORDED:
        for name, options in SETTINGS.items():
            yield f"{pathlib.PurePath(trace).stem}:{name}", [trace] + options
    for config in sorted((pathlib.Path(source) / "data/oracle").glob("*.json")):
        trace = f"data/oracle/{config.stem}.safetensors"
        yield f"oracle:{config.stem}", [trace, "--config", f"data/oracle/{config.name}"]
