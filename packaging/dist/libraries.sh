#!/bin/bash
# libraries.sh: run inside Debian 11 by scripts/dist.sh. Builds into /opt/dist
# what the tarball carries and Debian 11 has too old or too large: FFmpeg with
# audio alone (LGPL), the ONNX checker's libonnx, cJSON; and fetches the notices of
# what ONNX Runtime contains. All from the source packages of Debian 12 and 13,
# whose signatures apt checks.
set -euo pipefail
jobs=$(getconf _NPROCESSORS_ONLN)
prefix=/opt/dist

if [ ! -e /.packages ]; then
  apt-get update -q
  apt-get install -y -q --no-install-recommends gcc g++ make cmake ninja-build \
    pkg-config nasm dpkg-dev ca-certificates xz-utils patch \
    libyaml-dev libprotobuf-c-dev protobuf-c-compiler \
    libprotobuf-dev protobuf-compiler patchelf python3 libsoxr-dev \
    libpng-dev zlib1g-dev libcurl4-openssl-dev libmp3lame-dev libopus-dev \
    libvorbis-dev
  touch /.packages
fi

mkdir -p /src
cd /src
mirror=$(sed -n 's/^deb \([^ ]*\) .*/\1/p' /etc/apt/sources.list | head -n 1)
security=$(sed -n 's/^deb \([^ ]*\) .*-security .*/\1/p' /etc/apt/sources.list)
signed='[signed-by=/etc/apt/newer-debian.gpg]'
{
  echo "deb-src $signed $mirror bookworm main"
  echo "deb-src $signed $security bookworm-security main"
  echo "deb-src $signed $mirror trixie main"
} >/etc/apt/sources.list.d/sources.list

fetch() { # SUITE PACKAGE: /src/PACKAGE, and its version in $prefix/sources
  [ -d "/src/$2" ] && return
  rm -rf "${2:?}"_* "$2"-*
  apt-get source -q --only-source -t "$1" "$2" >/dev/null
  mv "$2"-*/ "$2"
  mkdir -p "$prefix/sources"
  dpkg-parsechangelog -l "$2/debian/changelog" -S Version >"$prefix/sources/$2"
}
# The original archive alone, without Debian's changes.
fetch_original() { # SUITE PACKAGE
  [ -d "/src/$2" ] && return
  apt-get source -q --tar-only -t "$1" "$2" >/dev/null
  mkdir "$2"
  tar -xf "$2"_*.orig.tar.* --strip-components=1 -C "$2"
  mkdir -p "$prefix/sources"
  basename "$2"_*.orig.tar.* | sed 's/.*_\(.*\)\.orig.*/\1/' >"$prefix/sources/$2"
}
# Of the original archive, one file of its top folder alone, and VERSION.
fetch_file() { # SUITE PACKAGE FILE
  [ -d "/src/$2" ] && return
  apt-get source -q --tar-only -t "$1" "$2" >/dev/null
  mkdir "$2.part"
  tar -xf "$2"_*.orig.tar.* --strip-components=1 -C "$2.part" \
    --no-wildcards-match-slash --wildcards "*/$3"
  basename "$2"_*.orig.tar.* | sed 's/.*_\([0-9.]*\).*/\1/' >"$2.part/VERSION"
  rm "$2"_*.orig.tar.*
  mv "$2.part" "$2"
}
if [ ! -d /src/ffmpeg ] || [ ! -d /src/cjson ] || [ ! -d /src/onnx ] ||
  [ ! -d /src/onnxruntime ]; then
  apt-get update -q
  fetch bookworm ffmpeg
  fetch bookworm cjson
  fetch_original trixie onnx
  fetch_file trixie onnxruntime ThirdPartyNotices.txt
fi

# ------------------------------------------------------------------- FFmpeg

# The decoders of sound: two sections of the list of all codecs.
audio_decoders() {
  sed -n '/\/\* audio codecs \*\//,/\/\* subtitles \*\//p
    /external libraries \*\//q' libavcodec/allcodecs.c |
    sed -n 's/^extern const FFCodec ff_\(.*\)_decoder;/\1/p'
}

ffmpeg() {
  cd /src/ffmpeg
  local list=()
  for name in $(audio_decoders); do list+=("--enable-decoder=$name"); done
  ./configure --prefix=$prefix --libdir=$prefix/lib --disable-static \
    --enable-shared --disable-programs --disable-doc --disable-debug \
    --disable-autodetect --disable-network --disable-avdevice \
    --disable-swscale --disable-avfilter --disable-postproc \
    --disable-hwaccels --disable-encoders --disable-decoders "${list[@]}" \
    --enable-encoder=flac,aac,libmp3lame,libopus,libvorbis,pcm_* \
    --disable-muxers \
    --enable-muxer=wav,flac,mp3,ogg,opus,ipod,mp4,mov,adts,aiff,au,caf \
    --disable-protocols --enable-protocol=file,pipe,data --enable-zlib \
    --enable-libmp3lame --enable-libopus --enable-libvorbis >/dev/null
  make -j"$jobs" >/dev/null 2>/src/ffmpeg.log
  make install >/dev/null
}

# --------------------------------------------------------------------- ONNX

onnx() {
  mkdir -p /src/onnx.build
  cd /src/onnx.build
  cmake -G Ninja /src/onnx -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_INSTALL_PREFIX=$prefix -DCMAKE_PREFIX_PATH=$prefix \
    -DONNX_USE_PROTOBUF_SHARED_LIBS=ON \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_CXX_VISIBILITY_PRESET=hidden \
    -DBUILD_ONNX_PYTHON=OFF -DONNX_BUILD_TESTS=OFF -DONNX_ML=ON \
    -DCMAKE_CXX_FLAGS=-O1 >/dev/null
  ninja -j"$jobs" onnx onnx_proto >/src/onnx.log
  mkdir -p $prefix/include/onnx
  cp libonnx.a libonnx_proto.a $prefix/lib
  (cd /src/onnx && find onnx -name '*.h' -exec cp --parents {} $prefix/include \;)
  cp onnx/*.h /src/onnx/onnx/onnx.proto $prefix/include/onnx
}

cjson() {
  mkdir -p /src/cjson.build
  cd /src/cjson.build
  cmake -G Ninja /src/cjson -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_INSTALL_PREFIX=$prefix -DCMAKE_INSTALL_LIBDIR=lib \
    -DENABLE_CJSON_TEST=OFF >/dev/null
  ninja install >/src/cjson.log
}

for part in cjson ffmpeg onnx; do
  [ -e "$prefix/.$part" ] && continue
  echo "building $part" >&2
  ($part) || {
    echo "$part could not be built" >&2
    exit 1
  }
  touch "$prefix/.$part"
done
