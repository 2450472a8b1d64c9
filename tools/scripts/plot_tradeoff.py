#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plots bytes by the paper's accounting against output error for MiKV, uniform quantization and eviction on one trace, as SVG.

usage: plot_tradeoff.py MIKV TRACE OUT.svg
"""
import json
import math
import subprocess
import sys

RATIOS = ["0.1", "0.2", "0.3", "0.5"]
SERIES = [  # name, colour, marker, [(label, options)]
    ("MiKV, others in INT2", "#0b6e99", "circle",
     [(f"r {r}", ["--importance-ratio", r, "--retained-format", "int2"]) for r in RATIOS]),
    ("MiKV, others in INT4", "#3b8f4a", "diamond",
     [(f"r {r}", ["--importance-ratio", r, "--retained-format", "int4"]) for r in RATIOS]),
    ("uniform INT2, 3, 4, 8 (RTN)", "#a05a00", "square",
     [(f.upper(), ["--importance-ratio", "0", "--retained-format", f, "--no-balancer"])
      for f in ("int2", "int3", "int4", "int8")]),
    ("eviction (H2O)", "#a02050", "triangle",
     [(f"r {r}", ["--importance-ratio", r, "--retained-format", "none", "--no-balancer"]) for r in RATIOS]),
]
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 420, 70, 40, 250, 55
X_MAX, Y_MIN, Y_MAX = 70.0, 0.002, 1.0


def measure(mikv, trace, options):
    run = subprocess.run([mikv, "replay", trace, "--json", "-"] + options, check=True, stdout=subprocess.PIPE)
    total = json.loads(run.stdout)["total"]
    return 100 * total["bytes"]["paper"] / total["bytes"]["full_cache"], total["output_error"]


def x_of(percent):
    return LEFT + percent / X_MAX * (WIDTH - LEFT - RIGHT)


def y_of(error):
    share = math.log(error / Y_MIN) / math.log(Y_MAX / Y_MIN)
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def marker(kind, x, y, colour):
    shapes = {
        "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5"',
        "square": f'<rect x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9"',
        "diamond": f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z"',
        "triangle": f'<path d="M{x:.1f} {y - 6:.1f}l6 10h-12z"',
    }
    return f'{shapes[kind]} fill="{colour}"/>'


def axes():
    for percent in range(0, int(X_MAX) + 1, 10):
        x = x_of(percent)
        yield f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{percent}</text>'
    for error in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
        y = y_of(error)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{error:g}</text>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">payload and scales, % of the full fp16 cache</text>'
    yield (f'<text transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
           "relative error of the attention output</text>")


def series(index, name, colour, kind, points):
    path = "L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y, _ in points)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    for x, y, label in points:
        yield marker(kind, x_of(x), y_of(y), colour)
        yield f'<title>{name}, {label}: {x:.1f} %, error {y:.3g}</title>'
    y = TOP + 16 + 24 * index
    yield marker(kind, WIDTH - RIGHT + 26, y - 4, colour)
    yield f'<text x="{WIDTH - RIGHT + 40}" y="{y}">{name}</text>'


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    mikv, trace, out = sys.argv[1:]
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="13"'
             ' font-family="system-ui, sans-serif" aria-label="Payload and scales against output error">',
             "<style>text{fill:#222}.grid{stroke:#ddd}</style>",
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
             f'<text x="{LEFT}" y="22" font-weight="600">What each byte buys (line retrieval, 3 layers)</text>']
    lines += axes()
    for index, (name, colour, kind, settings) in enumerate(SERIES):
        points = [(*measure(mikv, trace, options), label) for label, options in settings]
        print(name, [f"{x:.1f} % {y:.4f}" for x, y, _ in points])
        lines += series(index, name, colour, kind, points)
    with open(out, "w", encoding="utf-8") as file:
        file.write("\n".join(lines + ["</svg>"]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
