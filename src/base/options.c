#include "base/options.h"

#include <string.h>

/* Every such struct starts with its size. */
static size_t size_of(const void *given)
{
    size_t size;
    memcpy(&size, given, sizeof size);
    return size;
}

/* DMX_SONG_OPTIONS_INIT of dmx_song_options. */
static dmx_status size_unset(const char *type, dmx_error *err)
{
    char macro[64];
    size_t n = 0;
    for (; type[n] != '\0' && n + 1 < sizeof macro; n++) {
        const char c = type[n];
        macro[n] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    macro[n] = '\0';
    DMX_RETURN_ERROR(err, DMX_ERROR_ARGUMENT,
                     "%s: size is not set; start with %s_INIT", type, macro);
}

dmx_status dmx_options_take(void *out, size_t size, const void *given,
                            const char *type, dmx_error *err)
{
    if (given == NULL)
        return DMX_OK;
    const size_t theirs = size_of(given);
    if (theirs < sizeof theirs)
        return size_unset(type, err);
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

dmx_status dmx_check_range(const char *name, double value, double least,
                           double most, dmx_error *err)
{
    DMX_RETURN_IF(!(value >= least && value <= most), err, DMX_ERROR_ARGUMENT,
                  "%s: %.15g is out of range; allowed is %.15g to %.15g", name,
                  value, least, most);
    return DMX_OK;
}
