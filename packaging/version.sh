# shellcheck shell=bash
# Sourced in the top folder: the version and the soname, out of the header, and
# the time that everything made of this source carries.
dmx_version_part() {
  sed -n "s/^#define DMX_VERSION_$1 \([0-9]*\)$/\1/p" include/demucs_onnx.h
}
VERSION=$(dmx_version_part MAJOR).$(dmx_version_part MINOR).$(dmx_version_part PATCH)
# The ABI section of the header: below 1.0, every minor version is its own.
SOVERSION=$(dmx_version_part MAJOR)
[ "$SOVERSION" != 0 ] || SOVERSION=0.$(dmx_version_part MINOR)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null ||
  stat -c %Y include/demucs_onnx.h)}
export SOURCE_DATE_EPOCH

# source_into FOLDER: the source that packages are built from: the repository
# without tests and their data.
source_into() {
  mkdir -p "$1"
  {
    if git rev-parse --git-dir >/dev/null 2>&1; then
      git ls-files -z --cached --others --exclude-standard
    else
      find . -type f -printf '%P\0'
    fi
  } | grep -zE '^(CMakeLists.txt|LICENSE|[A-Z_]+\.md|(cmake|docs|examples|include|packaging|plugin|src)/)' |
    grep -zvE '\.png$' | LC_ALL=C sort -z |
    while IFS= read -r -d '' file; do
      [ -e "$file" ] && printf '%s\0' "$file"
    done | tar -cf - --null -T - | tar -xf - -C "$1"
}
