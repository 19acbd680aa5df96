# The C structs of onnx.proto, generated at build time from the file that the
# ONNX project installs (libonnx-dev), and compiled without our warnings.
find_program(DMX_PROTOC_C NAMES protoc-c REQUIRED)
find_path(DMX_ONNX_PROTO_DIR onnx.proto PATH_SUFFIXES onnx REQUIRED)

set(DMX_PROTO_OUT ${PROJECT_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${DMX_PROTO_OUT})
add_custom_command(
  OUTPUT ${DMX_PROTO_OUT}/onnx.pb-c.c ${DMX_PROTO_OUT}/onnx.pb-c.h
  COMMAND ${DMX_PROTOC_C} --proto_path=${DMX_ONNX_PROTO_DIR}
          --c_out=${DMX_PROTO_OUT} onnx.proto
  DEPENDS ${DMX_ONNX_PROTO_DIR}/onnx.proto
  COMMENT "Generating onnx.pb-c")
add_library(dmx_onnx_proto OBJECT ${DMX_PROTO_OUT}/onnx.pb-c.c
  ${DMX_PROTO_OUT}/onnx.pb-c.h)
target_include_directories(dmx_onnx_proto SYSTEM PUBLIC ${DMX_PROTO_OUT})
target_link_libraries(dmx_onnx_proto PUBLIC PkgConfig::PROTOBUF_C)

# The bytes of an export must not depend on fused multiply-adds.
file(GLOB DMX_ONNX_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/onnx/*.c
  ${PROJECT_SOURCE_DIR}/src/usual/*.c)
set_source_files_properties(${DMX_ONNX_SOURCES} PROPERTIES
  COMPILE_OPTIONS -ffp-contract=off)
