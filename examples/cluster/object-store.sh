#!/usr/bin/env bash
# object-store.sh PREFIX [OPTIONS OF separate...]: songs named on standard input
# come out of an object store and their stems go back into it below PREFIX,
# through the user's own client. Only the current song is on this disk.
#
#   GET='aws s3 cp s3://music/{} -' PUT='aws s3 cp - s3://stems/{}' \
#     object-store.sh htdemucs --model htdemucs --flac <songs.txt
#
# In GET and PUT, {} is the quoted name; GET writes to standard output, PUT
# reads standard input. A song whose marker PREFIX/NAME.done is there is left
# out when HAS (a command that succeeds for an object that exists) is given.
set -euo pipefail
: "${GET:?a command that fetches the object {}}" "${PUT:?one that stores it}"
prefix=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
client() { bash -c "${1//\{\}/$(printf '%q' "$2")}"; }

failed=0
while IFS= read -r name <&3; do
  if [ -n "${HAS:-}" ] && client "$HAS" "$prefix/$name.done"; then
    continue
  fi
  rm -rf "${work:?}"/*
  if ! client "$GET" "$name" | "${DEMUCS_ONNX:-demucs-onnx}" separate -q - \
    -o "$work/stems" --filename '{stem}.{ext}' "$@" >/dev/null; then
    echo "$name: failed" >&2
    failed=1
    continue
  fi
  for stem in "$work/stems"/*; do
    client "$PUT" "$prefix/$name/${stem##*/}" <"$stem"
  done
  date -u +%FT%TZ | client "$PUT" "$prefix/$name.done" # the last one
done 3<&0
exit $failed
