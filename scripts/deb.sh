#!/usr/bin/env bash
# deb.sh [OUTPUT FOLDER]: Debian packages of this source, for this system:
# demucs-onnx, the library under its soname, and its development files. Needs
# the packages of install-deps.sh, debhelper and fakeroot.
#   $DEBFULLNAME, $DEBEMAIL  the maintainer that they name
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "$0")/../dist}")
cd "$(dirname "$0")/.."
source packaging/chroot.sh
source packaging/version.sh
packages_need dh=debhelper fakeroot=fakeroot
[ -e /usr/share/build-essential/list ] || packages_need no-command=build-essential
maintainer="${DEBFULLNAME:-demucs-onnx developers} <${DEBEMAIL:-developers@demucs-onnx.org}>"
library=libdemucs-onnx$SOVERSION

stage=$(mktemp -d "${TMPDIR:-/tmp}/dmx-deb-XXXXXX")
trap 'rm -rf "$stage"' EXIT
source=$stage/demucs-onnx-$VERSION
source_into "$source"
cp -r packaging/debian "$source/debian"
cd "$source/debian"
fill() { # FILE
  sed -i "s|@LIBRARY@|$library|; s|@MAINTAINER@|$maintainer|
    s|@COPYRIGHT@|$(sed -n 's/^Copyright (c) //p' ../LICENSE)|" "$1.in"
  mv "$1.in" "$1"
}
fill control
fill copyright
mv library.install "$library.install"
cat >changelog <<TEXT
demucs-onnx ($VERSION) unstable; urgency=medium

  * Version $VERSION; CHANGELOG.md has what is new.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
TEXT
cd ..
log=$stage/log
DEB_BUILD_OPTIONS="noautodbgsym ${DEB_BUILD_OPTIONS:-}" \
  dpkg-buildpackage -b -uc -us >"$log" 2>&1 || {
  tail -n 40 "$log" >&2
  exit 1
}
mkdir -p "$out"
cp ../*.deb ../*.changes ../*.buildinfo "$out"
ls "$out"/*"_${VERSION}_"*.deb
