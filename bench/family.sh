#!/usr/bin/env bash
# family.sh [BUILD FOLDER [RUNS]]: Hybrid Demucs and Demucs at full size, random
# weights: the native engine and ONNX Runtime on our export, taking turns on two
# threads, at 10 s and 44 s; then the peak memory of `separate` with pieces of
# 44 s on songs of one, three and nine minutes. About 15 minutes on two idle
# cores; needs python3 and 2 GB of disk in $TMPDIR.
set -euo pipefail
program=$(realpath "${1:-$(dirname "$0")/../build}")
runs=${2:-5}
cd "$(dirname "$0")/.."
source scripts/onnxruntime-env.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/dmx-family-XXXXXX")
trap 'rm -rf "$work"' EXIT
networks=${NETWORKS:-hdemucs_mmi mdx_time mdx_magnitude mdx_bands}

row='%-14s %8s %9s %9s %8s %8s %9s %9s\n'
printf "$row" network samples native ort faster 'of peak' weights state
for network in $networks; do
    "$program/tools/make-checkpoint" "$work/$network.safetensors" \
        --preset "$network"
    for samples in 441000 1940400; do
        "$program/demucs-onnx" bench "$work/$network.safetensors" --json \
            --threads 2 --runs "$runs" --samples "$samples" \
            --contestants native,onnxruntime |
            python3 -c '
import json, sys
d = json.load(sys.stdin)
a, b = d["contestants"]
peak = d["threads"] * d["fma_peak_gflops"][a["profile"]["isa"]]
print(sys.argv[1].format(
    sys.argv[2], d["samples"], "%.3f s" % a["median_s"],
    "%.3f s" % b["median_s"], "%.2f" % b["ratio"],
    "%.0f %%" % (100 * a["gflops"] / peak), "%.0f MB" % (a["weight_bytes"] / 1e6),
    "%.0f MB" % (a["state_bytes"] / 1e6)))' \
            '{:14} {:8.0f} {:>9} {:>9} {:>8} {:>8} {:>9} {:>9}' "$network"
    done
done

peak() { # NETWORK SECONDS
    head -c $(($2 * 44100 * 4)) /dev/urandom >"$work/noise.s16"
    "$program/demucs-onnx" separate -m "$work/$1.safetensors" \
        "$work/noise.s16" --raw s16le,44100,2 --segment 44 --json \
        --clip-mode clamp -o "$work/stems" --overwrite |
        sed -n 's/.*"event": "end".*"peak_memory_bytes": \([0-9.e+]*\).*/\1/p'
}
for network in $networks; do
    for seconds in 60 180 540; do
        peak "$network" "$seconds" | awk -v n="$network" -v s="$seconds" \
            '{ printf "%-14s %4d s: peak %.0f MB\n", n, s, $1 / 1e6 }'
    done
done
