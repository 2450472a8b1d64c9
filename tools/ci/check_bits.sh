#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds what the bits come from with several compilers and optimization levels, and compares the stage hashes of every
# instruction set with the recorded ones (tests/bits). A compiler that is missing is said to be skipped.
#   tools/ci/check_bits.sh FOLDER    builds below FOLDER
# Exit code: 0 equal, 1 not.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/setup/build.sh

# COMPILER LEVEL
check() {
  if ! command -v "$1" >/dev/null; then
    echo "skipped: $1 was not found"
    return 0
  fi
  local build=$folder_of_builds/$1$2
  # None adds nothing of CMake's own to the level, and leaves assertions on.
  build_in "$build" stage_hashes -DMIKV_CUDA=OFF "-DCMAKE_CXX_COMPILER=$1" "-DCMAKE_CXX_FLAGS=$2" -DCMAKE_BUILD_TYPE=None
  python3 tests/scripts/check_symbols.py "$build"
  check_trace "$build" text112-layer-3
  check_trace "$build" line20-layers-0-3-5 default  # more than one chunk; all settings would take minutes
}

# BUILD TRACE [SETTING]
check_trace() {
  python3 tests/scripts/check_bits.py "$1/stage_hashes" "data/traces/$2.safetensors" "data/golden/$2.hashes.json" "${@:3}"
}

folder_of_builds=$1
# Not -O3, which the builds that run all tests have, and not clang's -O2, which the sanitizers' has.
for level in -O0 -O1 -O2; do
  check g++ "$level"
done
check clang++-19 -O0
