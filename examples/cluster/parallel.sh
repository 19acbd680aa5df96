#!/usr/bin/env bash
# parallel.sh LIST FOLDER SHARDS HOSTS [OPTIONS OF separate...]: shards over
# hosts with GNU parallel; ":" is this machine, "a,b,c" are reached with ssh.
# The list, the folder and the program lie at the same paths on all of them.
set -euo pipefail
command -v parallel >/dev/null || {
  echo "parallel.sh: GNU parallel is not installed (Debian's package: parallel)" >&2
  exit 1
}
list=$(realpath "$1") folder=$(realpath -m "$2") shards=$3 hosts=$4
shift 4
mkdir -p "$folder"
options=""
[ $# = 0 ] || options=$(printf ' %q' "$@")
# A shard that ends with 75, or whose host fails, is tried again: a shard
# continues where it was.
seq 0 $((shards - 1)) | parallel --sshlogin "$hosts" --jobs "${JOBS:-1}" \
  --workdir "$PWD" --retries 3 --halt never --line-buffer \
  "$(printf '%q' "${DEMUCS_ONNX:-demucs-onnx}") separate -q" \
  "--files-from $(printf '%q' "$list") --shard {}/$shards" \
  "-o $(printf '%q' "$folder")/stems" \
  "--results $(printf '%q' "$folder")/results-{}.jsonl" \
  "--resume $(printf '%q' "$folder")/results-{}.jsonl$options"
