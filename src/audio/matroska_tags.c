#include "audio/matroska_tags.h"

#include <string.h>

/* Element IDs (RFC 9559, section 5.1.8). */
#define ID_TAG        0x7373
#define ID_SIMPLE_TAG 0x67C8

/* Squares of the texts so far, summed over the Tag elements: as the time grows.
 * 100 tracks with the eight texts that mkvmerge writes are 21 million, were all
 * of them about one track. */
#define MAX_COST  ((uint64_t)100 << 20)
#define MAX_TEXTS 4096

static const unsigned char tags_id[] = {0x12, 0x54, 0xC3, 0x67};

/* A number whose leading zero bits tell its length; an ID keeps the bit that
 * ends them. False: the end of the file, or no such number. */
static bool next_number(dmx_span_reader *r, uint64_t *out, bool id)
{
    const int first = dmx_span_next(r);
    if (first <= 0)
        return false;
    int length = 1;
    while ((first << (length - 1) & 0x80) == 0)
        length++;
    uint64_t value = (uint64_t)first;
    uint64_t ones = 0x7F >> (length - 1);
    if (!id)
        value &= ones;
    for (int i = 1; i < length; i++) {
        const int c = dmx_span_next(r);
        if (c < 0)
            return false;
        value = value << 8 | (uint64_t)c;
        ones = ones << 8 | 0xFF;
    }
    *out = !id && value == ones ? INT64_MAX : value; /* a size not known */
    return true;
}

/* One Tags element, whose ID is read. Its Tag and SimpleTag elements are
 * entered, whatever their sizes say; others are stepped over. */
static bool weigh(dmx_matroska_tags *t, dmx_span_reader *r)
{
    uint64_t size, id;
    if (!next_number(r, &size, false))
        return false;
    const uint64_t there = (uint64_t)(r->span.size - r->at);
    const int64_t end = r->at + (int64_t)(size < there ? size : there);
    while (r->at < end && next_number(r, &id, true) &&
           next_number(r, &size, false)) {
        t->texts += id == ID_SIMPLE_TAG;
        t->cost += id == ID_TAG ? (t->texts + 1) * (t->texts + 1) : 0;
        if (t->texts > MAX_TEXTS || t->cost > MAX_COST)
            return true;
        if (id == ID_TAG || id == ID_SIMPLE_TAG)
            continue;
        if (size > (uint64_t)(end - r->at))
            return false;
        r->at += (int64_t)size;
    }
    return false;
}

static bool look_at(dmx_matroska_tags *t, const dmx_span *span, int64_t at)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->at[i] == at)
            return false;
    if (t->count == DMX_MATROSKA_MAX_TAGS)
        return true;
    t->at[t->count++] = at;
    dmx_span_reader r = {.span = *span, .at = at + (int64_t)sizeof tags_id};
    return weigh(t, &r);
}

/* The elements that begin in front of `at` with their ID on both sides of it:
 * the rest of the ID lies in the file. */
static bool look_across(dmx_matroska_tags *t, const dmx_span *span, int64_t at)
{
    enum { BEFORE = sizeof tags_id - 1 };
    unsigned char bytes[2 * BEFORE];
    const int64_t from = at < BEFORE ? 0 : at - BEFORE;
    const size_t before = (size_t)(at - from);
    const size_t n = dmx_span_read(span, from, bytes, before + BEFORE);
    for (size_t i = 0; i < before && i + sizeof tags_id <= n; i++)
        if (memcmp(bytes + i, tags_id, sizeof tags_id) == 0 &&
            look_at(t, span, from + (int64_t)i))
            return true;
    return false;
}

bool dmx_matroska_flood(dmx_matroska_tags *tags, const dmx_span *span,
                        const unsigned char *bytes, int64_t at, size_t n)
{
    const unsigned char *p = bytes;
    if (look_across(tags, span, at))
        return true;
    while (n - (size_t)(p - bytes) >= sizeof tags_id &&
           (p = memchr(p, tags_id[0], n - (size_t)(p - bytes))) != NULL &&
           n - (size_t)(p - bytes) >= sizeof tags_id) {
        if (memcmp(p, tags_id, sizeof tags_id) == 0 &&
            look_at(tags, span, at + (p - bytes)))
            return true;
        p++;
    }
    return false;
}
