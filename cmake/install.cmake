# Binary, libraries, header, checker module, pkg-config and CMake packages, and
# what the option tables generate: man page and shell completions.
include(CMakePackageConfigHelpers)

# What is carried to other systems finds its libraries where it is put.
if(DMX_PORTABLE)
  set(DMX_BESIDE ${CMAKE_INSTALL_LIBDIR}/demucs-onnx)
  set_target_properties(demucs-onnx PROPERTIES
    INSTALL_RPATH "$ORIGIN/../${DMX_BESIDE}")
  set_target_properties(demucs_onnx PROPERTIES
    INSTALL_RPATH "$ORIGIN/demucs-onnx")
  if(TARGET demucs_onnx_checker)
    set_target_properties(demucs_onnx_checker PROPERTIES
      INSTALL_RPATH "$ORIGIN")
  endif()
endif()

install(TARGETS demucs-onnx RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS demucs_onnx EXPORT demucs-onnx-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
# The static library would need the archives of all others.
if(NOT DMX_PORTABLE)
  install(TARGETS demucs_onnx_static EXPORT demucs-onnx-static-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(FILES ${PROJECT_SOURCE_DIR}/include/demucs_onnx.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET demucs_onnx_checker)
  install(TARGETS demucs_onnx_checker
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/demucs-onnx)
endif()

# What a program that links the static library links with it.
set(DMX_PC_PRIVATE "")
foreach(name ${DMX_MODULES})
  list(APPEND DMX_PC_PRIVATE ${${name}_LDFLAGS})
endforeach()
foreach(library ${CMAKE_THREAD_LIBS_INIT} ${CMAKE_DL_LIBS} m)
  string(REGEX REPLACE "^-l" "" library ${library})
  list(APPEND DMX_PC_PRIVATE -l${library})
endforeach()
list(REMOVE_DUPLICATES DMX_PC_PRIVATE)
list(JOIN DMX_PC_PRIVATE " " DMX_PC_PRIVATE)

# The prefix relative to the .pc file: it may be chosen at install time.
file(RELATIVE_PATH DMX_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/demucs-onnx.pc.in
  ${PROJECT_BINARY_DIR}/demucs-onnx.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/demucs-onnx.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# find_package(demucs-onnx) gives demucs-onnx::demucs_onnx, and with COMPONENTS
# static also demucs-onnx::demucs_onnx_static, for which it finds the libraries.
set(DMX_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/demucs-onnx)
install(EXPORT demucs-onnx-targets NAMESPACE demucs-onnx::
  DESTINATION ${DMX_PACKAGE_DIR})
if(NOT DMX_PORTABLE)
  install(EXPORT demucs-onnx-static-targets NAMESPACE demucs-onnx::
    DESTINATION ${DMX_PACKAGE_DIR})
endif()
set(DMX_FIND_MODULES "")
foreach(name ${DMX_MODULES})
  string(APPEND DMX_FIND_MODULES
    "  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${DMX_MODULE_${name}})\n")
endforeach()
configure_file(${PROJECT_SOURCE_DIR}/cmake/demucs-onnx-config.cmake.in
  ${PROJECT_BINARY_DIR}/demucs-onnx-config.cmake @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/demucs-onnx-config.cmake
  DESTINATION ${DMX_PACKAGE_DIR})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/demucs-onnx-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/demucs-onnx-config-version.cmake
  DESTINATION ${DMX_PACKAGE_DIR})

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/cluster
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples USE_SOURCE_PERMISSIONS)

# The program documents itself; a cross build without an emulator can't ask it.
if(NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR)
  set(DMX_SHARE ${PROJECT_BINARY_DIR}/share)
  file(MAKE_DIRECTORY ${DMX_SHARE})
  set(DMX_GENERATED)
  function(dmx_generate kind name destination)
    add_custom_command(OUTPUT ${DMX_SHARE}/${name}
      COMMAND demucs-onnx completion ${kind} > ${DMX_SHARE}/${name}
      DEPENDS demucs-onnx VERBATIM)
    set(DMX_GENERATED ${DMX_GENERATED} ${DMX_SHARE}/${name} PARENT_SCOPE)
    install(FILES ${DMX_SHARE}/${name}
      DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/${destination})
  endfunction()
  dmx_generate(man demucs-onnx.1 man/man1)
  dmx_generate(zsh _demucs-onnx zsh/site-functions)
  dmx_generate(fish demucs-onnx.fish fish/vendor_completions.d)
  dmx_generate(bash demucs-onnx bash-completion/completions)
  add_custom_target(documentation ALL DEPENDS ${DMX_GENERATED})
endif()
