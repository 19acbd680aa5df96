#include "audio/sink.h"

#include <errno.h>
#include <string.h>

dmx_status dmx_sink_failure(const dmx_sink *sink, int error, dmx_error *err)
{
    const char *hint = error == ENOSPC ? "; the disk is full" : "";
    return dmx_fail(err, DMX_ERROR_IO, "%s: write failed: %s%s", sink->name,
                    strerror(error), hint);
}

dmx_status dmx_sink_write(const dmx_sink *sink, const void *data, size_t size,
                          dmx_error *err)
{
    if (size == 0 || fwrite(data, 1, size, sink->stream) == size)
        return DMX_OK;
    return dmx_sink_failure(sink, errno, err);
}
