# Everything outside the project's core comes from libraries. Each is looked for
# when the first component needs it: the core needs none.
if(DMX_PLATFORM STREQUAL own)
  add_library(Threads::Threads INTERFACE IMPORTED GLOBAL)
else()
  find_package(Threads REQUIRED)
endif()
if(NOT DMX_TOP_LEVEL AND DMX_PLATFORM STREQUAL posix)
  set_target_properties(Threads::Threads PROPERTIES IMPORTED_GLOBAL TRUE)
endif()

# The pkg-config name of each.
set(DMX_MODULE_CRYPTO libcrypto)
set(DMX_MODULE_CJSON libcjson)
set(DMX_MODULE_YAML yaml-0.1)
set(DMX_MODULE_AVFORMAT libavformat)
set(DMX_MODULE_AVCODEC libavcodec)
set(DMX_MODULE_AVUTIL libavutil)
set(DMX_MODULE_SOXR soxr)
set(DMX_MODULE_PNG libpng)
set(DMX_MODULE_CURL libcurl)
set(DMX_MODULE_PROTOBUF_C libprotobuf-c)

# Makes the target PkgConfig::NAME.
macro(dmx_need)
  foreach(name ${ARGN})
    if(NOT TARGET PkgConfig::${name})
      find_package(PkgConfig REQUIRED)
      pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL
        ${DMX_MODULE_${name}})
    endif()
  endforeach()
endmacro()
