#!/usr/bin/env bash
# check-tree.sh TREE: what a tarball must fulfil. It needs no symbols newer than
# those of glibc 2.31 and of GCC 10's libstdc++, contains every other library
# with its licence, names no folder of the build machine, and has no weights.
set -euo pipefail
tree=$1
bad=0
say() {
  echo "$tree: $*" >&2
  bad=1
}
newest() { # PREFIX FILE: the newest version of that prefix which it asks for
  readelf -W -V "$2" | grep -oE "\b$1_[0-9.]+" | sed 's/.*_//' | sort -V |
    tail -n 1
}
at_most() { # VERSION LIMIT
  [ "$(printf '%s\n' "$1" "$2" | sort -V | tail -n 1)" = "$2" ]
}
everywhere='^(libc|libm|libdl|librt|libpthread|ld-linux.*|libgcc_s|libstdc\+\+)\.so'

elfs=0
while IFS= read -r -d '' file; do
  head -c 4 "$file" | grep -q ELF || continue
  elfs=$((elfs + 1))
  at_most "$(newest GLIBC "$file")" 2.31 || say "$file needs a newer glibc"
  at_most "$(newest GLIBCXX "$file")" 3.4.28 ||
    say "$file needs a newer libstdc++"
  for name in $(readelf -W -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
    [[ $name =~ $everywhere ]] || [ -e "$tree/lib/demucs-onnx/$name" ] ||
      say "$file needs $name, which is not inside"
  done
  paths=$(readelf -W -d "$file" | sed -n 's/.*(R\(UN\)\?PATH).*\[\(.*\)\]/\2/p')
  case :$paths in
  *:/*) say "$file looks for libraries in $paths" ;;
  esac
done < <(find "$tree" -type f -print0)
[ "$elfs" -gt 3 ] || say "only $elfs binaries"

# Only ours: third-party files name folders of their own builds.
for file in bin/demucs-onnx lib/libdemucs-onnx.so \
  lib/demucs-onnx/libdemucs_onnx_checker.so; do
  [ -e "$tree/$file" ] || say "no $file"
  ! strings "$tree/$file" | grep -qE '/(source|build|tree)/(src|lib)' ||
    say "$file names a folder that it was built in"
done
for file in include/demucs_onnx.h share/man/man1/demucs-onnx.1 \
  share/bash-completion/completions/demucs-onnx \
  share/zsh/site-functions/_demucs-onnx \
  share/fish/vendor_completions.d/demucs-onnx.fish \
  lib/pkgconfig/demucs-onnx.pc share/doc/demucs-onnx/sbom.spdx.json; do
  [ -s "$tree/$file" ] || say "no $file"
done

# Every library is in the list, and every name in the list has its licence.
sbom=$tree/share/doc/demucs-onnx/sbom.spdx.json
for file in "$tree"/lib/demucs-onnx/*; do
  grep -qF "\"./lib/demucs-onnx/$(basename "$file")\"" "$sbom" ||
    say "$file is not in the SBOM"
done
for name in $(python3 -c 'import json, sys
for p in json.load(open(sys.argv[1]))["packages"][1:]: print(p["name"])' "$sbom")
do
  [ -s "$tree/share/doc/demucs-onnx/licences/$name" ] ||
    say "no licence of $name"
done
licences=$tree/share/doc/demucs-onnx/licences
[ -s "$tree/share/doc/demucs-onnx/LICENSE" ] || say "no licence of our own"
while read -r text; do
  [ -s "$licences/${text##*/}" ] || say "no text of ${text##*/}, which is referred to"
done < <(grep -rohE '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' \
  "$licences" 2>/dev/null | sort -u)
# ONNX Runtime contains third-party code, too.
if [ -e "$tree/lib/demucs-onnx/libonnxruntime.so" ]; then
  for part in protobuf abseil Eigen; do
    grep -qi "$part" "$licences/onnxruntime.notices" 2>/dev/null ||
      say "ONNX Runtime without the notices of what it contains: $part"
  done
  ! grep -q '@[A-Z]*@' "$licences/onnxruntime" || say "a licence that is not filled"
fi

bash "$(dirname "$0")/check-weights.sh" "$tree" || bad=1
exit "$bad"
