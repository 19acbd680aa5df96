#!/usr/bin/env bash
# test-packages.sh [PART...]: makes the packages of docs/packages.md with its own
# commands and tries them where nothing else is installed. Parts: dist wheel deb
# recipes reproducible image aarch64; by default all of them.
#   $DMX_MADE  not empty: tries what lies in dist/ instead of making it first
set -euo pipefail
cd "$(dirname "$0")/.."
source packaging/chroot.sh
source packaging/version.sh
out=$PWD/dist
parts=${*:-dist wheel deb recipes reproducible image aarch64}
tried=()
[ "$(id -u)" = 0 ] || {
  echo "test-packages: needs root, for Debians in folders" >&2
  exit 1
}

# block WORD [N]: the Nth block of docs/packages.md that begins with ```sh WORD.
block() {
  awk -v word="$1" -v wanted="${2:-1}" '
    $0 == "```sh " word { n++; on = n == wanted; next }
    /^```/ { on = 0 }
    on' docs/packages.md | grep . || {
    echo "docs/packages.md has no block $1 ${2:-1}" >&2
    exit 1
  }
}

# made N FILES...: runs the Nth block that makes something: these files.
made() {
  local number=$1
  shift
  [ -z "${DMX_MADE:-}" ] || return 0
  rm -f "$@"
  bash -e <<<"$(block make "$number")"
}

# a song of a second, and a checkpoint, into a folder
subjects() {
  python3 packaging/song.py "$1/song.wav" 44100
  cp tests/data/demo/htdemucs_tiny-*.th "$1/model.th"
}

# fresh SUITE: a bare Debian, $PACKAGES/try, with the subjects in /try.
fresh() {
  chroot_copy "$1" try
  mkdir "$PACKAGES/try/try"
  subjects "$PACKAGES/try/try"
}

in_debian() { # COMMANDS, run in /try of it
  printf 'set -e\ncd /try\n%s\n' "$1" >"$PACKAGES/try/try.sh"
  chroot_run try sh /try.sh
}

stems_are_there() { # FOLDER ENDING
  local stem
  for stem in drums bass other vocals; do
    [ -s "$PACKAGES/try/try/$1/$stem.$2" ] || {
      echo "no $1/$stem.$2" >&2
      exit 1
    }
  done
}

# --------------------------------------------------------------------- parts

dist() {
  made 1 "$out"/demucs-onnx-*-linux-*
  local suite
  for suite in bullseye bookworm; do
    fresh $suite
    cp "$out"/demucs-onnx-*-linux-*.tar.gz "$PACKAGES/try/try"
    in_debian "$(block tarball)"
    stems_are_there stems/song mp3
    stems_are_there again/vocals flac
    [ -s "$PACKAGES/try/try/model.onnx" ]
    # Moved, it still works; without libcurl, a download says what is missing.
    in_debian 'mv demucs-onnx-*-linux-*/ "/opt/else where"
      "/opt/else where/bin/demucs-onnx" --version
      if "/opt/else where/bin/demucs-onnx" download htdemucs 2>err; then exit 1; fi
      grep -q "need libcurl" err'
    # With the system's libcurl, it gets as far as the network allows.
    in_debian 'apt-get update -q >/dev/null
      apt-get install -y -q --no-install-recommends libcurl4 >log
      if "/opt/else where/bin/demucs-onnx" download htdemucs \
        --mirror http://127.0.0.1:1/ 2>err; then exit 1; fi
      grep -q "127.0.0.1:1/" err'
    tried+=("tarball in a bare $suite: export, separate WAV and MP3")
  done
}

# npm_pack FOLDER: npm's package of the source in the current folder, into it.
npm_pack() {
  scripts/web.sh build >/dev/null
  mkdir -p "$1"
  (cd build/web/package && npm pack --silent --pack-destination "$1" >/dev/null)
}

# all_of SOURCE OUT FOLDER: every package of the source, made in its folder; the
# tarball in a folder of that Debian.
all_of() (
  cd "$1"
  DMX_DIST_FOLDER=$3 scripts/dist.sh "$2"
  scripts/wheel.sh "$2"/demucs-onnx-*-linux-*.tar.gz "$2"
  scripts/deb.sh "$2"
  scripts/recipes.sh "$2" "file:///$VERSION.tar.gz"
  npm_pack "$2"
)

# Everything is made twice, in two folders; what the parts before this one have
# made is the first of the two.
reproducible() {
  local both first=$out file count=0
  packages_need npm=npm
  both=$(mktemp -d "${TMPDIR:-/tmp}/dmx-second-XXXXXX")
  mkdir -p "$both"/{one,another}
  git ls-files -z --cached --others --exclude-standard |
    tar -cf - --ignore-failed-read --null -T - | tar -xf - -C "$both/one"
  cp -r "$both/one" "$both/another/place"
  DMX_ONNXRUNTIME=${DMX_ONNXRUNTIME:-$PWD/third_party/onnxruntime/libonnxruntime.so}
  [ -e "$DMX_ONNXRUNTIME" ] || DMX_ONNXRUNTIME=none
  export DMX_ONNXRUNTIME
  case " $parts " in
  *" dist wheel deb recipes reproducible "*) npm_pack "$out" ;;
  *)
    first=$both/first
    all_of "$both/one" "$first" /demucs-onnx
    ;;
  esac
  all_of "$both/another/place" "$both/second" /another/place/of-it
  for file in "$both"/second/*.{tar.gz,whl,deb,tgz,spdx.json}; do
    cmp "$file" "$first/$(basename "$file")"
    count=$((count + 1))
  done
  [ "$count" = 9 ] # tarball, list, wheel, sdist, three .debs, source, npm's
  rm -rf "$both"
  tried+=("all packages and npm's, made in two folders: the same bytes")
}

# The wheel of the tarball on the oldest and the newest Python that Debian has
# here, and a library that the sdist builds itself.
wheel() {
  [ -e "$(echo "$out"/demucs-onnx-*-linux-*.tar.gz)" ] || scripts/dist.sh "$out"
  scripts/wheel.sh "$out"/demucs-onnx-*-linux-"$(uname -m)".tar.gz "$out"
  local suite use='
import demucs_onnx as d
stems = d.separate("song.wav", "py", model="model.th", output_format="mp3")
assert set(stems) == set(d.SOURCES) and stems["bass"].shape[0] == 2
d.export_to_onnx("model.th", "py.onnx", verbose=False)
own = d.separate("song.wav", model="model.th", progress=False)
onnx = d.separate("song.wav", model="py.onnx", engine="onnxruntime",
                  progress=False)
worst = max(abs(own[s] - onnx[s]).max() for s in own)
assert 0 < worst < 1e-4, worst
print(d.describe_runtime())'
  for suite in bullseye bookworm; do
    fresh $suite
    cp "$out"/demucs_onnx-*-manylinux_*_"$(uname -m)".whl "$PACKAGES/try/try"
    printf '%s\n' "$use" >"$PACKAGES/try/try/use.py"
    in_debian 'apt-get update -q >/dev/null
      apt-get install -y -q --no-install-recommends python3-numpy \
        python3-venv >log
      python3 -m venv --system-site-packages env
      env/bin/pip install -q --no-index demucs_onnx-*.whl
      cd / && /try/env/bin/python -c "import demucs_onnx" && cd /try
      env/bin/python use.py'
    stems_are_there py mp3
    tried+=("manylinux wheel in a bare $suite: separate, export, ONNX Runtime")
  done
  cp "$out"/demucs_onnx-*.tar.gz "$PACKAGES/try/try"
  in_debian "apt-get install -y -q --no-install-recommends python3-setuptools \
      python3-wheel $(build_needs) >>log
    python3 -m venv --clear --system-site-packages env
    env/bin/pip install -q --no-index --no-build-isolation demucs_onnx-*.tar.gz
    env/bin/python -c \"
import demucs_onnx as d
stems = d.separate('song.wav', 'sdist', model='model.th')
assert 'try/env' in d.describe_runtime()['library'], d.describe_runtime()\""
  stems_are_there sdist wav
  tried+=("sdist: builds its library in a bare bookworm and works")
}

build_needs() { # what packaging/debian/control.in builds with
  sed -n '/^Build-Depends:/,/^Standards/p' packaging/debian/control.in |
    sed '1d; $d; s/([^)]*)//; s/,//' | xargs echo gcc g++
}

deb() {
  packages_need lintian=lintian
  made 2 "$out"/*.deb "$out"/*.changes
  lintian --allow-root --fail-on error,warning --profile debian \
    "$out"/*"_${VERSION}_"*.changes
  local package
  for package in "$out"/*.deb; do
    rm -rf "$PACKAGES/unpacked"
    dpkg-deb -x "$package" "$PACKAGES/unpacked"
    packaging/check-weights.sh "$PACKAGES/unpacked"
  done
  rm -rf "$PACKAGES/unpacked"
  fresh bookworm
  cp "$out"/*.deb examples/export.c "$PACKAGES/try/try"
  in_debian 'apt-get update -q >/dev/null
    apt-get install -y -q --no-install-recommends gcc libc6-dev pkg-config >log'
  in_debian "(
$(block deb | grep -v purge)
) >>log 2>&1 || { tail log; exit 1; }
    demucs-onnx --version
    if ./export missing.th x.onnx; then exit 1; fi
    test -s /usr/share/man/man1/demucs-onnx.1.gz"
  stems_are_there stems/song flac
  in_debian "( $(block deb | grep purge) ) >>log 2>&1
    ! dpkg-query -W 'demucs-onnx*' 'libdemucs-onnx*' 2>/dev/null | grep .
    ! find /usr /etc /var -name '*demucs*' | grep ."
  tried+=("Debian packages: lintian; installed, used, removed in a bare bookworm")
}

# The Dockerfile's own steps, each in a bare bookworm instead of the image that
# Docker would fetch.
image() {
  local stage=0 word rest run=() health
  chroot_remove image
  while read -r word rest; do
    case $word in
    FROM)
      stage=$((stage + 1))
      chroot_remove try
      [ ! -d "$PACKAGES/image" ] || mv "$PACKAGES/image" "$PACKAGES/try"
      chroot_copy bookworm image
      ;;
    COPY)
      if [ "$rest" = ". /source" ]; then
        source_into "$PACKAGES/image/source"
        cp -r scripts "$PACKAGES/image/source"
      else # --from=build FILES FOLDER
        read -r _ word rest <<<"$rest"
        mkdir -p "$PACKAGES/image$rest"
        # shellcheck disable=SC2086 # a pattern
        cp "$PACKAGES"/try$word "$PACKAGES/image$rest"
      fi
      ;;
    RUN)
      chroot_run image sh -c "export SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH
        $rest" >"$PACKAGES/image.log" 2>&1 || {
        tail "$PACKAGES/image.log" >&2
        exit 1
      }
      ;;
    USER) run=(setpriv --reuid "$rest" --regid "$rest" --clear-groups) ;;
    HEALTHCHECK)
      mapfile -t health < <(grep -o '"[^"]*"' <<<"$rest" | tr -d '"')
      chroot_run image "${run[@]}" "${health[@]}"
      ;;
    esac
  done < <(sed -e '/^#/d' -e ':a; /\\$/N; s/\\\n//; ta' packaging/docker/Dockerfile)
  [ "$stage" = 2 ]
  subjects "$PACKAGES/image/music"
  chroot_run image "${run[@]}" sh -c 'cd /music &&
    demucs-onnx separate song.wav -m model.th -o stems && ! touch /usr/x'
  [ -s "$PACKAGES/image/music/stems/song/vocals.wav" ]
  chroot_remove image
  tried+=("Dockerfile: its steps in a bare bookworm, the program as its user")
}

recipes() {
  made 3 "$out/PKGBUILD"
  packages_need makepkg=makepkg bsdtar=libarchive-tools fakeroot=fakeroot
  local work=$PACKAGES/makepkg
  rm -rf "$work"
  mkdir "$work"
  cp "$out/PKGBUILD" "$work"
  chown -R nobody "$work"
  chmod a+rx "$out"
  (cd "$work" && setpriv --reuid nobody --clear-groups env HOME="$work" \
    makepkg --nodeps >makepkg.log 2>&1) || {
    tail -n 20 "$work/makepkg.log" >&2
    exit 1
  }
  mkdir "$work/unpacked"
  tar -xf "$work"/demucs-onnx-*.pkg.tar* -C "$work/unpacked"
  "$work/unpacked/usr/bin/demucs-onnx" --version
  rm "$work/unpacked/.MTREE" # makepkg's own list of files, compressed
  packaging/check-weights.sh "$work/unpacked"
  rm -rf "$work"
  tried+=("PKGBUILD: built by makepkg on Debian")
}

aarch64() {
  made 4
  tried+=("aarch64: cross-built, tests under qemu; no real processor")
}

for part in $parts; do
  case $part in
  dist | wheel | deb | recipes | reproducible | image | aarch64) ;;
  *)
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
    ;;
  esac
done
for part in $parts; do
  echo "== $part"
  $part
done
chroot_remove try
printf 'tried: %s\n' "${tried[@]}"
echo "not tried: Homebrew, Nix and Docker themselves"
