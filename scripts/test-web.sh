#!/usr/bin/env bash
# test-web.sh BUILD NAME: one test of the browser part, tests/web/NAME.test.mjs
# (or "build": the module and the package). Exits with 77 and the reason where it
# can't be run.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(cd "$1" && pwd)
name=$2
case $name in
build)
  scripts/install-web-deps.sh npm >/dev/null || true # wasm-opt, where available
  exec scripts/web.sh "$build"
  ;;
browser | graph | webgpu | studio | page | bundlers) scripts/install-web-deps.sh node npm chromium ;;
stemfile) scripts/install-web-deps.sh node npm chromium ffmpeg ;;
command) scripts/install-web-deps.sh node npm ;;
*) scripts/install-web-deps.sh node ;;
esac
[ -f "$build/web/package/wasm/demucs-simd.wasm" ] || {
  echo "skipped: the module was not built (see the test web/build)"
  exit 77
}
export WEB=$build/web DEMUCS_ONNX=${DEMUCS_ONNX:-$build/demucs-onnx} SOURCE=$PWD
if [ "$name" = precision ]; then # the kernels' test
  for variant in simd relaxed; do
    cmake --build "$build/web/module/$variant" --target narrow_test >/dev/null
  done
fi
run() { node "$@" --test "tests/web/$name.test.mjs"; }
run
# The relaxed SIMD instructions, where they are behind a flag; there, V8's first
# compiler has the dot product wrong (web/package/lib/features.js).
relaxed=--experimental-wasm-relaxed-simd
if [[ $name =~ ^(node|precision)$ ]] && node $relaxed -e 0 2>/dev/null; then
  run $relaxed
  [ "$name" = node ] || run $relaxed --no-liftoff
fi
