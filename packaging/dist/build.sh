#!/bin/bash
# build.sh FOLDER: run inside Debian 11 by scripts/dist.sh. Builds
# FOLDER/source and lays FOLDER/tree out as the tarball will be; writes a line
# a library that goes with it to FOLDER/components.tsv:
#   file  name  version  licence  where its source is
set -euo pipefail
folder=$1
prefix=/opt/dist
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
export LD_LIBRARY_PATH=$prefix/lib # the program that is built says its man page
tree=$folder/tree
inside=$tree/lib/demucs-onnx
cd "$folder"

# If one was put into that Debian.
! command -v ccache >/dev/null || export CMAKE_C_COMPILER_LAUNCHER=ccache
flags="-ffile-prefix-map=$folder=. -fstack-protector-strong"
cmake -S source -B build -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DDMX_PORTABLE=ON -DDMX_TESTS=OFF -DDMX_TOOLS=OFF -DDMX_PLUGIN=OFF \
  -DDMX_WERROR=OFF \
  -DCMAKE_INSTALL_PREFIX=/prefix -DCMAKE_INSTALL_LIBDIR=lib \
  -DCMAKE_PREFIX_PATH=$prefix "-DCMAKE_C_FLAGS=$flags" \
  "-DCMAKE_CXX_FLAGS=$flags" \
  -DCMAKE_EXE_LINKER_FLAGS="-Wl,-z,relro,-z,now -Wl,-rpath-link,$prefix/lib" \
  -DCMAKE_SHARED_LINKER_FLAGS=-Wl,-z,relro,-z,now >build.log
cmake --build build >>build.log || {
  tail -n 30 build.log >&2
  exit 1
}
DESTDIR=$folder/staged cmake --install build >>build.log
mv staged/prefix "$tree"

# --------------------------------------------------------- what goes with it

# What every Linux system has.
everywhere='^(libc|libm|libdl|librt|libpthread|ld-linux.*|libgcc_s|libstdc\+\+)\.so'

needs() { # FILE...: libraries that these and theirs need, "name path" a line
  ldd "$@" |
    sed -n 's/^\t\([^ ]*\) => \(\/[^ ]*\) .*/\1 \2/p' | sort -u |
    grep -Ev "$everywhere"
}

# The licence of a Debian package's library, by name; everything else stops.
licence_of() {
  case $1 in
  ffmpeg | libsoxr*) echo LGPL-2.1-or-later ;;
  libmp3lame*) echo LGPL-2.0-or-later ;;
  cjson | libyaml*) echo MIT ;;
  libprotobuf-c*) echo BSD-2-Clause ;;
  libprotobuf* | libogg* | libvorbis* | libopus*) echo BSD-3-Clause ;;
  libpng*) echo libpng-2.0 ;;
  zlib1g) echo Zlib ;;
  libgomp1) echo "GPL-3.0-or-later WITH GCC-exception-3.1" ;;
  onnx) echo Apache-2.0 ;;
  *)
    echo "$1: this library's licence is not known to packaging/dist/build.sh" >&2
    return 1
    ;;
  esac
}

# Which source a library is of: ours above, or a package of Debian 11.
source_of() { # PATH
  local real
  real=$(realpath "$1")
  case $1 in
  $prefix/lib/libav* | $prefix/lib/libsw*) echo ffmpeg ;;
  $prefix/lib/libcjson*) echo cjson ;;
  *) # dpkg names it as it was before /lib and /usr/lib were one
    { dpkg -S "$real" || dpkg -S "${real#/usr}"; } 2>/dev/null |
      sed 's/:.*//' | head -n 1
    ;;
  esac
}

add() { # FILE-OR-dash PACKAGE
  local version where licence copyright
  licence=$(licence_of "$2")
  if [ -e "$prefix/sources/$2" ]; then
    version=$(cat "$prefix/sources/$2")
    where="Debian source package $2 $version"
    copyright=/src/$2/debian/copyright
    [ -e "$copyright" ] || copyright=/src/$2/LICENSE
  else
    version=$(dpkg-query -W -f='${Version}' "$2")
    where="Debian 11 source package $(dpkg-query -W \
      -f='${source:Package} ${source:Version}' "$2")"
    copyright=/usr/share/doc/$2/copyright
  fi
  printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$version" "$licence" "$where" \
    >>components.tsv
  cp "$copyright" "$tree/share/doc/demucs-onnx/licences/$2"
}

mkdir -p "$inside" "$tree/share/doc/demucs-onnx/licences"
: >components.tsv
needs "$tree/bin/demucs-onnx" "$tree/lib/libdemucs-onnx.so" \
  "$inside/libdemucs_onnx_checker.so" >libraries
while read -r name path; do
  cp "$(realpath "$path")" "$inside/$name"
  chmod 644 "$inside/$name"
  strip --strip-unneeded "$inside/$name"
  patchelf --set-rpath "\$ORIGIN" "$inside/$name"
  add "lib/demucs-onnx/$name" "$(source_of "$path")"
done <libraries
add lib/demucs-onnx/libdemucs_onnx_checker.so onnx # linked statically
# The texts that Debian's copyright files refer to.
cd "$tree/share/doc/demucs-onnx/licences"
grep -ohE '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' -- * |
  sort -u >"$folder/texts"
while read -r text; do
  cp "$text" .
done <"$folder/texts"
cd - >/dev/null
strip --strip-unneeded "$tree/bin/demucs-onnx" "$tree"/lib/*.so.*.*.* \
  "$inside/libdemucs_onnx_checker.so"
