#!/usr/bin/env bash
# run.sh [BUILD FOLDER]: measures every figure of the README and docs/speed.md.
# Takes about half an hour on two idle cores.
set -euo pipefail
cd "$(dirname "$0")/.."
export BUILD=$PWD/${1:-build}
source scripts/onnxruntime-env.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "== our graph and the usual export, in ONNX Runtime"
bench/export.sh
echo
echo "== the native engine and ONNX Runtime"
"$BUILD/tools/make-checkpoint" "$work/full.safetensors" --preset htdemucs
"$BUILD/demucs-onnx" bench "$work/full.safetensors" \
  --contestants native,onnxruntime,usual
echo
echo "== memory of long files"
bench/memory.sh "$BUILD"
