#!/usr/bin/env bash
# web.sh [BUILD FOLDER [ROUNDS [WORK FOLDER]]]: the browser's and Node's figures
# of docs/web.md, on a full-size network of random weights. A work folder that is
# given is kept: an interrupted run continues in it.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(cd "${1:-build}" && pwd)
rounds=${2:-3}
scripts/install-web-deps.sh node npm chromium
scripts/web.sh "$build" >/dev/null
source scripts/onnxruntime-env.sh
if [ $# -ge 3 ]; then
  mkdir -p "$3"
  work=$(cd "$3" && pwd)
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
program=$build/demucs-onnx
model=$work/full.safetensors
segment=web/tools/bench/segment.mjs
if [ ! -f "$work/stems.f32" ]; then
  "$build/tools/make-checkpoint" "$model" --preset htdemucs
  "$program" export "$model" "$work/full.onnx" --no-parity-check -q
  node "$segment" make "$work"
  "$program" separate "$work/mix.raw" --raw f32le,44100,2 -m "$model" \
    -o "$work" --filename '{stem}.{ext}' --float32 --overlap 0 --overwrite -q
  node "$segment" collect "$work"
fi
node web/tools/bench/bench.mjs "$work" "$build/web" "$rounds"
for threads in 1 2; do
  echo "Native, the same network, $threads thread(s):"
  "$program" bench "$model" --contestants native --threads "$threads"
done
