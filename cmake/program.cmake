dmx_need(CJSON)
# The usual export, which `bench` measures, is linked alongside the library.
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
  # JACK's library is loaded at run time; what is needed here is its header.
  pkg_check_modules(JACK QUIET jack)
  if(JACK_FOUND)
    target_compile_definitions(demucs-onnx PRIVATE DMX_HAVE_JACK)
    target_include_directories(demucs-onnx SYSTEM PRIVATE ${JACK_INCLUDE_DIRS})
  endif()
endif()
