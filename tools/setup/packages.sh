# SPDX-License-Identifier: Apache-2.0
# Sourced: installs missing packages with apt, as root or with sudo. install_packages NAME...

BUILD_PACKAGES="ca-certificates cmake g++ git libcli11-dev libeigen3-dev libfmt-dev libxxhash-dev ninja-build
nlohmann-json3-dev"
TEST_PACKAGES="$BUILD_PACKAGES catch2 libbenchmark-dev python3 python3-jsonschema python3-numpy"

missing_packages() {
  for package in "$@"; do
    dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "This needs root: run it as root, or install sudo. Command: $*" >&2
    return 1
  fi
}

install_packages() {
  if ! command -v apt-get >/dev/null; then
    echo "No apt-get here. Needed: a C++20 compiler, CMake 3.25, Ninja, Eigen 3.4, CLI11, nlohmann_json, fmt," \
      "xxHash; for the tests Catch2 and Python 3. Going on with what is installed." >&2
    return 0
  fi
  missing=$(missing_packages "$@")
  if [ -z "$missing" ]; then
    echo "Packages: all installed."
    return 0
  fi
  echo "Packages: installing" $missing
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
