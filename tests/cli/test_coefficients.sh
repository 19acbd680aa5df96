# The tables of the engine's kernels are what tools/make_coefficients.c makes.
source "$(dirname "$0")/helpers.sh"

make="$DMX_BUILD/tools/make-coefficients"
"$make" >made.h
status=$?
[ "$status" = 77 ] && echo "skipped: other long doubles" && exit 0
check "make-coefficients succeeds" test "$status" = 0
check "src/engine/kernels/coefficients.h is what it writes" \
    cmp made.h "$SOURCE/src/engine/kernels/coefficients.h"
finish
