#!/usr/bin/env bash
# build.sh [FOLDER [CMAKE OPTIONS...]]: configures once, builds what changed:
# everything, or $DMX_TARGETS.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build}
shift || true
generator=()
command -v ninja >/dev/null && generator=(-G Ninja)
if [ ! -f "$folder/CMakeCache.txt" ] || [ "$#" -gt 0 ]; then
  cmake -S . -B "$folder" "${generator[@]}" "$@" >"$folder.configure.log" \
    2>&1 || {
    cat "$folder.configure.log" >&2
    rm -f "$folder.configure.log"
    exit 1
  }
  rm -f "$folder.configure.log"
fi
# shellcheck disable=SC2086 # a list
cmake --build "$folder" --parallel ${DMX_TARGETS:+--target $DMX_TARGETS}
