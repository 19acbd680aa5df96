#include "hub/curl_library.h"

dmx_status dmx_curl_ready(dmx_error *err)
{
    (void)err;
    return DMX_OK;
}
