/* .safetensors: eight bytes of header length, a JSON header, the numbers.
 * Demucs 4.1 keeps klass, args and kwargs as JSON text in the metadata.
 * Source: the format section of the safetensors project's README. */
#include "checkpoint/bytes.h"
#include "checkpoint/quantized.h"
#include "checkpoint/safetensors.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, SHOWN = 96 };
#define MAX_HEADER ((uint64_t)4 << 20)

bool dmx_looks_like_safetensors(const unsigned char *data, size_t size)
{
    return size > LENGTH_BYTES && data[LENGTH_BYTES] == '{' &&
           dmx_le64(data) >> 40 == 0;
}

static const struct {
    const char *name;
    dmx_dtype dtype;
} types[] = {
    {"F16", DMX_F16}, {"BF16", DMX_BF16}, {"F32", DMX_F32},
    {"F64", DMX_F64}, {"I64", DMX_I64},
};

/* Types that no weight of ours has, with their sizes: a counter may. */
static const struct {
    const char *name;
    uint64_t size;
} other_types[] = {
    {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"I16", 2},
    {"U16", 2},  {"I32", 4}, {"U32", 4}, {"U64", 8},
};

/* Bytes of one element of a type that holds integers; 0: it does not. */
static uint64_t integer_size(const dmx_json *dtype)
{
    const char *text = dmx_json_is_string(dtype) ? dtype->valuestring : "";
    for (size_t i = 0; i < sizeof other_types / sizeof other_types[0]; i++)
        if (strcmp(text, other_types[i].name) == 0)
            return other_types[i].size;
    return strcmp(text, "I64") == 0 ? 8 : 0;
}

static dmx_status type_of(dmx_dtype *out, dmx_load *load, const char *name,
                          const dmx_json *dtype)
{
    char shown[SHOWN];
    const char *text =
        dmx_json_is_string(dtype) ? dtype->valuestring : "missing";
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(text, types[i].name) == 0) {
            *out = types[i].dtype;
            return DMX_OK;
        }
    DMX_RETURN_ERROR(load->err, DMX_ERROR_UNSUPPORTED,
                     "weight %s has dtype %s; F16, BF16, F32, F64 and I64 "
                     "are read",
                     name,
                     dmx_text_show(shown, sizeof shown, text, strlen(text)));
}

/* A JSON number that is an integer from 0 to 2^53. */
static bool natural(int64_t *out, const dmx_json *json)
{
    if (!dmx_json_is_number(json) || !(json->valuedouble >= 0) ||
        json->valuedouble > 0x1p53)
        return false;
    *out = (int64_t)json->valuedouble;
    return (double)*out == json->valuedouble;
}

/* Numbers of a JSON array into out[max]; their count, or -1. */
static int naturals(int64_t *out, int max, const dmx_json *array)
{
    int n = 0;
    if (!dmx_json_is_array(array))
        return -1;
    for (const dmx_json *i = array->child; i != NULL; i = i->next)
        if (n == max || !natural(&out[n++], i))
            return -1;
    return n;
}

/* Row-major strides, and the bytes of the whole; false on overflow. */
static bool lay_out(dmx_tensor *t, uint64_t *bytes)
{
    int64_t step = 1;
    bool empty = false, overflow = false;
    for (int i = t->rank; i-- > 0;) {
        t->stride[i] = step;
        empty = empty || t->dim[i] == 0;
        if (t->dim[i] != 0)
            overflow = dmx_mul_overflow(&step, step, t->dim[i]) || overflow;
    }
    if (empty)
        step = 0;
    return !dmx_mul_overflow(bytes, (uint64_t)step,
                             (uint64_t)dmx_dtype_size(t->dtype)) &&
           (empty || !overflow);
}

/* What the header says about one tensor. */
typedef struct entry {
    const dmx_json *dtype;
    int64_t dim[DMX_TENSOR_RANK];
    int rank;
    int64_t range[2]; /* of bytes behind the header */
} entry;

/* dtype, shape and data_offsets, each once. */
static bool parse_entry(entry *e, const dmx_json *json)
{
    const dmx_json *field[3] = {NULL, NULL, NULL};
    static const char *const names[] = {"dtype", "shape", "data_offsets"};
    if (!dmx_json_is_object(json))
        return false;
    for (const dmx_json *i = json->child; i != NULL; i = i->next)
        for (int k = 0; k < 3; k++)
            if (strcmp(i->string, names[k]) == 0) {
                if (field[k] != NULL)
                    return false;
                field[k] = i;
            }
    e->dtype = field[0];
    e->rank = naturals(e->dim, DMX_TENSOR_RANK, field[1]);
    return e->rank >= 0 && naturals(e->range, 2, field[2]) == 2 &&
           e->range[0] <= e->range[1];
}

static bool is_counter(const entry *e, const char *name)
{
    const uint64_t size = integer_size(e->dtype);
    return (uint64_t)(e->range[1] - e->range[0]) == (size != 0 ? size : 4) &&
           dmx_is_counter(name, strlen(name), size != 0, e->rank, e->dim);
}

/* `shown` is the name, fit for messages. */
static dmx_status add_entry(dmx_load *load, const entry *e, const char *name,
                            const char *shown, size_t base)
{
    dmx_dtype dtype = DMX_F32;
    uint64_t bytes;
    DMX_FORWARD(type_of(&dtype, load, shown, e->dtype));
    dmx_tensor *t = NULL;
    DMX_FORWARD(dmx_load_tensor(&t, load, name, strlen(name), e->rank, e->dim));
    t->dtype = dtype;
    if (!lay_out(t, &bytes) || (uint64_t)(e->range[1] - e->range[0]) != bytes ||
        (uint64_t)e->range[1] > load->size - base)
        return dmx_fail_at(load->err, DMX_ERROR_FORMAT,
                           (int64_t)base + e->range[0],
                           "weight %s: its data_offsets do not fit its shape "
                           "or the file; the file is damaged or truncated",
                           t->name);
    t->data = load->data + base + (size_t)e->range[0];
    return DMX_OK;
}

static dmx_status read_entry(int64_t range[2], dmx_load *load,
                             const dmx_json *json, size_t base)
{
    char shown[SHOWN];
    entry e = {0};
    dmx_text_show(shown, sizeof shown, json->string, strlen(json->string));
    DMX_RETURN_IF(!parse_entry(&e, json), load->err, DMX_ERROR_FORMAT,
                  "safetensors header: weight %s: dtype, shape or data_offsets "
                  "missing, malformed or there twice",
                  shown);
    memcpy(range, e.range, sizeof e.range);
    if (is_counter(&e, json->string)) {
        dmx_load_skip(load, json->string, strlen(json->string));
        return DMX_OK;
    }
    return add_entry(load, &e, json->string, shown, base);
}

/* -------------------------------------------------------------- whole file */

static int by_start(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return x[0] != y[0] ? (x[0] > y[0] ? 1 : -1)
                        : (x[1] > y[1]) - (x[1] < y[1]);
}

/* The tensors fill the file from the header to its end, without gap or
 * overlap, as the format demands: nothing can hide between them. */
static dmx_status check_ranges(dmx_load *load, int64_t (*range)[2], size_t n,
                               size_t base)
{
    int64_t end = 0;
    qsort(range, n, sizeof *range, by_start);
    for (size_t i = 0; i < n; i++) {
        if (range[i][0] != end)
            return dmx_fail_at(load->err, DMX_ERROR_FORMAT, (int64_t)base + end,
                               "safetensors file: tensors %s at byte %lld of "
                               "the data; the file is damaged",
                               range[i][0] < end ? "overlap" : "leave a gap",
                               (long long)end);
        end = range[i][1];
    }
    if ((uint64_t)end != load->size - base)
        return dmx_fail_at(load->err, DMX_ERROR_FORMAT, (int64_t)base + end,
                           "safetensors file: its tensors end at byte %lld of "
                           "%zu; the file is damaged or truncated",
                           (long long)((int64_t)base + end), load->size);
    return DMX_OK;
}

/* ---------------------------------------------------------------- metadata */

static const char *metadata_text(const dmx_json *metadata, const char *key)
{
    const dmx_json *item = dmx_json_get(metadata, key);
    return dmx_json_is_string(item) ? item->valuestring : NULL;
}

/* "demucs.htdemucs.HTDemucs" into module and name. */
static dmx_status set_class(dmx_load *load, const char *klass)
{
    struct dmx_checkpoint *c = load->checkpoint;
    const size_t size = strlen(klass);
    const char *dot = strrchr(klass, '.');
    DMX_RETURN_IF(dot == NULL || dot == klass || dot[1] == '\0' ||
                      size > DMX_PICKLE_MAX_NAME ||
                      !dmx_text_clean(klass, size),
                  load->err, DMX_ERROR_FORMAT,
                  "safetensors metadata: klass is not a class name");
    c->klass_module =
        dmx_arena_strndup(load->arena, klass, (size_t)(dot - klass));
    c->klass_name = dmx_arena_strndup(load->arena, dot + 1, strlen(dot + 1));
    DMX_RETURN_IF(c->klass_module == NULL || c->klass_name == NULL, load->err,
                  DMX_ERROR_MEMORY, "no memory for the class");
    return DMX_OK;
}

static dmx_status set_json(dmx_json **out, dmx_load *load,
                           const dmx_json *metadata, const char *key,
                           const char *missing)
{
    const char *text = metadata_text(metadata, key);
    if (text == NULL)
        text = missing;
    DMX_FORWARD(
        dmx_json_parse(out, text, strlen(text), LENGTH_BYTES, key, load->err));
    DMX_RETURN_IF(missing[0] == '[' ? !dmx_json_is_array(*out)
                                    : !dmx_json_is_object(*out),
                  load->err, DMX_ERROR_FORMAT,
                  "safetensors metadata: %s is not a JSON %s", key,
                  missing[0] == '[' ? "array" : "object");
    DMX_RETURN_IF(!dmx_json_clean(*out), load->err, DMX_ERROR_FORMAT,
                  "safetensors metadata: %s holds control characters", key);
    return DMX_OK;
}

/* Texts only, and of those that are read only one each. */
static dmx_status check_metadata(dmx_load *load, const dmx_json *metadata)
{
    static const char *const names[] = {"klass", "args", "kwargs", "structure"};
    int seen[4] = {0};
    DMX_RETURN_IF(!dmx_json_is_object(metadata), load->err, DMX_ERROR_FORMAT,
                  "safetensors header: __metadata__ is no object");
    for (const dmx_json *i = metadata->child; i != NULL; i = i->next) {
        DMX_RETURN_IF(!dmx_json_is_string(i), load->err, DMX_ERROR_FORMAT,
                      "safetensors metadata: not all values are texts");
        for (int k = 0; k < 4; k++)
            DMX_RETURN_IF(strcmp(i->string, names[k]) == 0 && seen[k]++ != 0,
                          load->err, DMX_ERROR_FORMAT,
                          "safetensors metadata: %s is there twice", names[k]);
    }
    return DMX_OK;
}

static dmx_status read_metadata(dmx_load *load, const dmx_json *metadata)
{
    struct dmx_checkpoint *c = load->checkpoint;
    DMX_FORWARD(check_metadata(load, metadata));
    const char *klass = metadata_text(metadata, "klass");
    if (klass == NULL)
        return DMX_OK;
    DMX_FORWARD(set_class(load, klass));
    DMX_FORWARD(set_json(&c->args, load, metadata, "args", "[]"));
    return set_json(&c->kwargs, load, metadata, "kwargs", "{}");
}

static dmx_status read_entries(int64_t (*range)[2], size_t *n, dmx_load *load,
                               const dmx_json *header, size_t base)
{
    bool described = false;
    for (const dmx_json *i = header->child; i != NULL; i = i->next) {
        if (strcmp(i->string, "__metadata__") != 0) {
            DMX_FORWARD(read_entry(range[(*n)++], load, i, base));
            continue;
        }
        DMX_RETURN_IF(described, load->err, DMX_ERROR_FORMAT,
                      "safetensors header: __metadata__ is there twice");
        described = true;
        DMX_FORWARD(read_metadata(load, i));
    }
    return DMX_OK;
}

/* -------------------------------------------------------------- quantized */

/* Any type's element size and dmx_dtype; false: an unknown type. */
static bool flat_type(dmx_flat_tensor *t, const dmx_json *dtype)
{
    const char *text = dmx_json_text_of(dtype);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (text != NULL && strcmp(text, types[i].name) == 0) {
            t->dtype = types[i].dtype;
            t->item_size = (int)dmx_dtype_size(types[i].dtype);
            return true;
        }
    t->dtype = -1;
    t->item_size = (int)integer_size(dtype);
    return t->item_size != 0;
}

static bool flat_tensor(dmx_flat_tensor *t, const dmx_load *load,
                        const entry *e, const char *name, size_t base)
{
    t->name = name;
    t->rank = e->rank;
    t->count = 1;
    memcpy(t->dim, e->dim, sizeof t->dim);
    for (int i = e->rank; i-- > 0;) {
        t->stride[i] = t->count;
        if (dmx_mul_overflow(&t->count, t->count, e->dim[i]))
            return false;
    }
    t->at = base + (size_t)e->range[0];
    uint64_t bytes;
    return flat_type(t, e->dtype) &&
           !dmx_mul_overflow(&bytes, (uint64_t)t->count,
                             (uint64_t)t->item_size) &&
           bytes == (uint64_t)(e->range[1] - e->range[0]) &&
           (uint64_t)e->range[1] <= load->size - base;
}

static int by_flat_name(const void *a, const void *b)
{
    return strcmp(((const dmx_flat_tensor *)a)->name,
                  ((const dmx_flat_tensor *)b)->name);
}

static dmx_status locate_flat(size_t *offset, size_t *size, dmx_load *load,
                              const dmx_storage *storage)
{
    (void)load;
    *offset = storage->at;
    *size = (size_t)storage->count * (size_t)storage->item_size;
    return DMX_OK;
}

/* Tensors of a quantized state: of any type, their names only places in the
 * structure. */
static dmx_status read_flat(dmx_flat_tensor *flat, int64_t (*range)[2],
                            size_t *n, dmx_load *load, const dmx_json *header,
                            size_t base)
{
    for (const dmx_json *i = header->child; i != NULL; i = i->next) {
        entry e = {0};
        if (strcmp(i->string, "__metadata__") == 0)
            continue;
        DMX_RETURN_IF(!parse_entry(&e, i) ||
                          !flat_tensor(&flat[*n], load, &e, i->string, base),
                      load->err, DMX_ERROR_FORMAT,
                      "safetensors header: tensor %zu of a quantized state has "
                      "a type, shape or data_offsets that do not fit",
                      *n);
        memcpy(range[(*n)++], e.range, sizeof e.range);
    }
    DMX_FORWARD(check_ranges(load, range, *n, base));
    qsort(flat, *n, sizeof *flat, by_flat_name);
    for (size_t i = 1; i < *n; i++)
        DMX_RETURN_IF(by_flat_name(&flat[i - 1], &flat[i]) == 0, load->err,
                      DMX_ERROR_FORMAT,
                      "safetensors header: a tensor is there twice");
    return DMX_OK;
}

static dmx_status read_structure(dmx_load *load, const dmx_flat_tensor *flat,
                                 size_t n, const char *text)
{
    dmx_json *structure = NULL;
    dmx_pickled *state = NULL;
    DMX_FORWARD(dmx_json_parse(&structure, text, strlen(text), LENGTH_BYTES,
                               "structure", load->err));
    const dmx_status status =
        dmx_structure_value(&state, load, structure, flat, n);
    dmx_json_free(structure);
    DMX_FORWARD(status);
    DMX_RETURN_IF(!dmx_is_quantized(state), load->err, DMX_ERROR_UNSUPPORTED,
                  "safetensors metadata: structure is no quantized state");
    return dmx_load_quantized(&load->checkpoint->quantized, load, state,
                              locate_flat);
}

static dmx_status read_quantized(dmx_load *load, const dmx_json *header,
                                 size_t base, const char *structure)
{
    const dmx_json *metadata = dmx_json_get(header, "__metadata__");
    const size_t most = (size_t)dmx_json_count(header);
    dmx_flat_tensor *flat = calloc(most + 1, sizeof *flat);
    int64_t(*range)[2] = calloc(most + 1, sizeof *range);
    size_t n = 0;
    dmx_status status = flat == NULL || range == NULL
                            ? dmx_fail(load->err, DMX_ERROR_MEMORY,
                                       "no memory for a safetensors header")
                            : read_metadata(load, metadata);
    if (status == DMX_OK)
        status = read_flat(flat, range, &n, load, header, base);
    if (status == DMX_OK)
        status = read_structure(load, flat, n, structure);
    free(flat);
    free(range);
    return status;
}

static dmx_status read_header(dmx_load *load, const dmx_json *header,
                              size_t base)
{
    DMX_RETURN_IF(!dmx_json_is_object(header), load->err, DMX_ERROR_FORMAT,
                  "safetensors header: not a JSON object");
    const char *structure =
        metadata_text(dmx_json_get(header, "__metadata__"), "structure");
    if (structure != NULL)
        return read_quantized(load, header, base, structure);
    size_t n = 0;
    for (const dmx_json *i = header->child; i != NULL; i = i->next)
        n++;
    int64_t(*range)[2] = calloc(n + 1, sizeof *range);
    DMX_RETURN_IF(range == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for a safetensors header");
    n = 0;
    dmx_status status = read_entries(range, &n, load, header, base);
    if (status == DMX_OK)
        status = check_ranges(load, range, n, base);
    free(range);
    DMX_FORWARD(status);
    DMX_RETURN_IF(load->checkpoint->n_tensor == 0, load->err, DMX_ERROR_MODEL,
                  "the safetensors file holds no weights");
    return load->weights != NULL ? dmx_load_group(load) : DMX_OK;
}

dmx_status dmx_load_safetensors(dmx_load *load)
{
    load->checkpoint->container = DMX_CONTAINER_SAFETENSORS;
    const uint64_t length = dmx_le64(load->data);
    DMX_RETURN_IF(length > MAX_HEADER, load->err, DMX_ERROR_LIMIT,
                  "safetensors header of %llu bytes; the limit is %llu",
                  (unsigned long long)length, (unsigned long long)MAX_HEADER);
    DMX_RETURN_IF(length > load->size - LENGTH_BYTES, load->err,
                  DMX_ERROR_FORMAT,
                  "truncated safetensors file: a header of %llu bytes, %zu are "
                  "left",
                  (unsigned long long)length, load->size - LENGTH_BYTES);
    dmx_json *header = NULL;
    DMX_FORWARD(dmx_json_parse(&header, (const char *)load->data + LENGTH_BYTES,
                               (size_t)length, LENGTH_BYTES, "header",
                               load->err));
    const dmx_status status =
        read_header(load, header, LENGTH_BYTES + (size_t)length);
    dmx_json_free(header);
    return status;
}
