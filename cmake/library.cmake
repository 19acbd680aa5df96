# The components, and the whole library: static for the program and the tests,
# shared for others.
set(DMX_SRC ${PROJECT_SOURCE_DIR}/src)

function(dmx_sources out)
  file(GLOB found CONFIGURE_DEPENDS ${ARGN})
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# ------------------------------------------------------------------ core
# What a library can provide is separate: one file with it, one without.
set(DMX_WITHOUT_LIBRARIES ${DMX_SRC}/base/sha256.c ${DMX_SRC}/base/yaml_none.c)
set(DMX_WITH_LIBRARIES ${DMX_SRC}/base/sha256_openssl.c
  ${DMX_SRC}/base/yaml_libyaml.c)
dmx_sources(DMX_CORE ${DMX_SRC}/base/*.c ${DMX_SRC}/checkpoint/*.c
  ${DMX_SRC}/graph/*.c ${DMX_SRC}/arch/*.c ${DMX_SRC}/engine/*.c
  ${DMX_SRC}/engine/*/*.c ${DMX_SRC}/api/*.c ${DMX_SRC}/reference/*.c)
list(REMOVE_ITEM DMX_CORE ${DMX_WITHOUT_LIBRARIES} ${DMX_WITH_LIBRARIES}
  ${DMX_SRC}/base/own_folder.c)
if(DMX_PLATFORM STREQUAL own)
  set(DMX_POSIX platform_posix cgroup memory_available file folder output part_file)
  list(TRANSFORM DMX_POSIX REPLACE "(.+)" "${DMX_SRC}/base/\\1.c")
  dmx_sources(DMX_REFERENCE ${DMX_SRC}/reference/*.c)
  list(REMOVE_ITEM DMX_CORE ${DMX_POSIX} ${DMX_REFERENCE}
    ${DMX_SRC}/api/precision_keep.c)
endif()
set(DMX_CORE_OF_SEPARATE ${DMX_SRC}/separate/overlap_open.c
  ${DMX_SRC}/separate/overlap_run.c ${DMX_SRC}/separate/overlap_sum.c
  ${DMX_SRC}/separate/track_level.c)
dmx_objects_of(core SOURCES ${DMX_CORE} ${DMX_CORE_OF_SEPARATE})
dmx_objects_of(alone SOURCES ${DMX_WITHOUT_LIBRARIES})
dmx_component(core OBJECTS dmx_core_objects dmx_alone_objects
  LIBRARIES Threads::Threads m)

# ---------------------------------------------------------------- export
if("export" IN_LIST DMX_BUILT)
  dmx_need(PROTOBUF_C)
  include(onnx_proto)
  dmx_sources(DMX_EXPORT ${DMX_SRC}/onnx/*.c)
  dmx_objects_of(export SOURCES ${DMX_EXPORT} LIBRARIES dmx_onnx_proto)
  dmx_component(export OBJECTS dmx_export_objects dmx_onnx_proto
    LIBRARIES PkgConfig::PROTOBUF_C)
endif()

# --------------------------------------------------------------- runtime
if("runtime" IN_LIST DMX_BUILT)
  dmx_sources(DMX_RUNTIME ${DMX_SRC}/runtime/*.c)
  dmx_objects_of(runtime SOURCES ${DMX_RUNTIME} ${DMX_SRC}/base/own_folder.c)
  dmx_component(runtime OBJECTS dmx_runtime_objects
    LIBRARIES ${CMAKE_DL_LIBS})
endif()

# ---------------------------------------------------------------- verify
if("verify" IN_LIST DMX_BUILT)
  dmx_sources(DMX_VERIFY ${DMX_SRC}/verify/*.c)
  dmx_objects_of(verify SOURCES ${DMX_VERIFY} LIBRARIES dmx_onnx_proto)
  dmx_component(verify OBJECTS dmx_verify_objects)
  include(checker)
endif()

# ----------------------------------------------------------------- audio
if("audio" IN_LIST DMX_BUILT)
  set(DMX_AUDIO_LIBRARIES AVFORMAT AVCODEC AVUTIL SOXR PNG)
  dmx_need(${DMX_AUDIO_LIBRARIES})
  list(TRANSFORM DMX_AUDIO_LIBRARIES PREPEND PkgConfig::)
  dmx_sources(DMX_AUDIO ${DMX_SRC}/audio/*.c)
  dmx_objects_of(audio SOURCES ${DMX_AUDIO} LIBRARIES ${DMX_AUDIO_LIBRARIES})
  dmx_component(audio OBJECTS dmx_audio_objects
    LIBRARIES ${DMX_AUDIO_LIBRARIES})
endif()

# ------------------------------------------------------------------- hub
if("hub" IN_LIST DMX_BUILT)
  dmx_need(CURL YAML)
  dmx_sources(DMX_HUB ${DMX_SRC}/hub/*.c)
  set(DMX_OTHER_CURL loaded)
  set(DMX_HUB_LIBRARIES PkgConfig::CURL PkgConfig::YAML)
  if(DMX_PORTABLE)
    set(DMX_OTHER_CURL linked)
    set(DMX_HUB_LIBRARIES PkgConfig::YAML ${CMAKE_DL_LIBS})
  endif()
  list(REMOVE_ITEM DMX_HUB ${DMX_SRC}/hub/curl_${DMX_OTHER_CURL}.c)
  dmx_objects_of(hub SOURCES ${DMX_HUB} LIBRARIES ${DMX_HUB_LIBRARIES})
  target_include_directories(dmx_hub_objects PRIVATE ${CURL_INCLUDE_DIRS})
  dmx_component(hub OBJECTS dmx_hub_objects LIBRARIES ${DMX_HUB_LIBRARIES})
endif()

# --------------------------------------------------------- all in one piece
if(DMX_ALL)
  set(DMX_LINKED CRYPTO YAML CURL)
  if(DMX_PORTABLE)
    set(DMX_LINKED YAML)
    list(TRANSFORM DMX_WITH_LIBRARIES REPLACE sha256_openssl sha256)
  endif()
  dmx_need(${DMX_LINKED})
  set(DMX_MODULES ${DMX_LINKED} PROTOBUF_C AVFORMAT AVCODEC AVUTIL SOXR PNG)
  list(TRANSFORM DMX_LINKED PREPEND PkgConfig::)
  dmx_objects_of(libraries SOURCES ${DMX_WITH_LIBRARIES}
    LIBRARIES ${DMX_LINKED})
  dmx_sources(DMX_TOP ${DMX_SRC}/separate/*.c ${DMX_SRC}/stream/*.c
    ${DMX_SRC}/bench/*.c)
  list(REMOVE_ITEM DMX_TOP ${DMX_CORE_OF_SEPARATE})
  dmx_objects_of(top SOURCES ${DMX_TOP} LIBRARIES dmx_onnx_proto)

  set(DMX_LIBRARIES ${DMX_MODULES})
  list(TRANSFORM DMX_LIBRARIES PREPEND PkgConfig::)
  list(APPEND DMX_LIBRARIES Threads::Threads ${CMAKE_DL_LIBS} m)
  foreach(kind STATIC SHARED)
    set(target demucs_onnx)
    set(link PRIVATE)
    if(kind STREQUAL STATIC)
      set(target demucs_onnx_static)
      set(link PUBLIC)
    endif()
    add_library(${target} ${kind})
    foreach(part core libraries export runtime verify audio hub top)
      target_sources(${target} PRIVATE $<TARGET_OBJECTS:dmx_${part}_objects>)
    endforeach()
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:dmx_onnx_proto>)
    target_link_libraries(${target} ${link} ${DMX_LIBRARIES})
    target_include_directories(${target} PUBLIC
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
      $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME demucs-onnx
      LINKER_LANGUAGE C)
  endforeach()
  # The ABI section of the header: before 1.0 every minor version is its own.
  set(DMX_SOVERSION ${PROJECT_VERSION_MAJOR})
  if(PROJECT_VERSION_MAJOR EQUAL 0)
    set(DMX_SOVERSION 0.${PROJECT_VERSION_MINOR})
  endif()
  set_target_properties(demucs_onnx PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${DMX_SOVERSION})
  add_library(demucs-onnx::demucs_onnx ALIAS demucs_onnx)
  add_library(demucs-onnx::demucs_onnx_static ALIAS demucs_onnx_static)
endif()

# Inner loops of the reference: contraction to fused multiply-add is what makes
# them fast, and loses nothing.
dmx_sources(DMX_KERNELS64 ${DMX_SRC}/reference/gemm64_*.c
  ${DMX_SRC}/reference/exp64.c)
set_source_files_properties(${DMX_KERNELS64} PROPERTIES
  COMPILE_OPTIONS "-ffp-contract=fast")
