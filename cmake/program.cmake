dmx_need(CJSON)
# The program sees the public header only.
file(GLOB DMX_CLI_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.c)
if(DMX_CLI_SOURCES)
  add_executable(demucs-onnx ${DMX_CLI_SOURCES})
  target_compile_definitions(demucs-onnx PRIVATE _GNU_SOURCE)
  target_link_libraries(demucs-onnx PRIVATE demucs_onnx_static dmx_warnings
    PkgConfig::CJSON)
endif()
