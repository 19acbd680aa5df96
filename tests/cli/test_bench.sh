#!/usr/bin/env bash
# bench: its table, its JSON document, wrong usage.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
model=$DMX_TEST_DATA/htdemucs/model.th
fail() { echo "test_bench: $*" >&2; exit 1; }

"$DEMUCS_ONNX" bench "$model" --runs 1 --contestants native --profile >out.txt \
  2>/dev/null || fail "did not run"
grep -q '^native ' out.txt || fail "no row for native"
grep -q 'attention' out.txt || fail "no profile"
rm out.txt

"$DEMUCS_ONNX" bench "$model" --runs 2 --json --threads 1 2>/dev/null |
  python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["threads"] == 1 and len(d["contestants"]) >= 1
for c in d["contestants"]:
    assert len(c["wall_s"]) == 2 and c["median_s"] > 0 and c["profile"]["steps"]
for peak in d["fma_peak_gflops"].values():
    assert 0.5 < peak < 1000
' || fail "bad JSON"

# The usual export belongs to the program, not to the library.
if [ -d "$DMX_SOURCE/third_party/onnxruntime" ]; then
  "$DEMUCS_ONNX" bench "$model" --runs 1 --contestants onnxruntime,onnxruntime:int8,usual \
    --samples 44100 >out.txt 2>/dev/null || fail "the usual export did not run"
  grep -q '^usual ' out.txt || fail "no row for the usual export"
  rm out.txt
else
  echo "skipped: the usual export (no third_party/onnxruntime)"
fi
nm -A "$DMX_BUILD"/libdemucs-onnx.a >symbols 2>/dev/null
! grep -q usual_recipes symbols || fail "the library has the usual export"
grep -q ' T dmx_bench$' symbols || fail "no symbols"
rm symbols

# Every backend of the program is a contestant.
"$DEMUCS_ONNX" bench "$model" --runs 1 --contestants reference,native \
  --samples 20000 >out.txt 2>/dev/null || fail "the reference did not run"
grep -q '^reference ' out.txt || fail "no row for the reference"
rm out.txt

# The default number of threads is that of the other commands.
"$DEMUCS_ONNX" bench "$model" --runs 1 --contestants native --threads 1024 \
  >out.txt 2>err.txt || fail "did not run with 1024 threads"
grep -q '1024 threads on .* are used' err.txt || fail "1024 threads are used"
rm out.txt err.txt

code=0
"$DEMUCS_ONNX" bench "$model" --contestants snail 2>err.txt || code=$?
[ "$code" = 2 ] || fail "unknown contestant: exit $code"
grep -q snail err.txt || fail "contestant not named"
code=0
"$DEMUCS_ONNX" bench "$model" --contestants native:mmx 2>err.txt || code=$?
[ "$code" = 2 ] || fail "unknown instruction set: exit $code"
rm err.txt

# Whole songs, one process or several at once.
"$DEMUCS_ONNX" bench "$model" --song 3 >out.txt || fail "no song"
grep -q 'songs an hour' out.txt || fail "no songs an hour"
"$DEMUCS_ONNX" bench "$model" --song 2 --processes 3 --threads 1 --json |
  python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["processes"] == 3 and d["threads"] == 1 and d["song_seconds"] == 2
assert abs(d["songs_per_hour"] - 3 * 3600 / d["wall_s"]) < 1e-3 * d["songs_per_hour"]
assert abs(d["real_time_factor"] - d["wall_s"] / 6) < 1e-3
assert d["core_seconds_per_song"] > 0 and d["peak_memory_bytes"] > 1e6
' || fail "bad JSON of a song"
for wrong in "--processes 2" "--song 2 --runs 3" "--song 2 --profile"; do
  # shellcheck disable=SC2086
  "$DEMUCS_ONNX" bench "$model" $wrong 2>/dev/null && fail "accepted: $wrong"
done
"$DEMUCS_ONNX" bench missing.th --song 2 --processes 3 2>err.txt &&
  fail "separated without a model"
[ "$(grep -c 'missing.th' err.txt)" = 3 ] || fail "three processes, three lines"
