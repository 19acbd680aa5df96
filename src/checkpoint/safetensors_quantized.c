/* A quantized state in a safetensors file. */
#include "checkpoint/quantized.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_parts.h"

#include <stdlib.h>
#include <string.h>

/* Element size and dmx_dtype of any type; false: an unknown type. */
static bool flat_type(dmx_flat_tensor *t, const dmx_json *dtype)
{
    dmx_dtype known;
    if (dmx_safetensors_type(&known, dtype)) {
        t->dtype = (int)known;
        t->item_size = (int)dmx_dtype_size(known);
        return true;
    }
    t->dtype = -1;
    t->item_size = (int)dmx_safetensors_integer(dtype);
    return t->item_size != 0;
}

static bool flat_tensor(dmx_flat_tensor *t, const dmx_load *load,
                        const dmx_safetensors_entry *e, const char *name,
                        size_t base)
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

/* Reads the tensors of a quantized state, of any type; their names only mark
 * places in the structure. */
static dmx_status read_flat(dmx_flat_tensor *flat, int64_t (*range)[2],
                            size_t *n, dmx_load *load, const dmx_json *header,
                            size_t base)
{
    for (const dmx_json *i = header->child; i != NULL; i = i->next) {
        dmx_safetensors_entry e = {0};
        if (strcmp(i->string, "__metadata__") == 0)
            continue;
        DMX_RETURN_IF(!dmx_safetensors_entry_read(&e, i) ||
                          !flat_tensor(&flat[*n], load, &e, i->string, base),
                      load->err, DMX_ERROR_FORMAT,
                      "safetensors header: tensor %zu of a quantized state has "
                      "a type, shape or data_offsets that do not fit",
                      *n);
        memcpy(range[(*n)++], e.range, sizeof e.range);
    }
    DMX_FORWARD(dmx_safetensors_check_ranges(load, range, *n, base));
    qsort(flat, *n, sizeof *flat, by_flat_name);
    return DMX_OK;
}

static dmx_status read_structure(dmx_load *load, const dmx_flat_tensor *flat,
                                 size_t n, const char *text)
{
    dmx_json *structure = NULL;
    dmx_pickled *state = NULL;
    DMX_FORWARD(dmx_json_parse(&structure, text, strlen(text),
                               DMX_SAFETENSORS_LENGTH, "structure", load->err));
    const dmx_status status =
        dmx_structure_value(&state, load, structure, flat, n);
    dmx_json_free(structure);
    DMX_FORWARD(status);
    DMX_RETURN_IF(!dmx_is_quantized(state), load->err, DMX_ERROR_UNSUPPORTED,
                  "safetensors metadata: structure is no quantized state");
    return dmx_load_quantized(&load->checkpoint->quantized, load, state,
                              locate_flat);
}

dmx_status dmx_safetensors_quantized(dmx_load *load, const dmx_json *header,
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
                            : dmx_safetensors_metadata(load, metadata);
    if (status == DMX_OK)
        status = read_flat(flat, range, &n, load, header, base);
    if (status == DMX_OK)
        status = read_structure(load, flat, n, structure);
    free(flat);
    free(range);
    return status;
}
