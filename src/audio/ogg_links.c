#include "audio/ogg_links.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define HEAD         27 /* of a page, before its table of segments */
#define MAX_SEGMENTS 255
#define FIRST_PAGE   2 /* a page's flag: it begins a stream */
#define BLOCK        65536

typedef struct pages {
    int fd;
    int64_t size;
    int failure; /* errno of a failed read, 0 */
} pages;

/* Up to n bytes at `at`; how many. */
static size_t read_at(pages *p, int64_t at, unsigned char *out, size_t n)
{
    size_t done = 0;
    while (done < n && p->failure == 0) {
        const ssize_t k =
            pread(p->fd, out + done, n - done, (off_t)(at + (int64_t)done));
        if (k < 0 && errno != EINTR)
            p->failure = errno;
        if (k == 0)
            break;
        done += k > 0 ? (size_t)k : 0;
    }
    return p->failure != 0 ? 0 : done;
}

/* The page at `at`: its length, 0 when there is none. */
static int64_t read_page(pages *p, int64_t at, bool *first)
{
    unsigned char h[HEAD + MAX_SEGMENTS];
    const size_t n = read_at(p, at, h, sizeof h);
    if (n < HEAD || memcmp(h, "OggS", 4) != 0)
        return 0;
    const size_t segments = h[26];
    if (n < HEAD + segments)
        return 0;
    int64_t length = HEAD + (int64_t)segments;
    for (size_t i = 0; i < segments; i++)
        length += h[HEAD + i];
    *first = (h[5] & FIRST_PAGE) != 0;
    return length;
}

/* After damage: the start of the next page, or the end of the file. */
static int64_t find_page(pages *p, int64_t at)
{
    unsigned char block[BLOCK];
    while (at < p->size) {
        const size_t n = read_at(p, at, block, sizeof block);
        const unsigned char *hit = memmem(block, n, "OggS", 4);
        if (hit != NULL)
            return at + (hit - block);
        if (n < sizeof block)
            break;
        at += BLOCK - 3;
    }
    return p->size;
}

dmx_status dmx_ogg_link_end(int64_t *end, int fd, int64_t start, int64_t size,
                            const char *name, dmx_error *err)
{
    pages p = {.fd = fd, .size = size};
    bool first = false, inside = false;
    int64_t at = start;
    *end = size;
    int64_t length = read_page(&p, at, &first);
    while (length > 0 && at < size) {
        if (first && inside) {
            *end = at;
            break;
        }
        inside = inside || !first;
        at += length;
        length = read_page(&p, at, &first);
        if (length == 0 && at < size) {
            at = find_page(&p, at + 1);
            length = read_page(&p, at, &first);
        }
    }
    DMX_RETURN_IF(p.failure != 0, err, DMX_ERROR_IO, "%s: read failed: %s",
                  name, strerror(p.failure));
    return DMX_OK;
}
