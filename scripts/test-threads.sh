#!/usr/bin/env bash
# Builds the engine's tests with ThreadSanitizer and runs them: every checkpoint
# in tests/data, every instruction set, several threads.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake -S . -B build-tsan -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DDMX_SANITIZE=thread >/dev/null
tests=(test_engine_fusion test_engine_golden test_engine_kernels)
cmake --build build-tsan --parallel --target "${tests[@]}" >build-tsan.log 2>&1 || {
  tail -20 build-tsan.log >&2
  exit 1
}
cd build-tsan
exec ctest --output-on-failure --no-tests=error \
  -R '^unit/engine_(fusion|golden|kernels)$' "${@}"
