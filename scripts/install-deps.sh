#!/usr/bin/env bash
# Installs what the build needs and is missing: automatically on Debian and
# Ubuntu (as root or with sudo); elsewhere it names the exact packages.
set -euo pipefail
cd "$(dirname "$0")/.."

apt_packages=(
  gcc g++ make cmake ninja-build pkg-config
  libcjson-dev libyaml-dev libssl-dev zlib1g-dev libcurl4-openssl-dev
  libavformat-dev libavcodec-dev libavutil-dev libswresample-dev libsoxr-dev
  libsndfile1-dev libpng-dev libonnx-dev libprotobuf-dev protobuf-c-compiler
  libprotobuf-c-dev libcmocka-dev protobuf-compiler
  python3 python3-numpy python3-pytest python3-build python3-setuptools python3-venv
  python3-wheel python3-yaml mypy binutils
  slurm-wlm munge parallel bc
  lv2-dev lilv-utils sordi jalv libjack-jackd2-dev jackd2 ffmpeg
  ca-certificates
)
dnf_packages="gcc gcc-c++ make cmake ninja-build pkgconf cjson-devel libyaml-devel openssl-devel zlib-devel libcurl-devel ffmpeg-free-devel soxr-devel libpng-devel onnx-devel protobuf-devel protobuf-c-devel protobuf-c-compiler libcmocka-devel"
pacman_packages="gcc make cmake ninja pkgconf cjson libyaml openssl zlib curl ffmpeg libsoxr libpng onnx protobuf protobuf-c cmocka"
brew_packages="cmake ninja pkg-config cjson libyaml openssl@3 curl ffmpeg libsoxr libpng onnx protobuf protobuf-c cmocka"

missing() {
  local package
  for package in "${apt_packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null |
      grep -q 'ok installed' || echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_with_apt() {
  local wanted
  mapfile -t wanted < <(missing)
  [ "${#wanted[@]}" = 0 ] && return 0
  echo "Installing: ${wanted[*]}"
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "Not root and no sudo. Run as root:" >&2
    echo "  apt-get install ${wanted[*]}" >&2
    exit 1
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${wanted[@]}"
}

say_packages() {
  echo "Install these packages, then run the command again:" >&2
  echo "  $*" >&2
  exit 1
}

# The build itself decides whether everything is there.
can_build() {
  command -v cmake >/dev/null && command -v pkg-config >/dev/null &&
    command -v protoc-c >/dev/null &&
    pkg-config --exists libcjson yaml-0.1 libcrypto libcurl libavformat \
      libavcodec libavutil libswresample soxr libpng libprotobuf-c cmocka
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
  install_with_apt
elif can_build; then
  :
elif command -v dnf >/dev/null; then
  say_packages "sudo dnf install $dnf_packages"
elif command -v pacman >/dev/null; then
  say_packages "sudo pacman -S --needed $pacman_packages"
elif command -v brew >/dev/null; then
  say_packages "brew install $brew_packages"
else
  say_packages "a C and C++ compiler, cmake, ninja, pkg-config, and the" \
    "development files of cJSON, libyaml, OpenSSL, zlib, libcurl, FFmpeg," \
    "soxr, libpng, ONNX, protobuf-c and cmocka (see docs/install.md)"
fi
