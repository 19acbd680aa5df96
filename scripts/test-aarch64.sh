#!/usr/bin/env bash
# Compiles the engine's kernels for aarch64 and runs their tests (NEON and
# portable against double, products of integers against exact arithmetic) under
# emulation. Needs a cross compiler and qemu:
#   apt install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static
set -euo pipefail
cd "$(dirname "$0")/.."
cc=${CC_AARCH64:-aarch64-linux-gnu-gcc}
qemu=${QEMU_AARCH64:-$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)}
if ! command -v "$cc" >/dev/null || [ -z "$qemu" ]; then
  echo "test-aarch64: skipped: no $cc or no qemu-aarch64" >&2
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
flags=(-std=c17 -O2 -ffp-contract=fast -fno-math-errno -fno-trapping-math
  -D_GNU_SOURCE -DDMX_TEST_DATA='"tests/data"'
  -Wall -Wextra -Werror
  -Itests/cross -Itests/support -Isrc -Iinclude)
for extension in dotprod i8mm; do
  "$cc" "${flags[@]}" -march=armv8.2-a+dotprod+$extension \
    -c "src/engine/kernels/narrow_$extension.c" -o "$folder/$extension.o"
done
for test in engine_kernels narrow; do
  "$cc" "${flags[@]}" -static \
    $(ls src/engine/kernels/*.c | grep -v -e narrow_dotprod -e narrow_i8mm) \
    "$folder/dotprod.o" "$folder/i8mm.o" \
    src/base/memory.c src/base/error.c src/base/number.c src/base/source.c \
    src/base/text.c src/base/tensor.c \
    tests/support/test_support.c tests/support/random_numbers.c "tests/unit/test_$test.c" \
    -o "$folder/test" -lm -lpthread
  "$qemu" -cpu max "$folder/test"
done
# A processor without the matrix instruction takes the table before it.
"$qemu" -cpu cortex-a76 "$folder/test" | tee "$folder/older"
! grep -q i8mm "$folder/older"
grep -q dotprod "$folder/older"
