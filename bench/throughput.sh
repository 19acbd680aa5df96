#!/usr/bin/env bash
# throughput.sh [BUILD [MODEL [SECONDS [PRICE]]]]: what this machine gives for the
# planning of docs/cluster.md: songs of SECONDS (240) an hour, core seconds a song
# and memory a process, for one process of one thread, one of all cores, and as
# many of one thread as there are cores; songs an hour and core, and the cost of
# 1,000 songs at PRICE (0.04) an hour and core. MODEL: a checkpoint; a generated
# HTDemucs of full size without one. All songs of a line are separated at once.
set -euo pipefail
build=$(realpath "${1:-$(dirname "$0")/../build}")
model=${2:-} seconds=${3:-240} price=${4:-0.04}
cores=$(nproc)
work=$(mktemp -d "${TMPDIR:-/tmp}/dmx-throughput-XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ -z "$model" ]; then
  model=$work/full.safetensors
  "$build/tools/make-checkpoint" "$model" --preset htdemucs >/dev/null
fi

printf '%9s %7s %14s %19s %16s %18s %20s\n' processes threads 'songs an hour' \
  'songs a core-hour' 'core s a song' 'memory a process' 'cost of 1,000 songs'
line() { # PROCESSES THREADS
  "$build/demucs-onnx" bench "$model" --song "$seconds" --processes "$1" \
    --threads "$2" --json | tr ',{}' '\n' | awk -F': ' -v p="$1" -v t="$2" \
    -v price="$price" '
      { gsub(/[" ]/, "", $1); have[$1] = $2 }
      END {
        songs = have["songs_per_hour"]
        if (songs <= 0) exit 1
        printf "%9d %7d %14.1f %19.1f %16.1f %15.2f GB %20.2f\n", p, t, songs,
          songs / (p * t), have["core_seconds_per_song"],
          have["peak_memory_bytes"] / 1e9, 1000 * p * t * price / songs
      }'
}
line 1 1
if [ "$cores" -gt 1 ]; then
  line 1 "$cores"
  line "$cores" 1
fi
