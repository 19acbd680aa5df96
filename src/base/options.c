#include "base/options.h"

#include <string.h>

/* Every such struct starts with it. */
static size_t size_of(const void *given)
{
    size_t size;
    memcpy(&size, given, sizeof size);
    return size;
}

dmx_status dmx_options_take(void *out, size_t size, const void *given,
                            const char *type, dmx_error *err)
{
    if (given == NULL)
        return DMX_OK;
    const size_t theirs = size_of(given);
    DMX_RETURN_IF(theirs < sizeof theirs, err, DMX_ERROR_ARGUMENT,
                  "%s: size is not set; start from its _INIT", type);
    memcpy(out, given, theirs < size ? theirs : size);
    memcpy(out, &size, sizeof size);
    return DMX_OK;
}

void dmx_report_give(void *given, const void *report, size_t size)
{
    if (given == NULL)
        return;
    const size_t theirs = size_of(given);
    memcpy(given, report, theirs < size ? theirs : size);
    memcpy(given, &theirs, theirs < sizeof theirs ? theirs : sizeof theirs);
}
