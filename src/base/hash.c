#include "base/hash.h"

dmx_status dmx_sha256_hex(char hex[DMX_SHA256_HEX], const void *data,
                          size_t size, dmx_error *err)
{
    dmx_sha256 *state = dmx_sha256_open();
    DMX_RETURN_IF(state == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a SHA-256 state");
    dmx_sha256_update(state, data, size);
    dmx_sha256_finish(state, hex);
    return DMX_OK;
}
