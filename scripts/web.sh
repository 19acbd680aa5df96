#!/usr/bin/env bash
# web.sh [BUILD FOLDER]: the engine as WebAssembly in its four variants, and the
# npm package around it, in BUILD/web/package, and the studio page on it, in
# BUILD/web/studio, beside BUILD/web/examples.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
mkdir -p "$build/web"
build=$(cd "$build" && pwd)
scripts/install-web-deps.sh module

# compile NAME OPTIONS...: one variant
compile() {
  local folder=$build/web/module/$1 log=$build/web/module-$1.log
  shift
  {
    [ -f "$folder/build.ninja" ] ||
      cmake -S web -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/wasm.cmake" "$@"
    cmake --build "$folder"
  } >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
  }
}

# wasm-opt takes a tenth off, where npm's binaryen is installed.
shrink() {
  local tool=web/tools/node_modules/binaryen/bin/wasm-opt
  if [ -f "$tool" ]; then
    node "$tool" -O3 --enable-simd --enable-relaxed-simd --enable-bulk-memory \
      --enable-sign-ext --enable-nontrapping-float-to-int \
      --enable-mutable-globals --enable-threads "$1" -o "$2"
  else
    cp "$1" "$2"
  fi
}

package=$build/web/package
mkdir -p "$package/wasm"
cp -r web/package/. "$package"
cp LICENSE "$package"
for variant in simd relaxed simd-threads relaxed-threads; do
  options=()
  case $variant in relaxed*) options+=(-DDMX_WASM_RELAXED=ON) ;; esac
  case $variant in *-threads) options+=(-DDMX_WASM_THREADS=ON) ;; esac
  compile "$variant" "${options[@]}"
  from=$build/web/module/$variant/demucs-onnx.wasm
  to=$package/wasm/demucs-$variant.wasm
  [ "$to" -nt "$from" ] || shrink "$from" "$to"
done
studio=$build/web/studio
mkdir -p "$studio/demo"
cp web/studio/* "$studio"
cp -r web/examples "$build/web"
cp tests/data/demo/song.flac tests/data/demo/*.th "$studio/demo"
echo "$package"
