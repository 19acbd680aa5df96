#!/usr/bin/env bash
# install-web-deps.sh WHAT...: installs what the browser part needs and is
# missing. WHAT: module (the WebAssembly compiler), node, chromium, ffmpeg, npm
# (the packages of web/tools). Exits with 77 and the reason when it can't.
set -euo pipefail
cd "$(dirname "$0")/.."

cannot() {
  echo "skipped: $*" >&2
  exit 77
}

apt_install() {
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null |
      grep -q 'ok installed' || missing+=("$package")
  done
  [ "${#missing[@]}" = 0 ] && return 0
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo -n)
  echo "Installing: ${missing[*]}" >&2
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null &&
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
      --no-install-recommends "${missing[@]}" >/dev/null
}

# need COMMAND PACKAGE...: installs the packages unless the command exists.
need() {
  local command=$1
  shift
  command -v "$command" >/dev/null && return 0
  command -v apt-get >/dev/null ||
    cannot "no $command, and no apt-get to install it with"
  apt_install "$@" || cannot "$* can't be installed"
  command -v "$command" >/dev/null || cannot "$* came without $command"
}

has_wasm_library() {
  [ -f /usr/lib/wasm32-wasi/libc.a ] &&
    compgen -G '/usr/lib/llvm-19/lib/clang/19/lib/*/libclang_rt.builtins*wasm32*' \
      >/dev/null
}

for what in "$@"; do
  case $what in
  module)
    need clang-19 clang-19
    need wasm-ld-19 lld-19
    need llvm-ar-19 llvm-19
    need cmake cmake
    need ninja ninja-build
    has_wasm_library || {
      command -v apt-get >/dev/null || cannot "no wasi-libc"
      apt_install wasi-libc libclang-rt-19-dev-wasm32 ||
        cannot "wasi-libc can't be installed"
      has_wasm_library || cannot "wasi-libc is not where Debian has it"
    }
    ;;
  node) need node nodejs ;;
  chromium) need chromium chromium ;;
  ffmpeg) need ffmpeg ffmpeg ;;
  npm)
    need npm npm
    [ web/tools/node_modules/.package-lock.json -nt web/tools/package-lock.json ] ||
      npm ci --prefix web/tools --ignore-scripts --no-audit --no-fund \
        --loglevel=error >/dev/null || cannot "npm can't install web/tools"
    ;;
  *)
    echo "install-web-deps.sh: unknown '$what'" >&2
    exit 2
    ;;
  esac
done
