#!/usr/bin/env bash
# aarch64.sh [BUILD FOLDER [CTEST REGEX]]: cross-builds the whole program for
# aarch64 against Debian 12's libraries of it, and runs tests under qemu: of
# reading, graph, engine, export, ONNX Runtime and sound, and the commands
# themselves. The kernels alone: test-aarch64.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
source packaging/chroot.sh
build=${1:-build-aarch64}
units=${2:-$(sed 's/#.*//' packaging/aarch64-tests.txt | xargs | tr ' ' '|')}
commands="usage inspect messages"
packages_need aarch64-linux-gnu-gcc=gcc-aarch64-linux-gnu \
  aarch64-linux-gnu-g++=g++-aarch64-linux-gnu \
  qemu-aarch64-static=qemu-user-static mmdebstrap=mmdebstrap \
  protoc-c=protobuf-c-compiler

# ------------------------------------------------------------------- sysroot

export DMX_SYSROOT=$PACKAGES/sysroot-arm64
libraries=libc6-dev,libstdc++-12-dev,libcjson-dev,libyaml-dev,libssl-dev
libraries+=,zlib1g-dev,libcurl4-openssl-dev,libavformat-dev,libavcodec-dev
libraries+=,libavutil-dev,libswresample-dev,libsoxr-dev,libpng-dev,libonnx-dev
libraries+=,libprotobuf-dev,libprotobuf-c-dev,libcmocka-dev
if [ "$(cat "$DMX_SYSROOT/.complete" 2>/dev/null)" != "$libraries" ]; then
  echo "Libraries for aarch64 into $DMX_SYSROOT ..." >&2
  mirror_needed
  rm -rf "$DMX_SYSROOT"
  mkdir -p "$PACKAGES"
  mmdebstrap --variant=extract --architectures=arm64 --include="$libraries" \
    bookworm "$DMX_SYSROOT" "$MIRROR" >"$DMX_SYSROOT.log" 2>&1 || {
    tail -n 5 "$DMX_SYSROOT.log" >&2
    exit 1
  }
  # Links that begin at the root begin at this one.
  find "$DMX_SYSROOT" -type l -lname '/*' | while read -r link; do
    target=$DMX_SYSROOT$(readlink "$link")
    [ ! -e "$target" ] || ln -sfr "$target" "$link"
  done
  echo "$libraries" >"$DMX_SYSROOT/.complete"
fi

# ONNX Runtime looks at the processor, and ends where this is not one of its kind.
# qemu opens what lies in the folder instead of what lies here.
mkdir -p "$DMX_SYSROOT/proc"
for number in 0 1; do
  printf '%s\t: %s\n' processor "$number" Features 'fp asimd fphp asimdhp asimddp' \
    'CPU implementer' 0x41 'CPU architecture' 8 'CPU variant' 0x3 \
    'CPU part' 0xd0c 'CPU revision' 1
  echo
done >"$DMX_SYSROOT/proc/cpuinfo"
runtime=$PACKAGES/onnxruntime-arm64
DMX_ONNXRUNTIME_CPU=arm64 scripts/get-onnxruntime.sh "" "$runtime"
export DEMUCS_ONNXRUNTIME=$runtime/libonnxruntime.so

# --------------------------------------------------------------------- build

[ -e "$build/CMakeCache.txt" ] ||
  DMX_TARGETS=help scripts/build.sh "$build" \
    "-DCMAKE_TOOLCHAIN_FILE=$PWD/cmake/aarch64.cmake" >/dev/null
names=$(cd "$build" && ctest -N -R "^unit/($units)\$" |
  sed -n 's|.*: unit/||p')
[ -n "$names" ] || {
  echo "no test is called $units" >&2
  exit 1
}
# shellcheck disable=SC2086 # a list
DMX_TARGETS="demucs-onnx demucs_onnx demucs_onnx_checker dmx_test_server
  dmx_slow_model $(printf 'test_%s ' $names)" scripts/build.sh "$build"

# ---------------------------------------------------------------------- test

# Under emulation there is one instruction set to look at, and no hurry.
(cd "$build" && ctest --output-on-failure --no-tests=error --timeout 1500 \
  -R "^unit/($units)\$")

# The commands, through something that is called as they are.
qemu=$(command -v qemu-aarch64-static)
mkdir -p "$build/emulated"
for program in demucs-onnx tests/dmx_test_server tests/dmx_slow_model; do
  wrapper=$build/emulated/$(basename "$program")
  printf '#!/bin/sh\nexec %s -L %s %s "$@"\n' "$qemu" "$DMX_SYSROOT" \
    "$(realpath "$build/$program")" >"$wrapper"
  chmod +x "$wrapper"
done
emulated=$(realpath "$build/emulated")
for topic in $commands; do
  echo "cli/$topic"
  DEMUCS_ONNX=$emulated/demucs-onnx DMX_TEST_SERVER=$emulated/dmx_test_server \
    DMX_SLOW_MODEL=$emulated/dmx_slow_model DMX_TEST_DATA=$PWD/tests/data \
    DMX_SOURCE=$PWD DMX_BUILD=$(realpath "$build") \
    bash "tests/cli/test_$topic.sh"
done

# The same file of the same checkpoint, byte for byte, as this machine's own
# program exports: every network, of fixed and of any length, and of 8 bits.
DMX_TARGETS="demucs-onnx demucs_onnx_checker" scripts/build.sh build
work=$(mktemp -d "${TMPDIR:-/tmp}/dmx-aarch64-XXXXXX")
trap 'rm -rf "$work"' EXIT
program=$emulated/demucs-onnx
exported=0
for checkpoint in tests/data/{,family/,quantized/}*/model.th; do
  for options in "" --dynamic "--precision int8"; do
    # shellcheck disable=SC2086 # a list
    build/demucs-onnx export "$checkpoint" "$work/own.onnx" -q \
      --no-parity-check $options 2>"$work/error" || continue
    # shellcheck disable=SC2086
    "$program" export "$checkpoint" "$work/emulated.onnx" -q \
      --no-parity-check $options
    cmp "$work/own.onnx" "$work/emulated.onnx" || {
      echo "export $options $checkpoint: other bytes than this machine's" >&2
      exit 1
    }
    exported=$((exported + 1))
  done
done
[ "$exported" -gt 50 ]
echo "export: $exported files have this machine's bytes"

# A checkpoint, from its file to an ONNX model that ONNX Runtime has proved; a song
# to stems, by the engine and by that model; and as a stream. This machine's own
# program must say the same to the last of 16 bits.
python3 packaging/song.py "$work/song.wav" 22050
model=$PWD/tests/data/nfft_2048/model.th
"$program" export "$model" "$work/model.onnx" -q --report "$work/report.json"
grep -q onnxruntime "$work/report.json"
echo "export: verified by ONNX Runtime"
"$program" verify "$work/model.onnx" "$model" -q
echo "verify: passed"
separate() { # PROGRAM FOLDER MODEL
  "$1" separate "$work/song.wav" -q -o "$work/$2" -m "$3" --threads 1
}
separate "$program" emulated "$model"
separate "$program" runtime "$work/model.onnx"
python3 packaging/song.py "$work/short.wav" 8820
"$program" stream -q -m "$model" --hop 0.2 --stem bass <"$work/short.wav" \
  >"$work/emulated.stream"
separate build/demucs-onnx own "$model"
python3 - "$work" <<'PY'
import array, pathlib, sys, wave
work = pathlib.Path(sys.argv[1])
stems = sorted(work.glob("emulated/song/*.wav"))
assert len(stems) == 4, stems
def read(path):
    with wave.open(str(path)) as file:
        return array.array("h", file.readframes(file.getnframes()))
for stem in stems:
    have = read(stem)
    assert len(have) == 44100 and any(have), stem
    for other, whose in (("runtime", "ONNX Runtime's"), ("own", "this machine's")):
        path = work / other / "song" / stem.name
        worst = max(abs(a - b) for a, b in zip(have, read(path)))
        assert worst <= 1, (stem.name, whose, worst)
        print(f"{stem.name}: within {worst} of 32768 of {whose}")
stream = (work / "emulated.stream").read_bytes()
assert stream[:4] == b"RIFF" and any(stream[44:]), "nothing streamed"
print("stream: a WAV file of", len(stream), "bytes")
PY
scripts/wheel.sh "$build" "$work/wheel" >/dev/null
[ -e "$(echo "$work"/wheel/demucs_onnx-*-linux_aarch64.whl)" ]
echo "wheel: linux_aarch64"
echo "aarch64: all passed"
