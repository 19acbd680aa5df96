# Warnings for our own code; generated code is compiled without them.
add_library(dmx_warnings INTERFACE)
target_compile_options(dmx_warnings INTERFACE
  -Wall -Wextra -Wshadow
  $<$<COMPILE_LANGUAGE:C>:-Wconversion -Wstrict-prototypes -Wmissing-prototypes>
  $<$<BOOL:${DMX_WERROR}>:-Werror>)

if(DMX_SANITIZE)
  string(REPLACE ";" "," DMX_SANITIZE_FLAGS "${DMX_SANITIZE}")
  add_compile_options(-fsanitize=${DMX_SANITIZE_FLAGS}
    -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${DMX_SANITIZE_FLAGS})
endif()
