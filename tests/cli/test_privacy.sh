#!/usr/bin/env bash
# Exporting (which runs ONNX Runtime) leaves nothing in the user's home.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/home" "$work/out"
HOME=$work/home XDG_CACHE_HOME= XDG_DATA_HOME= XDG_CONFIG_HOME= \
  "$DEMUCS_ONNX" export "$DMX_TEST_DATA/no_rewrite/model.th" \
  "$work/out/model.onnx" -q
left=$(find "$work/home" -mindepth 1)
[ -z "$left" ] || {
  echo "left in the home folder:" "$left" >&2
  exit 1
}
