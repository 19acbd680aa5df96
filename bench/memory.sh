#!/usr/bin/env bash
# memory.sh [BUILD FOLDER [SHORT LONG]]: peak memory of separating a short and a
# long track (seconds; 2 minutes and 2 hours). Fails when the long one needs
# more than 1.2 times the memory. Needs about 1.4 GB of disk in $TMPDIR.
set -euo pipefail
program=$(realpath "${1:-$(dirname "$0")/../build}")/demucs-onnx
cd "$(dirname "$0")/.."
short=${2:-120} long=${3:-7200}
model=$(ls "$PWD"/tests/data/demo/htdemucs_tiny-*.th)
work=$(mktemp -d "${TMPDIR:-/tmp}/dmx-memory-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# Noise as 8-bit mono of 22.05 kHz: it goes through the resampler both ways.
peak() {
    head -c $(($1 * 22050)) /dev/urandom >noise.u8
    "$program" separate -m "$model" noise.u8 --raw u8,22050,1 --mono \
        --clip-mode clamp --overlap 0 --json -o stems --overwrite |
        sed -n 's/.*"event": "end".*"peak_memory_bytes": \([0-9.e+]*\).*/\1/p'
}
a=$(peak "$short")
b=$(peak "$long")
awk -v a="$a" -v b="$b" -v s="$short" -v l="$long" 'BEGIN {
    printf "%d s: %.1f MB\n%d s: %.1f MB\nratio %.3f\n",
        s, a / 1e6, l, b / 1e6, b / a
    exit !(b <= 1.2 * a) }'
