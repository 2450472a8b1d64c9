# SPDX-License-Identifier: Apache-2.0
# Sourced: configures and builds. build_in FOLDER TARGET [cmake options]. A subshell: its variables are its own.

build_in() (
  folder=$1
  target=$2
  shift 2
  generator=
  [ -e "$folder/CMakeCache.txt" ] || generator="-G Ninja"
  mkdir -p "$folder"
  log=$folder/build.log
  echo "Building $target in $folder."
  # shellcheck disable=SC2086
  cmake -S . -B "$folder" $generator "$@" >"$log" 2>&1 || { cat "$log"; return 1; }
  cmake --build "$folder" --target "$target" --parallel "$(nproc)" >>"$log" 2>&1 || { tail -n 100 "$log"; return 1; }
)
