# Helpers for tests and benchmarks; not installed.
add_executable(make-checkpoint ${PROJECT_SOURCE_DIR}/tools/make_checkpoint.c
  ${PROJECT_SOURCE_DIR}/tools/make_checkpoint_family.c)
set_target_properties(make-checkpoint PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tools)
target_include_directories(make-checkpoint PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_compile_definitions(make-checkpoint PRIVATE _GNU_SOURCE)
target_link_libraries(make-checkpoint PRIVATE demucs_onnx_static dmx_warnings)
add_executable(make-coefficients ${CMAKE_SOURCE_DIR}/tools/make_coefficients.c)
set_target_properties(make-coefficients PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tools)
target_compile_definitions(make-coefficients PRIVATE _GNU_SOURCE)
target_link_libraries(make-coefficients PRIVATE dmx_warnings m)
add_executable(bench-export ${PROJECT_SOURCE_DIR}/bench/bench_export.c
  $<TARGET_OBJECTS:dmx_usual_objects>)
set_target_properties(bench-export PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
target_include_directories(bench-export PRIVATE ${PROJECT_SOURCE_DIR}/src
  ${CJSON_INCLUDE_DIRS})
target_compile_definitions(bench-export PRIVATE _GNU_SOURCE)
target_link_libraries(bench-export PRIVATE demucs_onnx_static dmx_warnings)
