#!/usr/bin/env bash
# demo.sh [BUILD FOLDER]: everything on a small trained model: inspects the
# checkpoint, exports it with every check, separates a song.
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

say "A song it never heard, separated; SDR of each stem against the true one:"
rm -rf "$out/stems"
"$program" separate "$data/song.flac" -m "$out/htdemucs_tiny.onnx" -o "$out/stems" \
  --plot "$out/song.png" --overwrite --compare "$data/true_{stem}.flac"
echo "$out/song.png"
say "PyTorch with the same checkpoint reaches:"
sed -n '/"sdr_db_of_original_code"/,/}/p' "$data/expected.json" |
  sed -n 's/ *"\([a-z]*\)": \([0-9.]*\),*$/  \1 \2 dB/p'

say "Next:"
cat <<EOF
  $program separate YOUR_SONG.mp3                    the released model, stems
  $program export YOUR_CHECKPOINT.th model.onnx     a real model, verified
  $program inspect $out/htdemucs_tiny.onnx          what the file promises
  $program --help                                   everything else
EOF
