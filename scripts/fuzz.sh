#!/usr/bin/env bash
# fuzz.sh TARGET SECONDS [libFuzzer options...]: fuzzes one parser (TARGET is one
# of fuzz/fuzz_TARGET.c: zip, pickle, http, ...) from the corpus and from seeds
# made of every checkpoint in tests/data.
# Needs clang. New inputs stay in
# build-fuzz/corpus/TARGET; a crash is kept in build-fuzz/crashes.
# fuzz.sh all SECONDS: every target for that long, as many at once as there are
# processors; fails when one finds something.
# fuzz.sh TARGET merge: minimises what was found into fuzz/corpus/TARGET.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$#" -lt 2 ]; then
  sed -n '2,9s/^# //p' "$0" >&2
  exit 2
fi
target=$1 seconds=$2
shift 2
if [ "$target" = all ]; then
  scripts/fuzz.sh zip 1 >/dev/null 2>&1 || true # builds, once
  mkdir -p build-fuzz
  find fuzz -name 'fuzz_*.c' ! -name fuzz_open.c | sort |
    sed 's/.*fuzz_//; s/\.c$//' |
    xargs -P "$(getconf _NPROCESSORS_ONLN)" -I{} bash -c \
      'scripts/fuzz.sh {} "$1" >build-fuzz/{}.log 2>&1 || { tail -30 build-fuzz/{}.log; exit 1; }
       printf "%s: %s runs\n" {} "$(sed -n "s/.*number_of_executed_units: *//p" build-fuzz/{}.log)"' \
      "$0" "$seconds"
  exit 0
fi
build=build-fuzz
CC=clang CXX=clang++ scripts/build.sh "$build" -DDMX_FUZZ=ON \
  -DDMX_WERROR=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  "-DDMX_SANITIZE=address;undefined;fuzzer-no-link" >"$build.log" 2>&1 || {
  tail -20 "$build.log" >&2
  exit 1
}
mkdir -p "$build"/seeds/{pickle,zip,legacy,safetensors} \
  "$build/corpus/$target" "$build/crashes" "fuzz/corpus/$target" \
  "$build/seeds/$target"
"$build/fuzz/make_seeds" "$build/seeds" tests/data/*/*.th \
  tests/data/safetensors/*.safetensors
program=$build/fuzz/fuzz_$target
if [ "$seconds" = merge ]; then
  smallest=$(mktemp -d)
  "$program" -set_cover_merge=1 -use_counters=0 "$smallest" "fuzz/corpus/$target" \
    "$build/corpus/$target" "$build/seeds/$target" >"$build.log" 2>&1
  rm -rf "fuzz/corpus/$target"
  mv "$smallest" "fuzz/corpus/$target"
  chmod 755 "fuzz/corpus/$target"
  printf '%s: %s inputs\n' "$target" "$(find "fuzz/corpus/$target" -type f |
    wc -l)"
  exit 0
fi
exec "$program" "-max_total_time=$seconds" -rss_limit_mb=2000 -timeout=5 \
  -print_final_stats=1 "-artifact_prefix=$build/crashes/$target-" "$@" \
  "$build/corpus/$target" "fuzz/corpus/$target" "$build/seeds/$target"
