#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compiles kernels to PTX with the flags of cuda/CMakeLists.txt and refuses what would break the arithmetic contract:
# flushed subnormals (ftz) and approximate instructions (core/CONTRACT.md, R2). No GPU is needed.
#   tools/ci/check_ptx.sh [FILE.cu...]    without files: every cuda/*.cu
# NVCC_FLAGS adds flags. Exit code: 0 clean, 1 not; without nvcc it says 'skipped' and exits with 0.
set -euo pipefail
cd "$(dirname "$0")/../.."
nvcc=$(command -v nvcc || command -v "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc") || { echo "skipped: nvcc was not found"; exit 0; }
[ $# -gt 0 ] || set -- cuda/*.cu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
count=0
failed=0
for arch in 80 90; do
  for source in "$@"; do
    ptx=$folder/$(basename "$source" .cu)-$arch.ptx
    # shellcheck disable=SC2086
    "$nvcc" -ptx -arch="compute_$arch" -std=c++20 --fmad=false --expt-relaxed-constexpr -I. ${NVCC_FLAGS:-} -o "$ptx" "$source"
    grep -qE '^(\.visible )?\.entry ' "$ptx" || { echo "$source, compute_$arch: the PTX has no kernel"; failed=1; }
    if grep -nE '\b(ftz|approx)\b' "$ptx" >"$folder/found"; then
      echo "$source, compute_$arch: $(wc -l <"$folder/found") flushing or approximate instructions, the first:"
      head -n 3 "$folder/found"
      failed=1
    fi
    count=$((count + 1))
  done
done
[ "$failed" -eq 0 ] || exit 1
echo "$count PTX files ($(($count / 2)) sources, compute_80 and compute_90) neither flush nor approximate."
