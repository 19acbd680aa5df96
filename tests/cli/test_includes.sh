# The program stands on the public header alone.
source "$(dirname "$0")/helpers.sh"

for include in $(grep -ho '^#include "[^"]*"' "$SOURCE"/src/cli/* |
    sed 's/.*"\(.*\)"/\1/' | sort -u); do
    [ "$include" = demucs_onnx.h ] && continue
    check "src/cli includes $include" test -f "$SOURCE/src/cli/$include"
done
finish
