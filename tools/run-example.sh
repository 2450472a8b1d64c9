#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and replays a recorded trace. MIKV_BUILD names another build folder.
set -eu
cd "$(dirname "$0")/.."
. tools/setup/packages.sh
. tools/setup/build.sh
build=${MIKV_BUILD:-build}

install_packages $BUILD_PACKAGES
build_in "$build" mikv
echo "Replaying data/traces/line20-layers-0-3-5.safetensors."
echo
"$build/mikv" replay data/traces/line20-layers-0-3-5.safetensors "$@"
