#!/usr/bin/env bash
# dist.sh [OUTPUT FOLDER]: a tarball that runs where it is unpacked, on every
# Linux with glibc 2.31 or newer: the program, the library, the header, man page,
# completions, the libraries that they need with their licences, and a list of
# all that as SPDX. Built as root in a Debian 11 folder (packaging/chroot.sh),
# which is made once and kept.
#   $DMX_DIST_FOLDER  the folder in that Debian to build in (/demucs-onnx)
#   $DMX_ONNXRUNTIME  the ONNX Runtime to include: a library, or none;
#                     the one in third_party/onnxruntime otherwise
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "$0")/../dist}")
cd "$(dirname "$0")/.."
source packaging/chroot.sh
source packaging/version.sh
packages_need debootstrap=debootstrap python3=python3
chroot=dist-build
root=$PACKAGES/$chroot
name=demucs-onnx-$VERSION-linux-$(uname -m)

# ------------------------------------------------------------- the Debian 11

if ! cmp -s packaging/dist/libraries.sh "$root/libraries.sh"; then
  [ -d "$root" ] || chroot_copy bullseye "$chroot"
  cp packaging/dist/libraries.sh "$root/making-libraries.sh"
  cp /usr/share/keyrings/debian-archive-keyring.gpg \
    "$root/etc/apt/newer-debian.gpg"
  chroot_run "$chroot" bash /making-libraries.sh >"$root.log" 2>&1 || {
    tail -n 20 "$root.log" >&2
    exit 1
  }
  mv "$root/making-libraries.sh" "$root/libraries.sh"
fi

# --------------------------------------------------------------------- build

inside=${DMX_DIST_FOLDER:-/demucs-onnx}
folder=$root$inside
rm -rf "$folder"
mkdir -p "$folder"
source_into "$folder/source"
cp packaging/dist/build.sh "$folder"
chroot_run "$chroot" env SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
  bash "$inside/build.sh" "$inside"
tree=$folder/tree

runtime=${DMX_ONNXRUNTIME:-third_party/onnxruntime/libonnxruntime.so}
if [ "$runtime" != none ] && [ -e "$runtime" ]; then
  ort=$(LC_ALL=C grep -aoE -m 1 'ORT Build Info|VERS_1\.[0-9]+\.[0-9]+' \
    "$runtime" | grep -oE '1\.[0-9]+\.[0-9]+' | head -n 1 || true)
  install -m 644 "$runtime" "$tree/lib/demucs-onnx/libonnxruntime.so"
  # Those beside the library are of its release; Debian's are of an older one.
  notices=$(dirname "$runtime")/ThirdPartyNotices.txt
  of="this release"
  if [ ! -e "$notices" ]; then
    notices=$root/src/onnxruntime/ThirdPartyNotices.txt
    of="release $(cat "$root/src/onnxruntime/VERSION"), the one of Debian 13"
  fi
  licences=$tree/share/doc/demucs-onnx/licences
  sed "s/@NOTICES@/$of/" packaging/dist/onnxruntime.txt >"$licences/onnxruntime"
  install -m 644 "$notices" "$licences/onnxruntime.notices"
  printf 'lib/demucs-onnx/libonnxruntime.so\tonnxruntime\t%s\tMIT\t%s\n' \
    "${ort:-unknown}" "https://github.com/microsoft/onnxruntime" \
    >>"$folder/components.tsv"
fi
cp THIRD_PARTY.md CHANGELOG.md "$tree/share/doc/demucs-onnx"
cp packaging/dist/README "$tree"
python3 packaging/sbom.py "$VERSION" "$folder/components.tsv" "$tree" \
  >"$folder/sbom.json"
mv "$folder/sbom.json" "$tree/share/doc/demucs-onnx/sbom.spdx.json"
bash packaging/check-tree.sh "$tree"

# ------------------------------------------------------------------- tarball

mkdir -p "$out"
mv "$tree" "$folder/$name"
chmod -R u+rwX,go+rX,go-w "$folder/$name"
tar --sort=name --owner=0 --group=0 --numeric-owner --format=gnu \
  --mtime="@$SOURCE_DATE_EPOCH" -C "$folder" -cf - "$name" |
  gzip -n -9 >"$folder/$name.tar.gz"
mv "$folder/$name.tar.gz" "$out"
cp "$folder/$name/share/doc/demucs-onnx/sbom.spdx.json" "$out/$name.spdx.json"
(cd "$out" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
rm -rf "$folder"
ls -l "$out/$name".*
