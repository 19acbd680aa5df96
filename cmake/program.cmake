dmx_need(CJSON)
# The usual export, which `bench` measures, is linked beside the library.
file(GLOB DMX_USUAL_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/usual/*.c)
dmx_objects_of(usual SOURCES ${DMX_USUAL_SOURCES} LIBRARIES dmx_onnx_proto)

# The program sees the public header only.
file(GLOB DMX_CLI_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.c)
if(DMX_CLI_SOURCES)
  add_executable(demucs-onnx ${DMX_CLI_SOURCES}
    $<TARGET_OBJECTS:dmx_usual_objects>)
  target_include_directories(demucs-onnx PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_definitions(demucs-onnx PRIVATE _GNU_SOURCE)
  target_link_libraries(demucs-onnx PRIVATE demucs_onnx_static dmx_warnings
    PkgConfig::CJSON)
endif()
