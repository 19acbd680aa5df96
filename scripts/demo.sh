#!/usr/bin/env bash
# demo.sh [BUILD FOLDER]: the whole story on a small model that was really
# trained: look into the checkpoint, export it with every check.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
program=$build/demucs-onnx
data=tests/data/demo
out=$build/demo
checkpoint=$(ls $data/htdemucs_tiny-*.th)
mkdir -p "$out"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\033[1m' plain=$'\033[0m'
else
  bold='' plain=''
fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

say "A checkpoint, read without PyTorch and without running anything in it:"
"$program" inspect "$checkpoint" | head -n 12

say "Exported to ONNX, and proved before the file gets its name:"
"$program" export "$checkpoint" "$out/htdemucs_tiny.onnx" \
  --report "$out/report.json"

say "Next:"
cat <<EOF
  $program export YOUR_CHECKPOINT.th model.onnx     a real model, verified
  $program inspect $out/htdemucs_tiny.onnx          what the file promises
  $program --help                                   everything else
EOF
