#!/usr/bin/env bash
# bench/dynamic.sh [PAIRS]: a file of any length and batch and the fixed one.
#
# A full-size random checkpoint is written in both forms. Then PAIRS (default 5)
# times, on one and on two threads, the two run the training segment one after
# the other, each in a process of its own, so that a slow spell of the machine
# hits both; so does the file of any length with its dimensions pinned when the
# session is made. The table shows medians; ratios are medians of the pairs'
# ratios.
# Then the file of any length alone: longer songs in one piece, and batches.
# Needs ONNX Runtime ($DEMUCS_ONNXRUNTIME or a system one) and about a minute a
# pair; LENGTHS and BATCHES choose what is run at the end ("" for nothing).
set -euo pipefail
pairs=${1:-5}
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build}
bench=$build/bench/bench-export
segment=343980
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

median() { # of column $2 of file $1
    sort -g -k"$2","$2" "$1" | awk -v c="$2" '{ v[NR] = $c }
        END { m = int((NR + 1) / 2)
              print NR % 2 ? v[m] : (v[m] + v[m + 1]) / 2 }'
}
ratio() { # median of any/fixed of column $3, files $1 fixed and $2 any
    paste -d' ' <(awk -v c="$3" '{ print $c }' "$1") \
        <(awk -v c="$3" '{ print $c }' "$2") |
        awk '{ printf "%.3f\n", $2 / $1 }' >"$work/ratios"
    median "$work/ratios" 1
}

"$build/tools/make-checkpoint" "$work/full.safetensors" --seed 1
"$bench" write "$work/full.safetensors" "$work/fixed.onnx" >/dev/null
"$bench" write "$work/full.safetensors" "$work/any.onnx" dynamic >/dev/null
row() { printf '%-20s %12s %12s %12s %12s %12s\n' "$@"; }
row '' fixed 'any length' ratio pinned ratio
size() { stat -c %s "$work/$1.onnx"; }
row 'file, bytes' "$(size fixed)" "$(size any)" \
    "$(awk "BEGIN { printf \"%.3f\", $(size any) / $(size fixed) }")" '' ''
nodes() {
    "$build/demucs-onnx" inspect "$work/$1.onnx" |
        sed -n 's/.* \([0-9]*\) nodes.*/\1/p'
}
row nodes "$(nodes fixed)" "$(nodes any)" '' '' ''

for threads in 1 2; do
    for pair in $(seq "$pairs"); do
        echo "threads $threads, pair $pair of $pairs" >&2
        "$bench" any "$work/fixed.onnx" $threads 4 ours $segment 1 \
            >>"$work/fixed.$threads"
        "$bench" any "$work/any.onnx" $threads 4 ours $segment 1 \
            >>"$work/any.$threads"
        "$bench" any "$work/any.onnx" $threads 4 pinned $segment 1 \
            >>"$work/pinned.$threads"
    done
    row "$threads thread(s)" '' '' '' '' ''
    column=0
    for what in 'session ready, s' 'first segment, s' 'steady segment, s' \
        'peak memory, MB'; do
        column=$((column + 1))
        a=$work/fixed.$threads b=$work/any.$threads c=$work/pinned.$threads
        row "$what" "$(median "$a" $column)" "$(median "$b" $column)" \
            "$(ratio "$a" "$b" $column)" "$(median "$c" $column)" \
            "$(ratio "$a" "$c" $column)"
    done
done

printf '\n%-28s %12s %12s\n' 'any length, 2 threads' 's an input' 'peak, MB'
for samples in ${LENGTHS-44100 343980 687960 1323000}; do
    read -r _ first _ peak _ < <(
        "$bench" any "$work/any.onnx" 2 1 ours "$samples" 1)
    printf '%-28s %12s %12s\n' "$samples samples" "$first" "$peak"
done
for batch in ${BATCHES-1 4}; do
    read -r _ _ steady peak _ < <(
        "$bench" any "$work/any.onnx" 2 3 ours $segment "$batch")
    printf '%-28s %12s %12s\n' "$segment samples x $batch" \
        "$(awk "BEGIN { printf \"%.3f\", $steady / $batch }")" "$peak"
done
