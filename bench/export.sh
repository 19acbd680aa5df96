#!/usr/bin/env bash
# bench/export.sh [PAIRS]: our ONNX graph next to the usual traced export.
#
# A full-size random checkpoint is generated and written in three forms (ours,
# ours with half weights, the usual one). Then PAIRS (default 9) times, on one
# and on two threads, ours and the usual graph run one after the other, each in
# a process of its own, so that a slow spell of the machine hits both: as our
# runtime runs them, and the first segment also as any other program would, with
# ONNX Runtime's defaults. The table shows medians; ratios are medians of the
# pairs' ratios. SNR is against the float64 reference. Needs ONNX Runtime
# ($DEMUCS_ONNXRUNTIME or a system one), 12 GB of memory, and about 2 minutes a
# pair.
set -euo pipefail
pairs=${1:-9}
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build}
bench=$build/bench/bench-export
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

median() { # of column $2 of file $1
    sort -g -k"$2","$2" "$1" | awk -v c="$2" '{ v[NR] = $c }
        END { m = int((NR + 1) / 2)
              print NR % 2 ? v[m] : (v[m] + v[m + 1]) / 2 }'
}
ratio() { # median of usual/ours of column $3, files $1 ours and $2 usual
    paste -d' ' <(awk -v c="$3" '{ print $c }' "$1") \
        <(awk -v c="$3" '{ print $c }' "$2") |
        awk '{ printf "%.3f\n", $2 / $1 }' >"$work/ratios"
    median "$work/ratios" 1
}

"$build/tools/make-checkpoint" "$work/full.safetensors" --seed 1
for kind in ours fp16weights usual; do
    "$bench" write "$work/full.safetensors" "$work/$kind.onnx" $kind \
        >"$work/$kind.write"
done
echo "float64 reference ..." >&2
"$bench" reference "$work/full.safetensors" "$work/expected.f32" >/dev/null

printf '%-28s %12s %12s %12s\n' '' ours fp16weights usual
printf '%-28s %12d %12d %12d\n' 'file, bytes' \
    $(for k in ours fp16weights usual; do stat -c %s "$work/$k.onnx"; done)
printf '%-28s %12s %12s %12s\n' 'graph written, s' \
    $(for k in ours fp16weights usual; do cut -d' ' -f1 "$work/$k.write"; done)
printf '%-28s %12s %12s %12s\n' 'nodes' \
    $(for k in ours fp16weights usual; do
        "$build/demucs-onnx" inspect "$work/$k.onnx" |
            sed -n 's/.* \([0-9]*\) nodes.*/\1/p'; done)

# rows HOST THREADS WHAT...: medians and ratios of the columns in order
rows() {
    local a=$work/ours.$1.$2 b=$work/usual.$1.$2 column=1 what
    printf '\n%-28s %12s %12s %12s\n' "$2 thread(s), $1" ours usual ratio
    shift 2
    for what in "$@"; do
        if [ -n "$what" ]; then
            printf '%-28s %12s %12s' "$what" "$(median "$a" $column)" \
                "$(median "$b" $column)"
            if [ $column -le 4 ]; then printf ' %12s' "$(ratio "$a" "$b" $column)"; fi
            printf '\n'
        fi
        column=$((column + 1))
    done
}

for threads in 2 1; do
    for pair in $(seq "$pairs"); do
        echo "threads $threads, pair $pair of $pairs" >&2
        for kind in ours usual; do
            "$bench" run "$work/$kind.onnx" $threads 4 ours \
                "$work/expected.f32" >>"$work/$kind.ours.$threads"
            "$bench" run "$work/$kind.onnx" $threads 1 plain \
                >>"$work/$kind.plain.$threads"
        done
    done
    rows ours $threads 'session ready, s' 'first segment, s' \
        'steady segment, s' 'peak memory, MB' 'SNR, dB'
    rows plain $threads 'session ready, s' 'first segment, s' '' \
        'peak memory, MB'
done

for kind in ours fp16weights usual; do
    "$bench" run "$work/$kind.onnx" 2 4 pattern >"$work/$kind.pattern"
done
printf '\n%-28s %12s %12s %12s\n' 'memory pattern on: peak, MB' \
    $(for k in ours fp16weights usual; do cut -d' ' -f4 "$work/$k.pattern"; done)
