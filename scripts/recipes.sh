#!/usr/bin/env bash
# recipes.sh [OUTPUT FOLDER [URL [HOMEPAGE]]]: the source of this version as an
# archive, and recipes that build packages of it: a Homebrew formula, an Arch
# PKGBUILD, a Nix expression. URL is where the archive will lie: the output
# folder itself, unless it is given.
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "$0")/../dist}")
cd "$(dirname "$0")/.."
source packaging/version.sh
name=demucs-onnx-$VERSION
url=${2:-file://$out/$name.tar.gz}
homepage=${3:-$(dirname "$url")}

stage=$(mktemp -d "${TMPDIR:-/tmp}/dmx-source-XXXXXX")
trap 'rm -rf "$stage"' EXIT
source_into "$stage/$name"
chmod -R u+rwX,go+rX,go-w "$stage/$name"
mkdir -p "$out"
tar --sort=name --owner=0 --group=0 --numeric-owner --format=gnu \
  --mtime="@$SOURCE_DATE_EPOCH" -C "$stage" -cf - "$name" |
  gzip -n -9 >"$stage/source.tar.gz"
mv "$stage/source.tar.gz" "$out/$name.tar.gz"
sum=$(sha256sum "$out/$name.tar.gz" | cut -c 1-64)
for recipe in packaging/{homebrew,arch,nix}/*.in; do
  sed "s|@VERSION@|$VERSION|g; s|@URL@|$url|g; s|@SHA256@|$sum|g
    s|@HOMEPAGE@|$homepage|g" "$recipe" >"$out/$(basename "$recipe" .in)"
done
ls "$out"
