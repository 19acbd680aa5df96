# What `cmake --install` puts in place works from there.
source "$(dirname "$0")/helpers.sh"
BUILD=${DMX_BUILD:-$(dirname "$DEMUCS_ONNX")}

run 0 cmake --install "$BUILD" --prefix "$WORK/prefix"
run 0 prefix/bin/demucs-onnx --version
pc=$(dirname "$(find prefix -name demucs-onnx.pc)")
check "there is a pkg-config file" test -n "$pc"
check "the man page names a command" grep -q 'export' \
    prefix/share/man/man1/demucs-onnx.1
check "and so do the completions" grep -q 'export' \
    prefix/share/bash-completion/completions/demucs-onnx

if ! nm -D "$(find prefix -name 'libdemucs-onnx.so' | head -n 1)" |
    grep -q __asan; then
    flags=$(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs demucs-onnx)
    run 0 cc "$SOURCE/examples/export.c" -o export $flags \
        "-Wl,-rpath,$(dirname "$pc")"
    run 1 ./export missing.th x.onnx
    says err 'missing.th'

    mkdir consumer
    cp "$SOURCE/examples/export.c" consumer
    cat >consumer/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES C)
find_package(demucs-onnx 0.1 REQUIRED)
add_executable(export export.c)
target_link_libraries(export PRIVATE demucs-onnx::demucs_onnx)
END
    run 0 cmake -S consumer -B consumer/build -DCMAKE_PREFIX_PATH="$WORK/prefix"
    run 0 cmake --build consumer/build
    run 1 consumer/build/export missing.th x.onnx
fi

# Nothing but the public interface is visible.
nm -D --defined-only "$(find prefix -name 'libdemucs-onnx.so' | head -n 1)" |
    awk '{ print $3 }' | grep -v '^dmx_' >foreign
check "foreign symbols: $(head -n 5 foreign | tr '\n' ' ')" test ! -s foreign

# The examples of docs/cluster.md, ready to be called.
for script in slurm parallel merge object-store; do
    check "$script.sh" test -x \
        "$WORK/prefix/share/doc/demucs-onnx/examples/cluster/$script.sh"
done

# The program finds its checker in its own folder, wherever it was installed.
run 1 prefix/bin/demucs-onnx export "$DMX_TEST_DATA/htdemucs/model.th" x.onnx \
    --onnxruntime /nonexistent
says err 'no ONNX Runtime library there'
finish
