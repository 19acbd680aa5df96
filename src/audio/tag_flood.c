#include "audio/tag_flood.h"
#include "audio/byte_order.h"

#include <string.h>

#define MAX_ID3_TAGS   16
#define MAX_ID3_BYTES  (4 << 20) /* of frames that are no pictures */
#define MAX_VENDOR     65536     /* bytes of the text before the comments */
#define MAX_OGG_PAGES  256
#define UNSYNCHRONISED 0x80

typedef struct source {
    dmx_span_reader in;
    int64_t end;         /* of what is being read, from the span's start */
    bool unsynchronised; /* a zero follows every 0xFF */
    unsigned char last;
} source;

static size_t read_at(const source *s, int64_t at, unsigned char *out, size_t n)
{
    return dmx_span_read(&s->in.span, at, out, n);
}

static uint32_t number(const unsigned char *p, size_t n, bool big_endian)
{
    return (uint32_t)dmx_bytes_number(p, n, big_endian);
}

/* Seven bits a byte. */
static uint32_t synchsafe(const unsigned char *p)
{
    return (uint32_t)(p[0] & 127) << 21 | (uint32_t)(p[1] & 127) << 14 |
           (uint32_t)(p[2] & 127) << 7 | (p[3] & 127);
}

/* ----------------------------------------------------------------- ID3v2 */

static int raw_byte(source *s)
{
    return s->in.at < s->end ? dmx_span_next(&s->in) : -1;
}

static int next_byte(source *s)
{
    int c = raw_byte(s);
    if (s->unsynchronised && s->last == 0xFF && c == 0)
        c = raw_byte(s);
    s->last = c >= 0 ? (unsigned char)c : 0;
    return c;
}

static bool next_bytes(source *s, unsigned char *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int c = next_byte(s);
        if (c < 0)
            return false;
        out[i] = (unsigned char)c;
    }
    return true;
}

static void skip(source *s, uint32_t n)
{
    if (!s->unsynchronised) {
        s->in.at += n;
        return;
    }
    while (n-- > 0 && next_byte(s) >= 0)
        continue;
}

/* Frames of one tag whose header is p; true: a flood. */
static bool count_frames(source *s, const unsigned char p[10], int *count,
                         int64_t *bytes)
{
    const size_t id = p[3] == 2 ? 3 : 4, head = p[3] == 2 ? 6 : 10;
    unsigned char f[10];
    s->unsynchronised = p[3] < 4 && (p[5] & UNSYNCHRONISED) != 0;
    s->last = 0;
    while (next_bytes(s, f, head) && f[0] != 0) {
        const uint32_t size = p[3] == 4   ? synchsafe(f + 4)
                              : p[3] == 3 ? number(f + 4, 4, true)
                                          : number(f + 3, 3, true);
        const bool picture = memcmp(f, id == 3 ? "PIC" : "APIC", id) == 0;
        *bytes += picture ? 0 : size;
        if (++*count > DMX_INPUT_MAX_TAGS || *bytes > MAX_ID3_BYTES)
            return true;
        skip(s, size);
    }
    return false;
}

/* The tags at the start of the file; *end: where they end. */
static bool floods_id3(source *s, int64_t *end)
{
    int count = 0, i = 0;
    int64_t bytes = 0;
    bool flood = false;
    unsigned char p[10];
    *end = 0;
    for (; i < MAX_ID3_TAGS && read_at(s, *end, p, sizeof p) == sizeof p &&
           memcmp(p, "ID3", 3) == 0;
         i++) {
        s->in.at = *end + 10;
        s->end = s->in.at + synchsafe(p + 6);
        *end = s->end + (p[5] & 0x10 ? 10 : 0);
        flood = flood ||
                (p[3] >= 2 && p[3] <= 4 && count_frames(s, p, &count, &bytes));
    }
    return flood || i == MAX_ID3_TAGS;
}

/* -------------------------------------------------------- Vorbis comments */

/* At the length of the vendor's name, which the number of comments follows. */
static bool floods_comments(const source *s, int64_t at)
{
    unsigned char p[4];
    if (read_at(s, at, p, 4) < 4)
        return false;
    const uint32_t vendor = number(p, 4, false);
    if (vendor > MAX_VENDOR)
        return true;
    return read_at(s, at + 4 + vendor, p, 4) == 4 &&
           number(p, 4, false) > DMX_INPUT_MAX_TAGS;
}

static bool floods_flac(const source *s, int64_t at)
{
    unsigned char p[4];
    bool last = false;
    if (read_at(s, at, p, 4) < 4 || memcmp(p, "fLaC", 4) != 0)
        return false;
    at += 4;
    for (int blocks = 0; !last && read_at(s, at, p, 4) == 4; blocks++) {
        last = (p[0] & 0x80) != 0;
        if (((p[0] & 0x7F) == 4 && floods_comments(s, at + 4)) ||
            blocks > DMX_INPUT_MAX_TAGS)
            return true;
        at += 4 + (int64_t)number(p + 1, 3, true);
    }
    return false;
}

/* Where the comments start in a packet of this beginning; 0: no such. */
static size_t comments_in(const unsigned char *p)
{
    if (memcmp(p, "\3vorbis", 7) == 0 || memcmp(p, "\201theora", 7) == 0)
        return 7;
    if (memcmp(p, "OpusTags", 8) == 0)
        return 8;
    return (p[0] & 0x7F) == 4 && memcmp(p + 1, "\0", 1) == 0 ? 4 : 0;
}

/* The packets that begin inside the page, after its first: sound may look like
 * the short mark of FLAC's comments, not like a codec's name. */
static bool floods_inside(const source *s, const unsigned char *page,
                          int64_t at)
{
    unsigned char p[8];
    int64_t offset = 27 + (int64_t)page[26];
    bool begins = false;
    for (size_t i = 0; i < page[26]; i++) {
        if (begins && read_at(s, at + offset, p, 8) == 8 &&
            comments_in(p) > 4 &&
            floods_comments(s, at + offset + (int64_t)comments_in(p)))
            return true;
        offset += page[27 + i];
        begins = page[27 + i] < 255;
    }
    return false;
}

/* Packets that begin in the first pages. */
static bool floods_ogg(const source *s, int64_t at)
{
    unsigned char p[27 + 255 + 8] = {0};
    for (int page = 0; page < MAX_OGG_PAGES; page++) {
        const size_t n = read_at(s, at, p, sizeof p);
        const size_t head = 27 + (size_t)(n >= 27 ? p[26] : 0);
        if (n < head + 8 || memcmp(p, "OggS", 4) != 0)
            return false;
        const size_t start = (p[5] & 1) == 0 ? comments_in(p + head) : 0;
        if (start > 0 && floods_comments(s, at + (int64_t)(head + start)))
            return true;
        if (floods_inside(s, p, at))
            return true;
        at += (int64_t)head;
        for (size_t i = 27; i < head; i++)
            at += p[i];
    }
    return false;
}

dmx_status dmx_tag_flood(const char *name, dmx_error *err)
{
    return dmx_fail(err, DMX_ERROR_LIMIT,
                    "%s: its tags are more than any song's (%d texts, %d MB); "
                    "remove them first",
                    name, DMX_INPUT_MAX_TAGS, MAX_ID3_BYTES >> 20);
}

dmx_status dmx_tag_flood_check(int64_t *skip, const dmx_span *span,
                               const char *name, dmx_error *err)
{
    source s = {.in = {.span = *span}};
    int64_t at;
    *skip = floods_id3(&s, &at) ? at : 0;
    if (*skip >= span->size || floods_flac(&s, at) || floods_ogg(&s, at))
        return dmx_tag_flood(name, err);
    return DMX_OK;
}
