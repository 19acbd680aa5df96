/* .safetensors: eight bytes of header length, a JSON header, the tensor data.
 * Source: the format section of the safetensors project's README. */
#include "checkpoint/bytes.h"
#include "checkpoint/safetensors_parts.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN      96 /* bytes of a name in a message */
#define MAX_HEADER ((uint64_t)4 << 20)

bool dmx_looks_like_safetensors(const unsigned char *data, size_t size)
{
    return size > DMX_SAFETENSORS_LENGTH &&
           data[DMX_SAFETENSORS_LENGTH] == '{' && dmx_le64(data) >> 40 == 0;
}

static dmx_status type_of(dmx_dtype *out, dmx_load *load, const char *name,
                          const dmx_json *dtype)
{
    char shown[SHOWN];
    const char *text =
        dmx_json_is_string(dtype) ? dtype->valuestring : "missing";
    DMX_RETURN_IF(!dmx_safetensors_type(out, dtype), load->err,
                  DMX_ERROR_UNSUPPORTED,
                  "weight %s has dtype %s; F16, BF16, F32, F64 and I64 are "
                  "read",
                  name, dmx_text_show(shown, sizeof shown, text, strlen(text)));
    return DMX_OK;
}

/* Sets row-major strides and computes the size in bytes; false on overflow. */
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

static bool is_counter(const dmx_safetensors_entry *e, const char *name)
{
    const uint64_t size = dmx_safetensors_integer(e->dtype);
    return (uint64_t)(e->range[1] - e->range[0]) == (size != 0 ? size : 4) &&
           dmx_is_counter(name, strlen(name), size != 0, e->rank, e->dim);
}

/* `shown` is the printable name, for messages. */
static dmx_status add_entry(dmx_load *load, const dmx_safetensors_entry *e,
                            const char *name, const char *shown, size_t base)
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
    dmx_load_place(load, t, base + (size_t)e->range[0]);
    return DMX_OK;
}

static dmx_status read_entry(int64_t range[2], dmx_load *load,
                             const dmx_json *json, size_t base)
{
    char shown[SHOWN];
    dmx_safetensors_entry e = {0};
    dmx_text_show(shown, sizeof shown, json->string, strlen(json->string));
    DMX_RETURN_IF(!dmx_safetensors_entry_read(&e, json), load->err,
                  DMX_ERROR_FORMAT,
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

static dmx_status read_entries(int64_t (*range)[2], size_t *n, dmx_load *load,
                               const dmx_json *header, size_t base)
{
    for (const dmx_json *i = header->child; i != NULL; i = i->next)
        if (strcmp(i->string, "__metadata__") == 0)
            DMX_FORWARD(dmx_safetensors_metadata(load, i));
        else
            DMX_FORWARD(read_entry(range[(*n)++], load, i, base));
    return DMX_OK;
}

static dmx_status read_header(dmx_load *load, const dmx_json *header,
                              size_t base)
{
    DMX_RETURN_IF(!dmx_json_is_object(header), load->err, DMX_ERROR_FORMAT,
                  "safetensors header: not a JSON object");
    DMX_FORWARD(dmx_safetensors_check_names(load, header));
    const char *structure =
        dmx_safetensors_text(dmx_json_get(header, "__metadata__"), "structure");
    if (structure != NULL)
        return dmx_safetensors_quantized(load, header, base, structure);
    size_t n = 0;
    int64_t(*range)[2] =
        calloc((size_t)dmx_json_count(header) + 1, sizeof *range);
    DMX_RETURN_IF(range == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for a safetensors header");
    dmx_status status = read_entries(range, &n, load, header, base);
    if (status == DMX_OK)
        status = dmx_safetensors_check_ranges(load, range, n, base);
    free(range);
    DMX_FORWARD(status);
    DMX_RETURN_IF(load->checkpoint->n_tensor == 0, load->err, DMX_ERROR_MODEL,
                  "the safetensors file holds no weights");
    return load->weights != NULL ? dmx_load_group(load) : DMX_OK;
}

dmx_status dmx_load_safetensors(dmx_load *load)
{
    load->checkpoint->container = DMX_CONTAINER_SAFETENSORS;
    const uint64_t length = dmx_le64(load->head);
    DMX_RETURN_IF(length > MAX_HEADER, load->err, DMX_ERROR_LIMIT,
                  "safetensors header of %llu bytes; the limit is %llu",
                  (unsigned long long)length, (unsigned long long)MAX_HEADER);
    DMX_RETURN_IF(length > load->size - DMX_SAFETENSORS_LENGTH, load->err,
                  DMX_ERROR_FORMAT,
                  "truncated safetensors file: a header of %llu bytes, %zu are "
                  "left",
                  (unsigned long long)length,
                  load->size - DMX_SAFETENSORS_LENGTH);
    const unsigned char *text = NULL;
    dmx_json *header = NULL;
    DMX_FORWARD(dmx_image_view(&text, &load->image, DMX_SAFETENSORS_LENGTH,
                               (size_t)length, load->err));
    DMX_FORWARD(dmx_json_parse(&header, (const char *)text, (size_t)length,
                               DMX_SAFETENSORS_LENGTH, "header", load->err));
    const dmx_status status =
        read_header(load, header, DMX_SAFETENSORS_LENGTH + (size_t)length);
    dmx_json_free(header);
    return status;
}
