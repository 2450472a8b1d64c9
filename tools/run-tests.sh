#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and runs all tests. MIKV_BUILD names another build folder; arguments go to ctest.
set -eu
cd "$(dirname "$0")/.."
. tools/setup/packages.sh
. tools/setup/build.sh
build=${MIKV_BUILD:-build}

install_packages $TEST_PACKAGES
build_in "$build" all -DBUILD_TESTING=ON
ctest --test-dir "$build" --no-tests=error --output-on-failure --parallel "$(nproc)" "$@"
