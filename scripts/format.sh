#!/usr/bin/env bash
# format.sh [--check]: formats every source file in place, or only lists those
# that clang-format would change, and fails.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(-i)
[ "${1:-}" = --check ] && mode=(--dry-run -Werror)
git ls-files '*.c' '*.h' '*.cpp' | grep -v '^tests/cross/' |
  xargs clang-format "${mode[@]}"
