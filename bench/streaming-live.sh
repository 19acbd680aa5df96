#!/usr/bin/env bash
# streaming-live.sh full [BUILD FOLDER [SECONDS]]: whether this machine holds a
# hop with a model of htdemucs' full size (random weights), on two threads.
# streaming-live.sh long [BUILD FOLDER [SECONDS [MODEL]]]: ten minutes of the demo
# song with another process busy on one core: late frames, and memory all along.
# Both play in real time, by ffmpeg -re, through `stream --live`.
set -euo pipefail
what=${1:-}
build=$(realpath "${2:-$(dirname "$0")/../build}")
data=$(realpath "$(dirname "$0")/../tests/data/demo")
work=$(mktemp -d "${TMPDIR:-/tmp}/dmx-live-XXXXXX")
others=()
stop() {
    [ "${#others[@]}" = 0 ] || kill "${others[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
command -v ffmpeg >/dev/null || { echo "needs ffmpeg" >&2; exit 1; }

field() { grep -o "\"$1\": [0-9.]*" "$work/json" | grep -o '[0-9.]*$'; }

# Waits until the stream says how far it is behind: ffmpeg -re makes up for time
# that it could not write, so that a start before the model is loaded would be a
# burst that no live source gives.
ready() {
    for ((i = 0; i < 6000; i++)); do
        grep -q behind "$work/err" && return
        sleep 0.05
    done
}

# live SECONDS INPUT... -- OPTION...: statistics into $work/json.
live() {
    local seconds=$1 input=()
    shift
    while [ "$1" != -- ]; do input+=("$1"); shift; done
    shift
    : >"$work/err"
    {
        ready
        ffmpeg -nostdin -v error -re "${input[@]}" -t "$seconds" -ar 44100 \
            -ac 2 -f f32le -
    } | "$build/demucs-onnx" stream --raw f32le,44100,2 --live --json \
        --fd vocals=3 "$@" 3>/dev/null >"$work/json" 2>"$work/err"
}

full() {
    local seconds=${1:-20} segment hop precision
    "$build/tools/make-checkpoint" "$work/full.safetensors" --preset htdemucs
    echo "precision segment hop | a run alone | in the stream, of a hop: mean, worst | late s"
    while read -r precision segment hop; do
        live "$seconds" -f lavfi -i anoisesrc=a=0.3:r=44100 -- \
            -m "$work/full.safetensors" --threads 2 \
            --cache-dir "$work/cache" --precision "$precision" \
            --segment "$segment" --hop "$hop"
        printf '%-6s %s s  %s s | %.2f s | %.0f %% %.0f %% | %.2f\n' \
            "$precision" "$segment" "$hop" "$(field run_seconds)" \
            "$(field mean_load | awk '{ print 100 * $1 }')" \
            "$(field worst_load | awk '{ print 100 * $1 }')" \
            "$(field late_frames | awk '{ print $1 / 44100 }')"
    done <<'ROWS'
exact 7.8 2
int8 7.8 1
exact 2 0.5
int8 2 0.3
ROWS
}

long() {
    local seconds=${1:-600}
    local model=${2:-$(ls "$data"/htdemucs_tiny-*.th)}
    while :; do :; done &
    others+=($!)
    live "$seconds" -stream_loop -1 -i "$data/song.flac" -- -m "$model" \
        --hop 0.5 &
    local player=$! program=
    for ((i = 0; i < 100; i++)); do
        program=$(pgrep -P "$player" -x demucs-onnx || true)
        [ -n "$program" ] && break
        sleep 0.1
    done
    sleep 5
    while [ -r "/proc/$program/status" ]; do
        awk '/^VmRSS/ { print $2 }' "/proc/$program/status" >>"$work/memory" ||
            true
        sleep 5
    done
    wait "$player"
    echo "$seconds s, hop 0.5 s, another process busy; load $(cut -d' ' -f1-3 /proc/loadavg)"
    printf '%d runs, %.0f %% of a hop in the mean, %.0f %% at worst, %.3f s late\n' \
        "$(field runs)" "$(field mean_load | awk '{ print 100 * $1 }')" \
        "$(field worst_load | awk '{ print 100 * $1 }')" \
        "$(field late_frames | awk '{ print $1 / 44100 }')"
    sort -n "$work/memory" | awk '{ all[NR] = $1 } END {
        printf "resident memory: %d looks, %.1f to %.1f MB\n", NR,
            all[1] / 1000, all[NR] / 1000 }'
}

case $what in
full | long) shift "$(($# < 2 ? $# : 2))"; "$what" "$@" ;;
*) sed -n '2,6s/^# //p' "$0" >&2; exit 2 ;;
esac
