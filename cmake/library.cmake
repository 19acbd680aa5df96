# One object library, packed as the static library that the program and the
# tests link and as the shared library that others link.
file(GLOB DMX_SOURCES CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/src/*/*.c ${CMAKE_SOURCE_DIR}/src/*/*/*.c)
list(FILTER DMX_SOURCES EXCLUDE REGEX "/src/cli/")

add_library(dmx_objects OBJECT ${DMX_SOURCES})
target_include_directories(dmx_objects PUBLIC
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
  PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(dmx_objects PRIVATE _GNU_SOURCE
  DMX_LIBDIR="${CMAKE_INSTALL_LIBDIR}")

set(DMX_LIBRARIES PkgConfig::CRYPTO PkgConfig::CURL PkgConfig::YAML
  PkgConfig::AVFORMAT PkgConfig::AVCODEC PkgConfig::AVUTIL PkgConfig::SOXR
  PkgConfig::PNG PkgConfig::PROTOBUF_C ZLIB::ZLIB Threads::Threads ${CMAKE_DL_LIBS} m)
target_link_libraries(dmx_objects PRIVATE dmx_warnings dmx_onnx_proto
  ${DMX_LIBRARIES})

add_library(demucs_onnx_static STATIC)
target_link_libraries(demucs_onnx_static PRIVATE dmx_objects dmx_onnx_proto)
target_link_libraries(demucs_onnx_static PUBLIC ${DMX_LIBRARIES})
target_include_directories(demucs_onnx_static PUBLIC
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(demucs_onnx_static PROPERTIES OUTPUT_NAME demucs-onnx)

add_library(demucs_onnx SHARED)
target_link_libraries(demucs_onnx PRIVATE dmx_objects dmx_onnx_proto
  ${DMX_LIBRARIES})
target_include_directories(demucs_onnx PUBLIC
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(demucs_onnx PROPERTIES OUTPUT_NAME demucs-onnx
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})

# The inner loops of the reference: contraction to fused multiply-add is what makes
# the inner loop fast, and loses nothing.
file(GLOB DMX_KERNELS64 CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/src/reference/gemm64_*.c
  ${CMAKE_SOURCE_DIR}/src/reference/exp64.c)
set_source_files_properties(${DMX_KERNELS64} PROPERTIES
  COMPILE_OPTIONS "-ffp-contract=fast")
