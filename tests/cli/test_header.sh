# The public header for users: C17 and C++ with every warning, and the version.
source "$(dirname "$0")/helpers.sh"

types=$(sed -n 's/^#define \(DMX_[A-Z_]*\)_INIT.*/\1/p' \
    "$SOURCE/include/demucs_onnx.h" | grep -v '_$')
check "structs with initialisers" test "$(echo "$types" | wc -w)" -gt 10
{
    echo '#include <demucs_onnx.h>'
    for name in $types; do
        type=$(echo "$name" | tr 'A-Z' 'a-z')
        echo "int use_$type(void);"
        echo "int use_$type(void) { $type x = ${name}_INIT;"
        if [ "$name" = DMX_ERROR ]; then
            echo "return x.offset == -1 && x.code == DMX_OK; }"
        else
            echo "return x.size == sizeof(x); }"
        fi
    done
} >use.c
cp use.c use.cpp
for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    run 0 $compiler -std=c17 -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
        -Werror -I"$SOURCE/include" -c use.c
    for standard in c++11 c++17 c++20; do
        echo 'int main() { return 0; }' | $compiler -x c++ - -o /dev/null \
            2>/dev/null || continue
        run 0 $compiler -std=$standard -Wall -Wextra -Wpedantic -Wshadow \
            -Wconversion -Werror -I"$SOURCE/include" -c use.cpp
    done
done

# There is one version, the header's.
version=$(sed -n 's/^#define DMX_VERSION_[A-Z]* *//p' \
    "$SOURCE/include/demucs_onnx.h" | paste -sd .)
run 0 "$DEMUCS_ONNX" --version
says out "$version"
finish
