#!/usr/bin/env bash
# compare-builds.sh OLD NEW: whether two builds of the program, OLD and NEW, give
# the same bytes for every checkpoint of one HTDemucs, Hybrid Demucs or Demucs in
# tests/data: the exported file, and the float32 stems of a short song from the
# native engine, on one and two threads. Prints what differs and the counts;
# fails when anything does. What both refuse counts as the same, and is counted.
# Each program needs its checker module next to it.
set -euo pipefail
[ "$#" = 2 ] || {
  sed -n '2,7s/^# //p' "$0" >&2
  exit 2
}
old=$(realpath "$1") new=$(realpath "$2")
cd "$(dirname "$0")/.."
data=$PWD/tests/data
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Two seconds of noise, stereo, 44.1 kHz, in float32: the same every time.
python3 - <<'PY' >song.f32
import array, random, sys
random.seed(1)
array.array("f", (random.uniform(-0.5, 0.5) for _ in range(176400))).tofile(
    sys.stdout.buffer)
PY

# hashes PROGRAM CHECKPOINT: of the exported file and of the stems.
hashes() {
  rm -rf made && mkdir made
  "$1" export "$2" made/model.onnx --no-parity-check >/dev/null 2>&1 ||
    echo "export fails" >made/failed.export
  for threads in 1 2; do
    "$1" separate --raw f32le,44100,2 --float32 --engine native \
      --threads "$threads" --transition-power 1.5 --model "$2" \
      -o "made/$threads" - <song.f32 >/dev/null 2>&1 ||
      echo "separate fails" >"made/failed.$threads"
  done
  (cd made && find . -type f | sort | xargs sha256sum)
}

compared=0 same=0 unexported=0 unseparated=0
while read -r checkpoint; do
  hashes "$old" "$checkpoint" >a
  hashes "$new" "$checkpoint" >b
  compared=$((compared + 1))
  if grep -q 'failed.export' b; then unexported=$((unexported + 1)); fi
  if grep -q 'failed.1' b; then unseparated=$((unseparated + 1)); fi
  if cmp -s a b; then
    same=$((same + 1))
  else
    echo "${checkpoint#"$data/"} differs:"
    diff a b || true
  fi
done < <(find "$data" \( -name '*.th' -o -name '*.safetensors' \) | sort)
echo "$compared files, $same the same;" \
  "not exported: $unexported, not separated: $unseparated"
[ "$compared" -gt 0 ] && [ "$same" = "$compared" ]
