# The engine's inner loops, compiled once per instruction set; which one runs
# is decided at run time.
set(DMX_KERNEL_FLAGS -ffp-contract=fast -fno-math-errno -fno-trapping-math)
set(DMX_KERNEL_DIR ${PROJECT_SOURCE_DIR}/src/engine/kernels)
foreach(isa portable neon wasm)
  set_source_files_properties(${DMX_KERNEL_DIR}/kernels_${isa}.c
    ${DMX_KERNEL_DIR}/narrow_${isa}.c PROPERTIES
    COMPILE_OPTIONS "${DMX_KERNEL_FLAGS}")
endforeach()
if(DMX_WASM_RELAXED)
  set_source_files_properties(${DMX_KERNEL_DIR}/kernels_wasm.c
    ${DMX_KERNEL_DIR}/narrow_wasm.c PROPERTIES
    COMPILE_OPTIONS "${DMX_KERNEL_FLAGS};-mrelaxed-simd")
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # The instructions of VNNI are written as assembly: no flag of their own, but
  # an assembler that knows those of AVX (binutils 2.36).
  include(CheckCSourceCompiles)
  check_c_source_compiles("int main(void) {
    __asm__(\"%{vex%} vpdpbusd %%ymm0, %%ymm1, %%ymm2\" ::: \"xmm2\");
    return 0; }" DMX_ASSEMBLES_AVX_VNNI)
  if(NOT DMX_ASSEMBLES_AVX_VNNI)
    set_property(SOURCE ${DMX_KERNEL_DIR}/narrow.c
      ${DMX_KERNEL_DIR}/narrow_avxvnni.c
      APPEND PROPERTY COMPILE_DEFINITIONS DMX_NO_AVX_VNNI)
  endif()
  set_source_files_properties(${DMX_KERNEL_DIR}/kernels_avx2.c
    ${DMX_KERNEL_DIR}/narrow_avx2.c ${DMX_KERNEL_DIR}/narrow_avxvnni.c PROPERTIES
    COMPILE_OPTIONS "${DMX_KERNEL_FLAGS};-mavx2;-mfma;-mf16c")
  set_source_files_properties(${DMX_KERNEL_DIR}/kernels_avx512.c
    ${DMX_KERNEL_DIR}/narrow_avx512.c ${DMX_KERNEL_DIR}/narrow_avx512vnni.c
    PROPERTIES
    COMPILE_OPTIONS
    "${DMX_KERNEL_FLAGS};-mavx512f;-mavx512vl;-mavx512dq;-mavx512bw;-mfma;-mprefer-vector-width=512")
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
  set_source_files_properties(${DMX_KERNEL_DIR}/narrow_dotprod.c PROPERTIES
    COMPILE_OPTIONS "${DMX_KERNEL_FLAGS};-march=armv8.2-a+dotprod")
  set_source_files_properties(${DMX_KERNEL_DIR}/narrow_i8mm.c PROPERTIES
    COMPILE_OPTIONS "${DMX_KERNEL_FLAGS};-march=armv8.2-a+dotprod+i8mm")
endif()
