#!/usr/bin/env bash
# wheel.sh [FROM [OUTPUT FOLDER]]: the Python package as a wheel with the shared
# library inside, and as an sdist that builds the library itself. FROM is a build
# folder, whose wheel is for this system and those like it, or the tarball of
# scripts/dist.sh, whose libraries go with it into a manylinux wheel.
set -euo pipefail
from=$(realpath "${1:-$(dirname "$0")/../build}")
out=$(realpath -m "${2:-dist}")
cd "$(dirname "$0")/.."
python=${PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=python3
mkdir -p "$out"

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
# Two builds of one source give the same wheel, byte for byte.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 315532800)}
export SOURCE_DATE_EPOCH PYTHONDONTWRITEBYTECODE=1
umask 022

# The sources of the sdist: the package, and what builds the library.
core=$stage/package/core
mkdir -p "$core"
cp -r python/demucs_onnx python/pyproject.toml python/setup.py "$stage/package"
rm -rf "$stage/package/demucs_onnx/__pycache__" "$stage/package/demucs_onnx/lib"
cp -r CMakeLists.txt cmake include src "$core"
cp LICENSE THIRD_PARTY.md "$core"
cp LICENSE THIRD_PARTY.md "$stage/package"
cp docs/python.md "$stage/package/README.md"
printf 'recursive-include core *\ninclude LICENSE THIRD_PARTY.md\n' \
  >"$stage/package/MANIFEST.in"
build_into() { # KIND FOLDER
  (cd "$stage/package" && "$python" -m build --no-isolation "--$1" -o "$2" \
    >"$stage/build.log" 2>&1) || {
    tail -n 20 "$stage/build.log" >&2
    return 1
  }
}
build_into sdist "$stage/sdist"
# Packed again: setuptools writes the time at which it ran.
sdist=$(basename "$stage"/sdist/*.tar.gz)
tar -xzf "$stage/sdist/$sdist" -C "$stage/sdist"
tar --sort=name --owner=0 --group=0 --numeric-owner --format=gnu \
  --mtime="@$SOURCE_DATE_EPOCH" -C "$stage/sdist" -cf - "${sdist%.tar.gz}" |
  gzip -n -9 >"$out/$sdist"

# The wheel, with the library that is already built and the files next to it.
inside=$stage/package/demucs_onnx/lib
mkdir "$inside"
put_library() { # FILE: under its soname
  local soname
  soname=$(readelf -d "$1" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
  cp -L "$1" "$inside/$soname"
}
of_build() {
  put_library "$from/libdemucs-onnx.so"
  [ ! -e "$from/libdemucs_onnx_checker.so" ] ||
    cp "$from/libdemucs_onnx_checker.so" "$inside"
  local strip # of the processor that it was built for
  strip=$(sed -n 's/^CMAKE_STRIP:[A-Z]*=//p' "$from/CMakeCache.txt")
  "${strip:-strip}" --strip-unneeded "$inside"/*
}
# In the tarball's own layout, in which its libraries find each other.
of_tarball() {
  mkdir "$stage/tree"
  tar -xzf "$from" --strip-components=1 -C "$stage/tree"
  put_library "$stage/tree/lib/libdemucs-onnx.so"
  cp -r "$stage/tree/lib/demucs-onnx" "$inside"
  cp -r "$stage/tree/share/doc/demucs-onnx/licences" "$inside"
}
if [ -d "$from" ]; then of_build; else of_tarball; fi
mapfile -t libraries < <(find "$inside" -name '*.so*' | LC_ALL=C sort)
DEMUCS_ONNX_PLATFORM=$("$python" scripts/wheel_tag.py "${libraries[@]}")
export DEMUCS_ONNX_PLATFORM
build_into wheel "$stage/wheel"
# One wheel per processor: a tarball's wheel replaces a build's.
processor=$(sed -n 's/.*linux_\([0-9]*_[0-9]*_\)\?//p' \
  <<<"$DEMUCS_ONNX_PLATFORM")
rm -f "$out/${sdist%.tar.gz}"-*linux*_"$processor".whl
mv "$stage"/wheel/*.whl "$out"
ls -l "$out"/demucs_onnx-*
