# Binary, libraries, header, checker module, pkg-config and CMake packages, and
# what the option tables generate: man page and shell completions.
include(CMakePackageConfigHelpers)

install(TARGETS demucs-onnx RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS demucs_onnx EXPORT demucs-onnx-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS demucs_onnx_static
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${CMAKE_SOURCE_DIR}/include/demucs_onnx.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET demucs_onnx_checker)
  install(TARGETS demucs_onnx_checker
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/demucs-onnx)
endif()

# The prefix relative to the .pc file: it may be chosen at install time.
file(RELATIVE_PATH DMX_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_SOURCE_DIR}/cmake/demucs-onnx.pc.in
  ${CMAKE_BINARY_DIR}/demucs-onnx.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/demucs-onnx.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(DMX_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/demucs-onnx)
install(EXPORT demucs-onnx-targets NAMESPACE demucs-onnx::
  FILE demucs-onnx-config.cmake DESTINATION ${DMX_PACKAGE_DIR})
write_basic_package_version_file(
  ${CMAKE_BINARY_DIR}/demucs-onnx-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/demucs-onnx-config-version.cmake
  DESTINATION ${DMX_PACKAGE_DIR})

install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The program documents itself; a cross build without an emulator can't ask it.
if(NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR)
  set(DMX_SHARE ${CMAKE_BINARY_DIR}/share)
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
