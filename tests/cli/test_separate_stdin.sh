#!/usr/bin/env bash
# Ctrl-C while separate waits on a silent pipe: it stops at once,
# exit 130, nothing written.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
model=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)
mkfifo "$work/pipe"
sleep 30 >"$work/pipe" &
writer=$!
"$DEMUCS_ONNX" separate - -m "$model" -o "$work/out" \
  <"$work/pipe" 2>"$work/err" &
program=$!
sleep 1
# A background job of a script ignores SIGINT; SIGTERM takes the same path.
kill -TERM "$program"
code=0
started=$SECONDS
wait "$program" || code=$?
kill "$writer"
[ "$code" = 130 ] || {
  echo "exit $code, not 130" >&2
  exit 1
}
[ $((SECONDS - started)) -le 3 ] || {
  echo "took longer than three seconds" >&2
  exit 1
}
[ ! -e "$work/out" ] || [ -z "$(find "$work/out" -type f)" ] || {
  echo "left files" >&2
  exit 1
}
