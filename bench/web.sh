#!/usr/bin/env bash
# web.sh [BUILD FOLDER [ROUNDS]]: the browser's figures of docs/web.md, on a
# full-size network of random weights.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(cd "${1:-build}" && pwd)
rounds=${2:-3}
scripts/install-web-deps.sh node npm chromium
scripts/web.sh "$build" >/dev/null
source scripts/onnxruntime-env.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program=$build/demucs-onnx
model=$work/full.safetensors
"$build/tools/make-checkpoint" "$model" --preset htdemucs
"$program" export "$model" "$work/full.onnx" --no-parity-check -q

# One segment of noise, and what the native engine makes of it.
node - "$work" <<'END'
const fs = require('fs'), work = process.argv[2], n = 343980;
let state = 1;
const next = () => (state = Math.imul(state, 1664525) + 1013904223 >>> 0) / 2 ** 32 - 0.5;
const planes = Float32Array.from({ length: 2 * n }, () => 0.3 * (next() + next() + next()));
fs.writeFileSync(work + '/mix.f32', planes);
const mixed = new Float32Array(2 * n);
for (let i = 0; i < n; i++)
    mixed.set([planes[i], planes[n + i]], 2 * i);
fs.writeFileSync(work + '/mix.raw', mixed);
END
"$program" separate "$work/mix.raw" --raw f32le,44100,2 -m "$model" \
  -o "$work" --filename '{stem}.{ext}' --float32 --overlap 0 -q
for stem in drums bass other vocals; do
  node - "$work/$stem.wav" <<'END' >>"$work/stems.f32"
const bytes = require('fs').readFileSync(process.argv[2]), at = bytes.indexOf('data') + 8;
const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + bytes.length));
for (const c of [0, 1])
    process.stdout.write(Buffer.from(Float32Array.from({ length: all.length / 2 }, (_, i) => all[2 * i + c]).buffer));
END
done
node web/tools/bench/bench.mjs "$work" "$build/web" "$rounds"
echo
echo "Native, the same network:"
"$program" bench "$model" --contestants native --threads 1
