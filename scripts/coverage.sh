#!/usr/bin/env bash
# coverage.sh: line coverage of the checkpoint parsers by the fuzz corpus and
# the unit tests, a line per file; fails below 90 % in total.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build-coverage
scripts/build.sh "$build" -DCMAKE_BUILD_TYPE=Debug \
  "-DCMAKE_C_FLAGS=--coverage -O1" "-DCMAKE_CXX_FLAGS=--coverage" \
  >"$build.log" 2>&1 || {
  tail -20 "$build.log" >&2
  exit 1
}
find "$build" -name '*.gcda' -delete
(cd "$build" && ctest -R \
  '(unit/(checkpoint|pickle|container|hostile|allocation)|fuzz/)' \
  --output-on-failure >"../$build.log" 2>&1) || {
  tail -30 "$build.log" >&2
  exit 1
}
objects=$build/CMakeFiles/dmx_objects.dir/src/checkpoint
for source in src/checkpoint/*.c; do
  gcov -n -o "$objects/$(basename "$source").gcda" "$source" 2>/dev/null |
    grep -A1 "File '.*/$(basename "$source")'" |
    sed -n "s|^Lines executed:\([0-9.]*\)% of \([0-9]*\)|\1 \2 $source|p"
done | awk '
  { printf "%6.1f %% of %4d  %s\n", $1, $2, $3
    hit += $1 * $2 / 100; lines += $2 }
  END {
    total = lines ? 100 * hit / lines : 0
    printf "%6.1f %% of %4d  in total\n", total, lines
    exit total < 90
  }'
