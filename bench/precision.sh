#!/usr/bin/env bash
# precision.sh [BUILD FOLDER [RUNS]]: int16 and int8 beside exact, and beside
# ONNX Runtime on our graph (float32 and int8) and on the usual export: one
# interleaved run of the full-size random network on two threads and one; the
# same with plain AVX2; related networks; ONNX Runtime of other versions (those
# beside third_party/onnxruntime, or the files and folders in
# $MORE_ONNXRUNTIME); the peak memory of `separate`. Ratios are of medians of
# wall clock and of processor seconds, to the first contestant: on a busy machine
# the latter count. Needs 12 GB of memory for the usual export, python3, and
# about half an hour on two idle cores; ONLY="network avx2 family onnx memory"
# chooses parts.
set -euo pipefail
program=$(realpath "${1:-$(dirname "$0")/../build}")
runs=${2:-5}
cd "$(dirname "$0")/.."
source scripts/onnxruntime-env.sh
only=" ${ONLY:-network avx2 family onnx memory} "
work=$(mktemp -d "${TMPDIR:-/tmp}/dmx-precision-XXXXXX")
trap 'rm -rf "$work"' EXIT

network() { # NAME
    [ -e "$work/$1.safetensors" ] ||
        "$program/tools/make-checkpoint" "$work/$1.safetensors" --preset "$1"
}

# A first run proves what is not proved yet, and none of that is measured. What
# fails is reported, and the rest goes on.
failed=0
compare() { # TITLE NETWORK CONTESTANTS OPTIONS...
    local title=$1 model=$work/$2.safetensors contestants=$3
    shift 3
    network "$(basename "$model" .safetensors)"
    if ! "$program/demucs-onnx" bench "$model" --json --runs "$runs" \
        --cache-dir "$work/cache" --contestants "$contestants" "$@" \
        >"$work/bench.json"; then
        printf '\n%s: failed\n' "$title"
        failed=1
        return 0
    fi
    python3 -c '
import json, sys
with open(sys.argv[2]) as f:
    d = json.load(f)
print("\n%s, %d thread(s), %d samples" % (sys.argv[1], d["threads"], d["samples"]))
for c in d["contestants"]:
    p = c.get("precision", {})
    print("  %-20s %7.3f s %5.2fx  processor %7.3f s %5.2fx  %s%s" % (
        c["name"], c["median_s"], 1 / c["ratio"], c["median_cpu_s"],
        1 / c["ratio_cpu"],
        "%.0f MB of weights" % (c["weight_bytes"] / 1e6)
        if "weight_bytes" in c else "",
        ", %.1f dB of %g" % (p["snr_db"], p["promise_db"])
        if p.get("snr_db") and p.get("promise_db") else ""))' "$title" \
        "$work/bench.json"
}

if [[ $only == *" network "* ]]; then
    for threads in 2 1; do
        compare htdemucs htdemucs \
            native,native:int16,native:int8,onnxruntime,onnxruntime:int8,usual \
            --threads $threads
    done
    compare 'htdemucs, --low-memory' htdemucs native --threads 1 --low-memory
fi
if [[ $only == *" avx2 "* ]]; then
    for threads in 2 1; do
        compare htdemucs htdemucs \
            native:avx2,native:avx2:int16,native:avx2:int8 --threads $threads
    done
fi
if [[ $only == *" family "* ]]; then
    for name in hdemucs_mmi mdx_time mdx_magnitude mdx_bands; do
        compare "$name" "$name" native,native:int16,native:int8 --threads 1 \
            --samples 441000
    done
fi
if [[ $only == *" onnx "* ]]; then
    for library in ${MORE_ONNXRUNTIME-third_party/onnxruntime-*}; do
        [ -e "$library" ] || continue
        compare "$library" htdemucs onnxruntime,onnxruntime:int8 --threads 1 \
            --onnxruntime "$library"
    done
fi
if [[ $only == *" memory "* ]]; then
    network htdemucs
    head -c $((30 * 44100 * 4)) /dev/urandom >"$work/noise.s16"
    for precision in exact int16 int8; do
        for time in first later; do
            "$program/demucs-onnx" separate -m "$work/htdemucs.safetensors" \
                "$work/noise.s16" --raw s16le,44100,2 --clip-mode clamp --json \
                --precision $precision --cache-dir "$work/memory" \
                -o "$work/stems" --overwrite |
                sed -n 's/.*"event": "end".*"peak_memory_bytes": \([0-9.e+]*\).*/\1/p' |
                awk -v p="$precision" -v t="$time" \
                    '{ printf "separate, %s, %s: peak %.0f MB\n", p, t, $1 / 1e6 }'
        done
    done
fi
exit $failed
