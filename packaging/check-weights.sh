#!/usr/bin/env bash
# check-weights.sh FOLDER: fails where something in it is a model or its
# weights, by name or by what it begins with. Trained weights are not part of
# this project and in no package of it.
set -euo pipefail
folder=$1
found=$(find "$folder" -type f \( -iname '*.th' -o -iname '*.pt' \
  -o -iname '*.pth' -o -iname '*.ckpt' -o -iname '*.safetensors' \
  -o -iname '*.onnx' -o -iname '*.npz' -o -iname '*.pkl' \))
# zip archives (PyTorch's), pickles of protocol 2 to 5, safetensors (eight bytes
# of length, then JSON), and any archive that might hold them.
while IFS= read -r -d '' file; do
  start=$(head -c 9 "$file" | od -An -v -tx1 | tr -d ' \n')
  case $start in
  504b0304* | 800[2-5]* | ????????000000007b | 1f8b* | fd377a585a00* | 7573746172*)
    case $file in
    *.gz) case $file in */man/* | */doc/*) continue ;; esac ;;
    esac
    found+=$'\n'"$file"
    ;;
  esac
done < <(find "$folder" -type f -size +0 -print0)
if [ -n "${found//$'\n'/}" ]; then
  printf 'models or weights inside:\n%s\n' "$found" >&2
  exit 1
fi
