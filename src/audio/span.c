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
        if (k < 0 && errno == EINTR) {
            errno = 0; /* no failure */
            continue;
        }
        if (k <= 0)
            break; /* the decoder's own reads say why */
        done += (size_t)k;
    }
    return done;
}

int dmx_span_next(dmx_span_reader *r)
{
    if (r->at < r->block_at || r->at >= r->block_at + (int64_t)r->block_size) {
        r->block_at = r->at;
        r->block_size =
            dmx_span_read(&r->span, r->at, r->block, sizeof r->block);
        if (r->block_size == 0)
            return -1;
    }
    return r->block[r->at++ - r->block_at];
}
