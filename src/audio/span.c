#include "audio/span.h"

#include <errno.h>
#include <unistd.h>

size_t dmx_span_read(const dmx_span *span, int64_t at, unsigned char *out,
                     size_t n)
{
    size_t done = 0;
    if (at < 0 || at >= span->size)
        return 0;
    if ((int64_t)n > span->size - at)
        n = (size_t)(span->size - at);
    while (done < n) {
        const ssize_t k = pread(span->fd, out + done, n - done,
                                (off_t)(span->base + at + (int64_t)done));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            break; /* the decoder's own reads say why */
        done += (size_t)k;
    }
    return done;
}
