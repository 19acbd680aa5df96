#include "demucs_onnx.h"

#define TEXT(x)   #x
#define NUMBER(x) TEXT(x)

const char *dmx_version(void)
{
    return NUMBER(DMX_VERSION_MAJOR) "." NUMBER(DMX_VERSION_MINOR) "." NUMBER(
        DMX_VERSION_PATCH);
}
