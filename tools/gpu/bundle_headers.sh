#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Collects the headers that a build needs, and the facts of this source tree, into FOLDER, for a machine without network:
#   tools/gpu/bundle_headers.sh FOLDER     there: cmake -S . -B build -DMIKV_DEPS_DIR=FOLDER
set -eu
[ $# -eq 1 ] || { sed -n 3,4p "$0" >&2; exit 2; }
mkdir -p "$1"
folder=$(realpath "$1")
for name in eigen3 CLI nlohmann catch2 fmt xxhash.h xxh3.h; do
  [ -e "/usr/include/$name" ] || { echo "bundle_headers: /usr/include/$name is missing; tools/run-tests.sh installs it" >&2; exit 1; }
  cp -R "/usr/include/$name" "$folder/"
done
rm -rf "$folder/eigen3/unsupported"
[ -e /usr/include/catch2/catch.hpp ] || { echo "bundle_headers: needs Catch2 2, which is headers alone" >&2; exit 1; }
cp /usr/lib/cmake/Catch2/Catch.cmake /usr/lib/cmake/Catch2/CatchAddTests.cmake "$folder/"
cd "$(dirname "$0")/../.."
[ -z "$(git status --porcelain core cuda)" ] || echo "bundle_headers: core/ or cuda/ have changes that are not committed" >&2
printf '{"commit": "%s", "core": "%s", "cuda": "%s"}\n' $(git rev-parse HEAD HEAD:core HEAD:cuda) >"$folder/source.json"
echo "$folder: $(du -sh "$folder" | cut -f1) of headers"
