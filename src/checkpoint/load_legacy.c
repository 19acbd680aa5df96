/* torch.save before 1.6: five pickles in a row (a magic number, a protocol
 * version, the system, the object, the storage keys), then each storage as an
 * 8-byte element count and its bytes, in the order of the keys.
 * Source: torch/serialization.py, _legacy_save and _legacy_load. */
#include "checkpoint/bytes.h"
#include "checkpoint/load.h"

#include <stdlib.h>
#include <string.h>

enum { PROTOCOL_VERSION = 1001, COUNT_BYTES = 8, SHOWN = 64, MAX_START = 24 };

/* 0x1950a86a20f9469cfc6c, as LONG1 writes it, and STOP. */
static const unsigned char magic[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9,
                                      0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

struct dmx_legacy_storage {
    const dmx_storage *named; /* the first persistent id of this key */
    size_t offset, size;      /* both 0 until it is found */
    bool found;
};

/* Length of the first pickle, or 0: PROTO, perhaps FRAME, the magic number. */
static size_t start_size(const unsigned char *data, size_t size)
{
    if (size < MAX_START || data[0] != 0x80)
        return 0;
    const size_t at = data[2] == 0x95 ? 11 : 2;
    return memcmp(data + at, magic, sizeof magic) == 0 ? at + sizeof magic : 0;
}

bool dmx_looks_like_legacy(const unsigned char *data, size_t size)
{
    return start_size(data, size) != 0;
}

static dmx_status next_pickle(dmx_pickled **out, dmx_load *load, size_t *at)
{
    const size_t left = load->size - *at;
    const size_t most =
        left < DMX_PICKLE_MAX_BYTES ? left : DMX_PICKLE_MAX_BYTES;
    return dmx_pickle_run(out, &load->pickle, load->data, at, *at + most,
                          load->err);
}

static dmx_status check_system(dmx_load *load, size_t *at)
{
    dmx_pickled *version = NULL, *system = NULL;
    DMX_FORWARD(next_pickle(&version, load, at));
    DMX_RETURN_IF(version->kind != DMX_PICKLED_INT ||
                      version->as.integer != PROTOCOL_VERSION,
                  load->err, DMX_ERROR_UNSUPPORTED,
                  "legacy checkpoint of a protocol other than %d",
                  PROTOCOL_VERSION);
    DMX_FORWARD(next_pickle(&system, load, at));
    const dmx_pickled *little = dmx_pickled_get(system, "little_endian");
    DMX_RETURN_IF(little != NULL && little->kind == DMX_PICKLED_BOOL &&
                      !little->as.boolean,
                  load->err, DMX_ERROR_UNSUPPORTED,
                  "a checkpoint of a big-endian machine can't be read");
    return DMX_OK;
}

static int compare_keys(const char *a, size_t a_size, const char *b,
                        size_t b_size)
{
    const int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static int by_key(const void *a, const void *b)
{
    const dmx_storage *x = ((const struct dmx_legacy_storage *)a)->named;
    const dmx_storage *y = ((const struct dmx_legacy_storage *)b)->named;
    return compare_keys(x->key, x->key_size, y->key, y->key_size);
}

static struct dmx_legacy_storage *find(const dmx_load *load, const char *key,
                                       size_t size)
{
    const dmx_storage wanted = {.key = key, .key_size = size};
    const struct dmx_legacy_storage probe = {.named = &wanted};
    return load->n_legacy == 0 ? NULL
                               : bsearch(&probe, load->legacy, load->n_legacy,
                                         sizeof probe, by_key);
}

/* Collects the storages that persistent ids name, once each. */
static dmx_status collect_storages(dmx_load *load)
{
    const dmx_pickle *p = &load->pickle;
    load->legacy = calloc(p->n_storage + 1, sizeof *load->legacy);
    DMX_RETURN_IF(load->legacy == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for %zu storages", p->n_storage);
    for (size_t i = 0; i < p->n_storage; i++)
        load->legacy[i].named = p->storage[i];
    qsort(load->legacy, p->n_storage, sizeof *load->legacy, by_key);
    for (size_t i = 0; i < p->n_storage; i++) {
        const struct dmx_legacy_storage *s = &load->legacy[i];
        if (load->n_legacy == 0 ||
            by_key(&load->legacy[load->n_legacy - 1], s) != 0) {
            load->legacy[load->n_legacy++] = *s;
            continue;
        }
        const dmx_storage *first = load->legacy[load->n_legacy - 1].named;
        if (first->item_size != s->named->item_size ||
            first->count != s->named->count)
            return dmx_fail_at(load->err, DMX_ERROR_FORMAT,
                               (int64_t)s->named->at,
                               "one storage with two sizes");
    }
    return DMX_OK;
}

/* Reads one storage record at *at: the element count, which must match the
 * pickle's, and the bytes. */
static dmx_status read_record(dmx_load *load, size_t *at,
                              const dmx_pickled *key)
{
    char shown[SHOWN];
    struct dmx_legacy_storage *s =
        key->kind == DMX_PICKLED_STRING
            ? find(load, key->as.text.data, key->as.text.size)
            : NULL;
    DMX_RETURN_IF(
        s == NULL || s->found || s->named->item_size == 0, load->err,
        DMX_ERROR_FORMAT,
        "the list of storages names %s, which no tensor has, twice or "
        "of an unknown type",
        key->kind == DMX_PICKLED_STRING
            ? dmx_text_show(shown, sizeof shown, key->as.text.data,
                            key->as.text.size)
            : dmx_pickled_describe(key));
    const size_t left = load->size - *at;
    uint64_t bytes;
    if (left < COUNT_BYTES ||
        dmx_le64(load->data + *at) != (uint64_t)s->named->count ||
        dmx_mul_overflow(&bytes, (uint64_t)s->named->count,
                         (uint64_t)s->named->item_size) ||
        bytes > left - COUNT_BYTES)
        return dmx_fail_at(load->err, DMX_ERROR_FORMAT, (int64_t)*at,
                           "storage %s of %lld elements is not complete; the "
                           "file is damaged or truncated",
                           dmx_text_show(shown, sizeof shown, key->as.text.data,
                                         key->as.text.size),
                           (long long)s->named->count);
    s->offset = *at + COUNT_BYTES;
    s->size = (size_t)bytes;
    s->found = true;
    *at += COUNT_BYTES + s->size;
    return DMX_OK;
}

static dmx_status read_storages(dmx_load *load, size_t *at)
{
    dmx_pickled *keys = NULL;
    DMX_FORWARD(next_pickle(&keys, load, at));
    DMX_RETURN_IF(keys->kind != DMX_PICKLED_LIST, load->err, DMX_ERROR_FORMAT,
                  "the list of storages is %s", dmx_pickled_describe(keys));
    DMX_FORWARD(collect_storages(load));
    for (uint32_t i = 0; i < keys->as.list.count; i++)
        DMX_FORWARD(read_record(load, at, keys->as.list.item[i]));
    return DMX_OK;
}

static dmx_status locate(size_t *offset, size_t *size, dmx_load *load,
                         const dmx_storage *storage)
{
    char shown[SHOWN];
    const struct dmx_legacy_storage *s =
        find(load, storage->key, storage->key_size);
    if (s == NULL || !s->found)
        return dmx_fail_at(load->err, DMX_ERROR_FORMAT, (int64_t)storage->at,
                           "storage %s is missing from the file",
                           dmx_text_show(shown, sizeof shown, storage->key,
                                         storage->key_size));
    *offset = s->offset;
    *size = s->size;
    return DMX_OK;
}

dmx_status dmx_load_legacy(dmx_load *load)
{
    load->checkpoint->container = DMX_CONTAINER_LEGACY;
    DMX_FORWARD(dmx_load_needs_all(load));
    size_t at = start_size(load->data, load->size);
    dmx_pickled *top = NULL;
    DMX_FORWARD(check_system(load, &at));
    DMX_FORWARD(next_pickle(&top, load, &at));
    load->checkpoint->pickle_protocol = load->pickle.protocol;
    DMX_FORWARD(read_storages(load, &at));
    return dmx_load_package(load, top, locate);
}
