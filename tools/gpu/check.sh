#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# On a machine with a GPU, with or without network: builds, runs all parity tests, the sanitizers and the replays, and
# writes OUT.json (data/evidence/README.md).
#   tools/gpu/check.sh OUT.json [--deps FOLDER] [--trace TRACE EXPECTED]... [--note KEY FILE]...
# --deps: headers and source facts from tools/gpu/bundle_headers.sh, where packages or git are missing.
# --note: adds a JSON file under a key, such as --note benchmark FILE from tools/gpu/benchmark.py.
set -euo pipefail
out=$(realpath -m "${1:?usage: tools/gpu/check.sh OUT.json [--deps FOLDER] [--trace TRACE EXPECTED]... [--note KEY FILE]...}")
shift
deps=
extras=()
while [ $# -gt 0 ]; do
  case $1 in
    --deps) deps=$(realpath "$2"); shift 2 ;;
    --trace) extras+=(--trace "$(realpath "$2")" "$(realpath "$3")"); shift 3 ;;
    --note) extras+=(--note "$2" "$(realpath "$3")"); shift 3 ;;
    *) echo "check.sh: unknown option $1" >&2; exit 2 ;;
  esac
done
cd "$(dirname "$0")/../.."
build=${MIKV_BUILD:-build-gpu}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "== build"
configure=(-DMIKV_CUDA=ON)
facts=()
if [ -n "$deps" ]; then
  configure+=("-DMIKV_DEPS_DIR=$deps" "-DMIKV_COMMIT=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["commit"][:12])' "$deps/source.json")")
  facts=(--source "$deps/source.json")
fi
cmake -S . -B "$build" -G Ninja "${configure[@]}" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
cmake --build "$build" --target mikv tests_cuda >>"$work/build.log" 2>&1 || { tail -n 50 "$work/build.log"; exit 1; }

echo "== parity tests"
"$build/tests_cuda" --durations no | tee "$work/tests.log"  # exit code 77, no device, ends the script

echo "== compute-sanitizer"
sanitize() {
  local tool=$1 errors
  shift
  compute-sanitizer --tool "$tool" --error-exitcode 9 "$@" >"$work/$tool.log" 2>&1 || { tail -n 30 "$work/$tool.log"; return 1; }
  errors=$(grep -oE '(ERROR|RACECHECK) SUMMARY: .*' "$work/$tool.log" | tail -n 1)
  echo "$tool: $errors"
  printf '%s"%s": "%s"' "${comma-}" "$tool" "$errors" >>"$work/sanitizers.json"
  comma=', '
}
printf '{' >"$work/sanitizers.json"
sanitize memcheck "$build/tests_cuda" '[sanitize]'
sanitize racecheck "$build/tests_cuda" '[sanitize]'
sanitize initcheck "$build/tests_cuda" '[sanitize]'
printf ', "program": "tests_cuda [sanitize]"}' >>"$work/sanitizers.json"

echo "== replays, device beside CPU"
python3 - "$work/tests.log" >"$work/tests.json" <<'PYTHON'
import json, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
print(json.dumps({"program": "tests_cuda", "summary": re.findall(r"^(?:All tests passed.*|test cases:.*)$", text, re.M)[-1]}))
PYTHON
python3 tools/gpu/evidence.py "$build/mikv" "$out" "${facts[@]}" "${extras[@]}" \
  --note tests "$work/tests.json" --note sanitizers "$work/sanitizers.json"
echo "== $out written"
