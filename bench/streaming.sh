#!/usr/bin/env bash
# streaming.sh [BUILD FOLDER [MODEL SONGS...]]: what live separation costs in
# SDR, by hop, lookahead, covers and segment, as the tables of docs/streaming.md.
# A song is a folder with mix.wav and a WAV file for each stem; without any, the
# demo song is taken. Figures are means over the songs of the difference from
# the offline separation of the same model, in dB.
set -euo pipefail
program=$(realpath "${1:-$(dirname "$0")/../build}")/demucs-onnx
data=$(realpath "$(dirname "$0")/../tests/data/demo")
model=$(realpath "${2:-$(ls "$data"/htdemucs_tiny-*.th)}")
shift $(($# < 2 ? $# : 2))
work=$(mktemp -d "${TMPDIR:-/tmp}/dmx-streaming-XXXXXX")
trap 'rm -rf "$work"' EXIT
songs=()
for song in "$@"; do songs+=("$(realpath "$song")"); done

# rows OPTION...: the table of every song, below each other.
rows() {
    if [ "${#songs[@]}" = 0 ]; then
        "$program" stream -q -m "$model" --evaluate "$data/song.flac" \
            --compare "$data/true_{stem}.flac" "$@"
    fi
    for song in "${songs[@]}"; do
        "$program" stream -q -m "$model" --evaluate "$song/mix.wav" \
            --compare "$song/{stem}.wav" "$@"
    done
}

# table TITLE OPTION...: means over the songs.
table() {
    echo "$1"
    shift
    rows "$@" >"$work/rows"
    awk '/offline/ { sub(",", "", $5); offline += $(NF - 1); runs += $10; n++
                     window = $5 }
         /%/ { key = $1 " " $2 " " $3
               if (!(key in sum)) order[++keys] = key
               sum[key] += $NF }
         END { printf "segments of %s s; offline %.3f dB; a run %.3f s\n",
                      window, offline / n, runs / n
               printf "hop s  lookahead s  latency s  dB\n"
               for (i = 1; i <= keys; i++)
                   printf "%s %+.3f\n", order[i], sum[order[i]] / n }' \
        "$work/rows"
    echo
}

table "hop and lookahead, 10 ms of crossfade"
for segment in 0.975 0.4875 0.2438; do
    table "a shorter segment" --segment $segment --hop 0.05 --lookahead 0.04
done
for covers in 2 3 5; do
    table "triangle of $covers runs" --covers $covers --hop 0.05 --lookahead 0
done
table "triangle of 2 runs, hop 0.02" --covers 2 --hop 0.02 --lookahead 0.02
