# Toolchain file: WebAssembly with Debian's clang-19, lld-19, wasi-libc and
# libclang-rt-19-dev-wasm32. DMX_WASM_THREADS: memory that workers share;
# DMX_WASM_RELAXED: the engine multiplies and adds in one instruction.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES DMX_WASM_THREADS DMX_WASM_RELAXED)

find_program(DMX_WASM_CLANG NAMES clang-19 clang REQUIRED)
find_program(DMX_WASM_AR NAMES llvm-ar-19 llvm-ar REQUIRED)
find_program(DMX_WASM_RANLIB NAMES llvm-ranlib-19 llvm-ranlib REQUIRED)
set(CMAKE_C_COMPILER ${DMX_WASM_CLANG})
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_AR ${DMX_WASM_AR})
set(CMAKE_RANLIB ${DMX_WASM_RANLIB})
set(CMAKE_SYSROOT /usr)

set(CMAKE_C_FLAGS_INIT "-msimd128 -mbulk-memory -msign-ext -mnontrapping-fptoint -mmutable-globals")
if(DMX_WASM_THREADS)
  string(APPEND CMAKE_C_FLAGS_INIT " -matomics")
endif()
# Nothing is loaded at run time, so nothing is position-independent.
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
