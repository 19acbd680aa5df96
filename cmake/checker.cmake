# The official ONNX checker: a module of its own, so that the library and
# everything that links it stay free of C++ and of libonnx.
find_path(DMX_ONNX_HEADERS onnx/checker.h)
find_path(DMX_PROTOBUF_HEADERS google/protobuf/message.h)
find_library(DMX_LIBONNX onnx)
find_library(DMX_LIBONNX_PROTO onnx_proto)
find_library(DMX_LIBPROTOBUF protobuf)

if(DMX_ONNX_HEADERS AND DMX_PROTOBUF_HEADERS AND DMX_LIBONNX
    AND DMX_LIBONNX_PROTO AND DMX_LIBPROTOBUF)
  enable_language(CXX)
  add_library(demucs_onnx_checker MODULE
    ${PROJECT_SOURCE_DIR}/src/checker/onnx_checker.cpp)
  target_include_directories(demucs_onnx_checker PRIVATE
    ${PROJECT_SOURCE_DIR}/src)
  target_include_directories(demucs_onnx_checker SYSTEM PRIVATE
    ${DMX_ONNX_HEADERS} ${DMX_PROTOBUF_HEADERS})
  target_compile_definitions(demucs_onnx_checker PRIVATE
    ONNX_NAMESPACE=onnx ONNX_ML=1)
  target_link_libraries(demucs_onnx_checker PRIVATE dmx_warnings
    ${DMX_LIBONNX} ${DMX_LIBONNX_PROTO} ${DMX_LIBPROTOBUF})
  set_target_properties(demucs_onnx_checker PROPERTIES PREFIX lib)
else()
  message(WARNING "libonnx or libprotobuf with headers not found: the checker "
    "module is not built, and export and verify will refuse to work without "
    "it (Debian: apt-get install libonnx-dev libprotobuf-dev)")
endif()
