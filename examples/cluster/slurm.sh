#!/usr/bin/env bash
#SBATCH --job-name=demucs-onnx
#SBATCH --array=0-7
#SBATCH --cpus-per-task=1
#SBATCH --requeue
#SBATCH --open-mode=append
# slurm.sh LIST FOLDER SHARDS [OPTIONS OF separate...]: one array task separates
# one shard of the songs on LIST (a path a line, the same on every node).
#
#   sbatch --array=0-7 slurm.sh songs.txt out 8 --model htdemucs
#
# SHARDS stays the same when only some tasks are started again
# (sbatch --array=3,5 slurm.sh songs.txt out 8 ...). A task that is killed and
# requeued, on whatever node, continues where it was.
set -euo pipefail
list=$1 folder=$2 shards=$3
shift 3
shard=${SLURM_ARRAY_TASK_ID:?start me with sbatch --array}
results=$folder/results-$shard.jsonl
mkdir -p "$folder"

code=0
"${DEMUCS_ONNX:-demucs-onnx}" separate -q --files-from "$list" \
  --shard "$shard/$shards" -o "$folder/stems" \
  --results "$results" --resume "$results" \
  --threads "${SLURM_CPUS_PER_TASK:-1}" "$@" || code=$?

# 75: a cause that may be gone the next time (memory, disk, network).
if [ "$code" = 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 3 ]; then
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$shard"
fi
exit "$code"
