# shellcheck shell=bash
# Sourced: Debian in a separate folder, made once and kept.
#   $DMX_PACKAGES  where they are kept (default: demucs-onnx-packages in $TMPDIR)
#   $DMX_MIRROR, $DMX_SECURITY_MIRROR  Debian's mirrors (default: those that
#                  this system's apt uses)
PACKAGES=${DMX_PACKAGES:-${TMPDIR:-/tmp}/demucs-onnx-packages}

# apt_mirror security|plain: Debian's first address of that kind in apt's sources.
apt_mirror() {
  local flags=(-v)
  [ "$1" = plain ] || flags=()
  # shellcheck disable=SC2016 # apt's own names
  apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep debian |
    grep "${flags[@]}" security | sed -n '1s|/$||p' || true
}
MIRROR=${DMX_MIRROR:-$(apt_mirror plain)}
SECURITY=${DMX_SECURITY_MIRROR:-$(apt_mirror security)}

packages_need() { # COMMAND=PACKAGE...: installs what is missing
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  [ "${#missing[@]}" = 0 ] && return
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "missing: ${missing[*]} (Debian: apt-get install, as root)" >&2
    return 1
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
    --no-install-recommends "${missing[@]}" >&2
}

mirror_needed() {
  [ -n "$MIRROR" ] || {
    echo "apt names no mirror of Debian here: set DMX_MIRROR" >&2
    return 1
  }
}

# chroot_bare SUITE: the smallest Debian, $PACKAGES/bare-SUITE.
chroot_bare() {
  local root=$PACKAGES/bare-$1
  [ -e "$root/.complete" ] && return
  [ "$(id -u)" = 0 ] || {
    echo "a Debian in a folder is made by root only" >&2
    return 1
  }
  mirror_needed || return 1
  packages_need debootstrap=debootstrap
  mkdir -p "$PACKAGES"
  echo "Debian $1 for $root ..." >&2
  rm -rf "$root"
  debootstrap --variant=minbase "$1" "$root" "$MIRROR" >"$root.log" 2>&1 || {
    tail -n 5 "$root.log" >&2
    return 1
  }
  touch "$root/.complete"
}

# chroot_copy SUITE NAME: a fresh copy, $PACKAGES/NAME, with a network.
chroot_copy() {
  chroot_bare "$1" || return 1
  chroot_remove "$2"
  cp -a "$PACKAGES/bare-$1" "$PACKAGES/$2"
  cp /etc/resolv.conf /etc/hosts "$PACKAGES/$2/etc" 2>/dev/null || true
  {
    echo "deb $MIRROR $1 main"
    echo "deb $MIRROR $1-updates main"
    [ -z "$SECURITY" ] || echo "deb $SECURITY $1-security main"
  } >"$PACKAGES/$2/etc/apt/sources.list"
}

chroot_remove() { # NAME
  [ -n "$1" ] && rm -rf "${PACKAGES:?}/$1"
}

# chroot_run NAME COMMAND...: in it, as root, with its own /proc and /dev that
# are gone when the command is.
chroot_run() {
  local root=$PACKAGES/$1
  shift
  # shellcheck disable=SC2016 # for the inner shell
  unshare --mount --fork --pid --kill-child sh -c '
    root=$1
    shift
    mount --make-rprivate / &&
      mount -t proc proc "$root/proc" &&
      mount -t tmpfs -o mode=755 tmpfs "$root/dev" || exit 1
    for node in null zero full random urandom tty; do
      touch "$root/dev/$node"
      mount --bind "/dev/$node" "$root/dev/$node" 2>/dev/null
    done
    ln -s /proc/self/fd "$root/dev/fd"
    mkdir -m 1777 "$root/dev/shm"
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
      DEBIAN_FRONTEND=noninteractive http_proxy="$http_proxy" \
      chroot "$root" "$@"' sh "$root" "$@"
}
