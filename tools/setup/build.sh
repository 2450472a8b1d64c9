# SPDX-License-Identifier: Apache-2.0
# Sourced: configures and builds. build_in FOLDER [cmake options]

build_in() {
  folder=$1
  shift
  generator=
  [ -e "$folder/CMakeCache.txt" ] || generator="-G Ninja"
  echo "Building in $folder."
  # shellcheck disable=SC2086
  cmake -S . -B "$folder" $generator "$@" >"$folder.log" 2>&1 || { cat "$folder.log"; return 1; }
  cmake --build "$folder" --parallel "$(nproc)" >>"$folder.log" 2>&1 || { tail -n 100 "$folder.log"; return 1; }
}
