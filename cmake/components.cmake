# The library in parts that one may link alone, as demucs-onnx::NAME:
#
#   core     checkpoints, graph, architectures, native engine, float64 reference,
#            overlap-add: libc, libm and threads, nothing else
#   export   graphs as ONNX models
#   runtime  models through ONNX Runtime, loaded at run time
#   verify   exports that are proved, reports
#   audio    decoding, encoding, resampling, pictures
#   hub      released models by name, bags, downloads
#
# DMX_COMPONENTS names those to build; what they need is built with them. "all"
# builds them, the whole library in one piece, and the program.
set(DMX_COMPONENTS all CACHE STRING
  "all, or a list of core export runtime verify audio hub")
# Of the core alone: a system that is not POSIX brings base/platform.h and
# base/file.h with it, has no other files, and no float64 reference.
set(DMX_PLATFORM posix CACHE STRING "posix, or own")
set(DMX_KNOWN_COMPONENTS core export runtime verify audio hub)
set(DMX_NEEDS_export core)
set(DMX_NEEDS_runtime core)
set(DMX_NEEDS_verify export runtime)
set(DMX_NEEDS_audio core)
set(DMX_NEEDS_hub verify)

set(DMX_ALL OFF)
set(DMX_BUILT "")
function(dmx_choose component)
  if(NOT component IN_LIST DMX_KNOWN_COMPONENTS)
    message(FATAL_ERROR "DMX_COMPONENTS: there is no ${component}; known are "
      "all ${DMX_KNOWN_COMPONENTS}")
  endif()
  foreach(needed ${DMX_NEEDS_${component}})
    dmx_choose(${needed})
  endforeach()
  list(APPEND DMX_BUILT ${component})
  list(REMOVE_DUPLICATES DMX_BUILT)
  set(DMX_BUILT ${DMX_BUILT} PARENT_SCOPE)
endfunction()
if(DMX_COMPONENTS STREQUAL "all")
  set(DMX_ALL ON)
  set(DMX_BUILT ${DMX_KNOWN_COMPONENTS})
else()
  foreach(component ${DMX_COMPONENTS})
    dmx_choose(${component})
  endforeach()
endif()

# What all of our objects are compiled with.
add_library(dmx_common INTERFACE)
target_include_directories(dmx_common INTERFACE
  ${PROJECT_SOURCE_DIR}/include
  ${PROJECT_SOURCE_DIR}/src)
target_compile_definitions(dmx_common INTERFACE _GNU_SOURCE
  DMX_LIBDIR="${CMAKE_INSTALL_LIBDIR}")
target_link_libraries(dmx_common INTERFACE dmx_warnings)

# dmx_objects_of(NAME SOURCES... [LIBRARIES...]): object files dmx_NAME_objects.
function(dmx_objects_of name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(dmx_${name}_objects OBJECT ${A_SOURCES})
  target_link_libraries(dmx_${name}_objects PRIVATE dmx_common ${A_LIBRARIES})
endfunction()

# dmx_component(NAME OBJECTS... [LIBRARIES...]): those object files as the
# static library demucs-onnx::NAME, with what it needs.
function(dmx_component name)
  cmake_parse_arguments(A "" "" "OBJECTS;LIBRARIES" ${ARGN})
  set(target demucs_onnx_${name})
  add_library(${target} STATIC)
  foreach(objects ${A_OBJECTS})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
  endforeach()
  set_target_properties(${target} PROPERTIES OUTPUT_NAME demucs-onnx-${name}
    LINKER_LANGUAGE C)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  foreach(needed ${DMX_NEEDS_${name}})
    target_link_libraries(${target} PUBLIC demucs_onnx_${needed})
  endforeach()
  target_link_libraries(${target} PUBLIC ${A_LIBRARIES})
  add_library(demucs-onnx::${name} ALIAS ${target})
endfunction()
