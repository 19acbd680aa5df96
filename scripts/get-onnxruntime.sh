#!/usr/bin/env bash
# Makes ONNX Runtime's shared library available, once:
#   get-onnxruntime.sh [VERSION] [DIRECTORY]
# A library that the system already has is used as it is (only without
# VERSION). Otherwise it is taken out of the npm package onnxruntime-node
# (its install scripts are not run), or out of the Python wheel onnxruntime.
# $DMX_ONNXRUNTIME_CPU (x64, arm64): that of another processor than this one.
# Result: DIRECTORY/libonnxruntime.so (.dylib on macOS).
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:-}
directory=${2:-third_party/onnxruntime}
case "$(uname -s)" in
Darwin) system=darwin library=libonnxruntime.dylib ;;
*) system=linux library=libonnxruntime.so ;;
esac
case "$(uname -m)" in
arm64 | aarch64) cpu=arm64 ;;
*) cpu=x64 ;;
esac

other=${DMX_ONNXRUNTIME_CPU:-}
cpu=${other:-$cpu}

[ -e "$directory/$library" ] && exit 0
if [ -z "$version" ] && [ -z "$other" ]; then
  if [ -n "${DEMUCS_ONNXRUNTIME:-}" ] && [ -e "$DEMUCS_ONNXRUNTIME" ]; then
    exit 0
  fi
  if command -v ldconfig >/dev/null &&
    ldconfig -p 2>/dev/null | grep -q 'libonnxruntime\.so'; then
    exit 0
  fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

from_npm() {
  command -v npm >/dev/null || return 1
  echo "Getting ONNX Runtime out of the npm package onnxruntime-node ..."
  (cd "$work" && npm pack --silent "onnxruntime-node${version:+@$version}" \
    >/dev/null) || return 1
  tar -xzf "$work"/onnxruntime-node-*.tgz -C "$work" || return 1
}

from_pip() {
  local python
  python=$(command -v python3) || return 1
  echo "Getting ONNX Runtime out of the Python wheel onnxruntime ..."
  [ -z "$other" ] || return 1
  "$python" -m pip download --quiet --no-deps --only-binary :all: \
    -d "$work" "onnxruntime${version:+==$version}" || return 1
  "$python" -m zipfile -e "$work"/onnxruntime-*.whl "$work" || return 1
}

# The library itself, not its provider plug-ins; any version suffix.
found() {
  find "$work" -type f \( -path "*/$system/$cpu/*" -o -path '*/capi/*' \) \
    -name 'libonnxruntime*' ! -name '*providers*' | sort | head -n 1
}

# A bare Debian has neither client: npm is the one to add.
if ! command -v npm >/dev/null && ! command -v pip3 >/dev/null &&
  command -v apt-get >/dev/null; then
  sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends npm || true
fi

from_npm || from_pip || {
  echo "ONNX Runtime could not be fetched: neither npm nor pip worked." >&2
  echo "Install the library yourself and set DEMUCS_ONNXRUNTIME to it" >&2
  echo "(docs/install.md)." >&2
  exit 1
}
file=$(found)
[ -n "$file" ] || {
  echo "no ONNX Runtime library for $system/$cpu in the package" >&2
  exit 1
}
mkdir -p "$directory"
cp "$file" "$directory/.$library.part"
mv "$directory/.$library.part" "$directory/$library"
# The wheel has the notices of what the library contains; packages take them along.
notices=$(find "$work" -type f -path '*onnxruntime/ThirdPartyNotices.txt' | head -n 1)
[ -z "$notices" ] || cp "$notices" "$directory"
echo "ONNX Runtime: $directory/$library"
