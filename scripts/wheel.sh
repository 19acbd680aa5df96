#!/usr/bin/env bash
# wheel.sh [BUILD FOLDER [OUTPUT FOLDER]]: the Python package as a wheel with
# the shared library inside, and as an sdist that builds the library itself.
# A build whose library needs nothing beyond glibc gives a manylinux wheel.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "${1:-build}")
out=$(realpath -m "${2:-dist}")
python=${PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=python3
mkdir -p "$out"

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
# Two builds of one source are one wheel, byte for byte.
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
(cd "$stage/package" && "$python" -m build --no-isolation --sdist -o "$out")

# The wheel: with the library that is built already.
inside=$stage/package/demucs_onnx/lib
mkdir "$inside"
soname=$(readelf -d "$build/libdemucs-onnx.so" |
  sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
cp "$build/libdemucs-onnx.so" "$inside/$soname"
libraries=("$inside/$soname")
if [ -e "$build/libdemucs_onnx_checker.so" ]; then
  cp "$build/libdemucs_onnx_checker.so" "$inside"
  libraries+=("$inside/libdemucs_onnx_checker.so")
fi
strip --strip-unneeded "${libraries[@]}"
DEMUCS_ONNX_PLATFORM=$("$python" scripts/wheel_tag.py "${libraries[@]}")
export DEMUCS_ONNX_PLATFORM
(cd "$stage/package" && "$python" -m build --no-isolation --wheel -o "$out")
ls -l "$out"
