#!/usr/bin/env bash
# accuracy.sh [BUILD FOLDER]: how far the reference, the engine with each
# instruction set and the installed versions of ONNX Runtime are from every
# recording of the original in ../shared/fixtures, as a Markdown table
# (docs/verification.md), and what whole tracks differ by. Some minutes. Fails
# when a figure is beyond its limit: 2e-7 of the peak for the reference, 1e-5
# for all else.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
source scripts/onnxruntime-env.sh
"$build/tests/dmx_accuracy"
for test in track family_track; do
  "$build/tests/test_$test"
done
