# The library in parts, inside other projects, and linked statically.
source "$(dirname "$0")/helpers.sh"
BUILD=${DMX_BUILD:-$(dirname "$DEMUCS_ONNX")}

# The core alone, where CMake finds no library at all and there is no
# pkg-config: it builds and passes its own test.
run 0 cmake -S "$SOURCE" -B core -DDMX_COMPONENTS=core \
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON \
    -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON \
    -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON \
    -DPKG_CONFIG_EXECUTABLE=/nonexistent
run 0 cmake --build core --parallel 2
run 0 ctest --test-dir core --no-tests=error
says out '100% tests passed'
check "the core's test needs libc, libm and threads alone" \
    test -z "$(ldd core/tests/core/test_core |
        grep -vE 'linux-vdso|ld-linux|lib(c|m|pthread)\.so')"

run 1 cmake -S "$SOURCE" -B unknown -DDMX_COMPONENTS=kernel
says err 'there is no kernel'

# A project that includes this one with add_subdirectory, as FetchContent does.
mkdir inside
cat >inside/CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.20)
project(inside LANGUAGES C)
set(DMX_COMPONENTS core CACHE STRING "")
add_subdirectory("$SOURCE" demucs-onnx)
add_executable(inside main.c)
target_link_libraries(inside PRIVATE demucs-onnx::core)
END
cat >inside/main.c <<'END'
#include <demucs_onnx.h>
#include <stdio.h>

int main(void)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *checkpoint;
    const dmx_status status =
        dmx_checkpoint_open_memory(&checkpoint, "PK", 2, "bytes", NULL, &err);
    printf("%s %s\n", dmx_version(), dmx_status_name(status));
    return status == DMX_ERROR_FORMAT ? 0 : 1;
}
END
run 0 cmake -S inside -B inside/build -DCMAKE_BUILD_TYPE=Debug
run 0 cmake --build inside/build --parallel 2 --target inside
run 0 inside/build/inside
says out 'format'

# The whole library in the same way: the rules, without building all of it.
sed -i 's/set(DMX_COMPONENTS core/set(DMX_COMPONENTS all/
    s/demucs-onnx::core/demucs-onnx::demucs_onnx_static/' inside/CMakeLists.txt
run 0 cmake -S inside -B inside/all
check "no tests, tools or install rules of ours in another project" \
    test -z "$(cmake --build inside/all --target help |
        grep -E 'test_checkpoint|make-checkpoint')"

# Static, through pkg-config and through the CMake package.
if ! nm "$BUILD/libdemucs-onnx.a" 2>/dev/null | grep -q __asan; then
    run 0 cmake --install "$BUILD" --prefix "$WORK/prefix"
    pc=$(dirname "$(find prefix -name demucs-onnx.pc)")
    rm "$(dirname "$pc")"/libdemucs-onnx.so*
    run 0 cc inside/main.c -o static \
        $(PKG_CONFIG_PATH=$pc pkg-config --static --cflags --libs demucs-onnx)
    run 0 ./static
    mkdir consumer
    cp inside/main.c consumer
    cat >consumer/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES C)
find_package(demucs-onnx 0.1 REQUIRED COMPONENTS static)
add_executable(main main.c)
target_link_libraries(main PRIVATE demucs-onnx::demucs_onnx_static)
END
    run 0 cmake --install "$BUILD" --prefix "$WORK/prefix"
    run 0 cmake -S consumer -B consumer/build \
        -DCMAKE_PREFIX_PATH="$WORK/prefix"
    run 0 cmake --build consumer/build
    run 0 consumer/build/main
    check "the library is in the program" \
        test -z "$(ldd consumer/build/main | grep demucs)"
fi
finish
