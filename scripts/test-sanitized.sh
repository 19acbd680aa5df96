#!/usr/bin/env bash
# Builds with AddressSanitizer and UndefinedBehaviorSanitizer and runs the
# tests of everything that reads files, builds graphs or computes (or those
# matching $1).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh build-asan -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  "-DDMX_SANITIZE=address;undefined"
source scripts/onnxruntime-env.sh
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1
export LSAN_OPTIONS=suppressions=$PWD/tests/leaks-of-others.txt:print_suppressions=0
export UBSAN_OPTIONS=print_stacktrace=1
cd build-asan
exec ctest --output-on-failure --no-tests=error -L 'parser|graph|engine' "${@}"
