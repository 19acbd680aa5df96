#!/usr/bin/env bash
# Builds with ThreadSanitizer and runs what threads meet in: the engine (every
# checkpoint in tests/data, every instruction set, several threads), live streams
# (audio thread, worker, resets and closing), the plug-in in a host, downloads, and the
# separator (bags, turns, cancelling).
set -euo pipefail
cd "$(dirname "$0")/.."
cmake -S . -B build-tsan -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DDMX_SANITIZE=thread >/dev/null
tests=(test_engine_fusion test_engine_golden test_engine_kernels
  test_stream_realtime test_download test_hub test_separator)
# Only where LV2's headers are.
if grep -q '^DMX_PLUGIN:BOOL=ON' build-tsan/CMakeCache.txt; then
  tests+=(test_plugin_host test_plugin_threads)
fi
cmake --build build-tsan --parallel --target "${tests[@]}" >build-tsan.log 2>&1 || {
  tail -20 build-tsan.log >&2
  exit 1
}
cd build-tsan
exec ctest --output-on-failure --no-tests=error \
  -R '^unit/(engine_(fusion|golden|kernels)|stream_realtime|download|hub|separator)$|^plugin/(host|threads)$' \
  "${@}"
