/* Source: PKWARE's APPNOTE.TXT, sections 4.3 (structure) and 4.5.3 (zip64). */
#include "checkpoint/zip.h"
#include "base/hash.h"
#include "base/memory.h"
#include "checkpoint/bytes.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    DESCRIPTOR_BYTES = 16, /* as far as it is looked at */
    TAIL_BYTES = 65535 + END_BYTES + LOCATOR_BYTES,
    SHOWN_NAME = 80,
};
#define LOCAL_SIGNATURE      0x04034b50u
#define CENTRAL_SIGNATURE    0x02014b50u
#define END_SIGNATURE        0x06054b50u
#define END64_SIGNATURE      0x06064b50u
#define LOCATOR_SIGNATURE    0x07064b50u
#define DESCRIPTOR_SIGNATURE 0x08074b50u
#define FLAG_ENCRYPTED       0x0001u
#define FLAG_DESCRIPTOR      0x0008u
#define ZIP64_EXTRA          0x0001u
#define UNSET32              0xffffffffu
#define UNSET16              0xffffu

/* Where the central directory lies. */
typedef struct directory {
    uint64_t offset, size, count;
    uint64_t end; /* first byte after it that belongs to the end records */
} directory;

/* The four numbers of an entry that a zip64 extra field can widen. */
typedef struct sizes {
    uint64_t size, packed, offset;
    bool has_offset;
} sizes;

static dmx_status bad(dmx_error *err, size_t offset, const char *what)
{
    return dmx_fail_at(err, DMX_ERROR_FORMAT, (int64_t)offset,
                       "damaged zip file: %s (at byte %zu); download or save "
                       "it again",
                       what, offset);
}

static dmx_status bad_entry(dmx_error *err, const dmx_zip_entry *e,
                            const char *what)
{
    char name[SHOWN_NAME];
    return dmx_fail_at(
        err, DMX_ERROR_FORMAT, (int64_t)e->header,
        "damaged zip file: entry %s: %s; download or save it again",
        dmx_text_show(name, sizeof name, e->name, e->name_size), what);
}

/* The end record sits at the very end, followed only by its own comment. */
static bool find_end(size_t *at, const unsigned char *data, size_t size)
{
    if (size < END_BYTES)
        return false;
    const size_t first =
        size - END_BYTES > UNSET16 ? size - END_BYTES - UNSET16 : 0;
    for (size_t i = size - END_BYTES + 1; i-- > first;)
        if (dmx_le32(data + i) == END_SIGNATURE &&
            dmx_le16(data + i + 20) == size - i - END_BYTES) {
            *at = i;
            return true;
        }
    return false;
}

/* l: the locator, at byte `locator`. */
static dmx_status read_end64(directory *d, dmx_image *image,
                             const unsigned char *l, size_t locator,
                             dmx_error *err)
{
    const unsigned char *p = NULL;
    const uint64_t at = dmx_le64(l + 8);
    if (dmx_le32(l + 4) != 0 || dmx_le32(l + 16) > 1)
        return bad(err, locator, "archive of several disks");
    if (locator < END64_BYTES || at > locator - END64_BYTES)
        return bad(err, locator, "zip64 end record not where it should be");
    DMX_FORWARD(dmx_image_view(&p, image, (size_t)at, END64_BYTES, err));
    if (dmx_le32(p) != END64_SIGNATURE)
        return bad(err, locator, "zip64 end record not where it should be");
    if (dmx_le64(p + 4) != locator - at - 12)
        return bad(err, (size_t)at, "zip64 end record of a wrong size");
    if (dmx_le32(p + 16) != 0 || dmx_le32(p + 20) != 0 ||
        dmx_le64(p + 24) != dmx_le64(p + 32))
        return bad(err, (size_t)at, "archive of several disks");
    d->count = dmx_le64(p + 32);
    d->size = dmx_le64(p + 40);
    d->offset = dmx_le64(p + 48);
    d->end = at;
    return DMX_OK;
}

static dmx_status read_end32(directory *d, const unsigned char *p, size_t at,
                             dmx_error *err)
{
    if (dmx_le16(p + 4) != 0 || dmx_le16(p + 6) != 0 ||
        dmx_le16(p + 8) != dmx_le16(p + 10))
        return bad(err, at, "archive of several disks");
    d->count = dmx_le16(p + 10);
    d->size = dmx_le32(p + 12);
    d->offset = dmx_le32(p + 16);
    d->end = at;
    return DMX_OK;
}

static dmx_status read_end(directory *d, dmx_image *image, dmx_error *err)
{
    const unsigned char *tail = NULL;
    const size_t size = image->size;
    const size_t from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    size_t at;
    DMX_FORWARD(dmx_image_view(&tail, image, from, size - from, err));
    if (!find_end(&at, tail, size - from))
        return dmx_fail_at(err, DMX_ERROR_FORMAT, (int64_t)size,
                           "truncated zip file: no end record after %zu "
                           "bytes; download or copy it again",
                           size);
    const unsigned char *p = tail + at, *l = p - LOCATOR_BYTES;
    const bool wide = at >= LOCATOR_BYTES && dmx_le32(l) == LOCATOR_SIGNATURE;
    at += from;
    if (wide)
        DMX_FORWARD(read_end64(d, image, l, at - LOCATOR_BYTES, err));
    else
        DMX_FORWARD(read_end32(d, p, at, err));
    if (d->offset > d->end || d->size != d->end - d->offset)
        return bad(err, at, "central directory not where it should be");
    if (d->count > DMX_ZIP_MAX_ENTRIES)
        return dmx_fail_at(err, DMX_ERROR_LIMIT, (int64_t)at,
                           "zip file of %llu entries; the limit is %llu",
                           (unsigned long long)d->count,
                           (unsigned long long)DMX_ZIP_MAX_ENTRIES);
    if (d->count > d->size / CENTRAL_BYTES)
        return bad(err, at, "central directory shorter than its entries");
    return DMX_OK;
}

/* Fields set to all ones have their value in the zip64 extra field, in the
 * order size, packed size, offset. False when one is missing. */
static bool widen(sizes *s, const unsigned char *extra, size_t left)
{
    uint64_t *wanted[3];
    size_t n = 0;
    if (s->size == UNSET32)
        wanted[n++] = &s->size;
    if (s->packed == UNSET32)
        wanted[n++] = &s->packed;
    if (s->has_offset && s->offset == UNSET32)
        wanted[n++] = &s->offset;
    while (n != 0 && left >= 4) {
        const size_t length = dmx_le16(extra + 2);
        if (length > left - 4)
            return false;
        if (dmx_le16(extra) == ZIP64_EXTRA) {
            if (length < 8 * n)
                return false;
            for (size_t i = 0; i < n; i++)
                *wanted[i] = dmx_le64(extra + 4 + 8 * i);
            return true;
        }
        extra += 4 + length;
        left -= 4 + length;
    }
    return n == 0;
}

/* One central directory record p, at byte `at`; *next is where the following
 * starts. */
static dmx_status read_central(dmx_zip_entry *e, size_t *next,
                               const unsigned char *p, size_t at, size_t end,
                               dmx_error *err)
{
    if (end - at < CENTRAL_BYTES || dmx_le32(p) != CENTRAL_SIGNATURE)
        return bad(err, at, "central directory record expected");
    const size_t name = dmx_le16(p + 28), extra = dmx_le16(p + 30);
    const size_t length = CENTRAL_BYTES + name + extra + dmx_le16(p + 32);
    if (length > end - at)
        return bad(err, at, "central directory record too long");
    e->name = (const char *)p + CENTRAL_BYTES;
    e->name_size = name;
    e->flags = dmx_le16(p + 8);
    e->method = dmx_le16(p + 10);
    e->crc = dmx_le32(p + 16);
    sizes s = {dmx_le32(p + 24), dmx_le32(p + 20), dmx_le32(p + 42), true};
    if (!widen(&s, p + CENTRAL_BYTES + name, extra))
        return bad(err, at, "zip64 sizes missing");
    if (s.offset >= end || s.packed > end || s.size > SIZE_MAX / 2)
        return bad(err, at, "entry outside the file");
    e->header = (size_t)s.offset;
    e->size = (size_t)s.size;
    e->packed = s.packed;
    *next = at + length;
    return DMX_OK;
}

/* A streamed entry has zeros in its local header and a record behind its
 * bytes, nearly always signed. */
static dmx_status check_descriptor(const dmx_zip_entry *e, dmx_image *image,
                                   size_t end, dmx_error *err)
{
    const unsigned char *p = NULL;
    const size_t at = e->offset + (size_t)e->packed;
    if ((e->flags & FLAG_DESCRIPTOR) == 0 || end - at < DESCRIPTOR_BYTES)
        return DMX_OK;
    DMX_FORWARD(dmx_image_view(&p, image, at, DESCRIPTOR_BYTES, err));
    if (dmx_le32(p) == DESCRIPTOR_SIGNATURE && dmx_le32(p + 4) != e->crc)
        return bad_entry(err, e, "data descriptor and directory differ");
    return DMX_OK;
}

/* p: the local header, `extra`: its extra field of n bytes. */
static dmx_status check_sizes(const dmx_zip_entry *e, const unsigned char *p,
                              const unsigned char *extra, size_t n,
                              dmx_error *err)
{
    sizes s = {dmx_le32(p + 22), dmx_le32(p + 18), 0, false};
    const uint32_t crc = dmx_le32(p + 14);
    const bool streamed = (e->flags & FLAG_DESCRIPTOR) != 0;
    if (streamed && crc == 0 && s.size == 0 && s.packed == 0)
        return DMX_OK;
    if (!widen(&s, extra, n))
        return bad_entry(err, e, "zip64 sizes missing");
    if (streamed && s.size == 0 && s.packed == 0)
        return DMX_OK;
    if (crc != e->crc || s.size != e->size || s.packed != e->packed)
        return bad_entry(err, e, "local header and directory differ");
    return DMX_OK;
}

/* The local header must tell the same story as the directory: readers that
 * believe one or the other must see the same file. */
static dmx_status check_local(dmx_zip_entry *e, dmx_image *image, size_t end,
                              dmx_error *err)
{
    const unsigned char *p = NULL, *after = NULL;
    if (e->header > end || end - e->header < LOCAL_BYTES)
        return bad_entry(err, e, "no local header");
    DMX_FORWARD(dmx_image_view(&p, image, e->header, LOCAL_BYTES, err));
    if (dmx_le32(p) != LOCAL_SIGNATURE)
        return bad_entry(err, e, "no local header");
    const size_t name = dmx_le16(p + 26), extra = dmx_le16(p + 28);
    const size_t left = end - e->header - LOCAL_BYTES;
    if (name + extra > left || e->packed > left - name - extra)
        return bad_entry(err, e, "reaches past the end of the file");
    e->offset = e->header + LOCAL_BYTES + name + extra;
    DMX_FORWARD(dmx_image_view(&after, image, e->header + LOCAL_BYTES,
                               name + extra, err));
    if (name != e->name_size || memcmp(after, e->name, name) != 0 ||
        dmx_le16(p + 8) != e->method || dmx_le16(p + 6) != e->flags)
        return bad_entry(err, e, "local header and directory differ");
    DMX_FORWARD(check_sizes(e, p, after + name, extra, err));
    return check_descriptor(e, image, end, err);
}

static int by_name(const void *a, const void *b)
{
    const dmx_zip_entry *x = a, *y = b;
    const size_t n = x->name_size < y->name_size ? x->name_size : y->name_size;
    const int order = memcmp(x->name, y->name, n);
    return order != 0
               ? order
               : (x->name_size > y->name_size) - (x->name_size < y->name_size);
}

static int by_position(const void *a, const void *b)
{
    const dmx_zip_entry *x = a, *y = b;
    return (x->header > y->header) - (x->header < y->header);
}

static dmx_status check_overlaps(dmx_zip *zip, dmx_error *err)
{
    qsort(zip->entry, zip->n_entry, sizeof *zip->entry, by_position);
    for (size_t i = 1; i < zip->n_entry; i++) {
        const dmx_zip_entry *before = &zip->entry[i - 1];
        if (before->offset + (size_t)before->packed > zip->entry[i].header)
            return bad_entry(err, &zip->entry[i], "overlaps another entry");
    }
    return DMX_OK;
}

static dmx_status check_names(dmx_zip *zip, dmx_error *err)
{
    qsort(zip->entry, zip->n_entry, sizeof *zip->entry, by_name);
    for (size_t i = 1; i < zip->n_entry; i++)
        if (by_name(&zip->entry[i - 1], &zip->entry[i]) == 0)
            return bad_entry(err, &zip->entry[i], "is there twice");
    return DMX_OK;
}

static dmx_status read_entries(dmx_zip *zip, const directory *d, dmx_error *err)
{
    zip->entry = calloc((size_t)d->count + 1, sizeof *zip->entry);
    DMX_RETURN_IF(zip->entry == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a zip directory of %llu entries",
                  (unsigned long long)d->count);
    const size_t from = (size_t)d->offset, end = (size_t)d->end;
    const unsigned char *central = NULL;
    DMX_FORWARD(dmx_image_view(&central, &zip->image, from, end - from, err));
    size_t at = from;
    for (; zip->n_entry < d->count; zip->n_entry++) {
        dmx_zip_entry *e = &zip->entry[zip->n_entry];
        DMX_FORWARD(read_central(e, &at, central + (at - from), at, end, err));
        DMX_FORWARD(check_local(e, &zip->image, from, err));
    }
    if (at != d->end)
        return bad(err, at, "central directory longer than its entries");
    DMX_FORWARD(check_overlaps(zip, err));
    return check_names(zip, err);
}

dmx_status dmx_zip_open(dmx_zip *zip, const dmx_image *image, dmx_error *err)
{
    *zip = (dmx_zip){*image, NULL, 0};
    directory d = {0};
    DMX_FORWARD(read_end(&d, &zip->image, err));
    const dmx_status status = read_entries(zip, &d, err);
    if (status != DMX_OK)
        dmx_zip_close(zip);
    return status;
}

void dmx_zip_close(dmx_zip *zip)
{
    free(zip->entry);
    *zip = (dmx_zip){0};
}

dmx_zip_entry *dmx_zip_find(const dmx_zip *zip, const char *name, size_t size)
{
    const dmx_zip_entry key = {.name = name, .name_size = size};
    if (zip->n_entry == 0)
        return NULL;
    return bsearch(&key, zip->entry, zip->n_entry, sizeof key, by_name);
}

dmx_status dmx_zip_use(dmx_zip_entry *e, dmx_error *err)
{
    char name[SHOWN_NAME];
    if (e->method != 0 || (e->flags & FLAG_ENCRYPTED) != 0)
        return dmx_fail_at(
            err, DMX_ERROR_UNSUPPORTED, (int64_t)e->header,
            "zip entry %s is %s; PyTorch only reads plain stored entries: "
            "save the checkpoint with torch.save, do not zip it again",
            dmx_text_show(name, sizeof name, e->name, e->name_size),
            e->method != 0 ? "compressed" : "encrypted");
    if (e->packed != e->size)
        return bad_entry(err, e, "stored entry with two sizes");
    e->used = true;
    return DMX_OK;
}

static void add_crc(void *crc, const unsigned char *data, size_t size)
{
    *(uint32_t *)crc = dmx_crc32_more(*(uint32_t *)crc, data, size);
}

dmx_status dmx_zip_check(const dmx_zip *zip, const dmx_zip_entry *e,
                         dmx_error *err)
{
    uint32_t crc = 0;
    DMX_FORWARD(
        dmx_image_each(&zip->image, e->offset, e->size, add_crc, &crc, err));
    if (crc != e->crc)
        return bad_entry(err, e, "checksum (CRC-32) differs");
    return DMX_OK;
}
