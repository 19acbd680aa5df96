/* The parts of a safetensors header: each must be there once, in its place. */
#include "checkpoint/bytes.h"
#include "checkpoint/safetensors_parts.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    dmx_dtype dtype;
} types[] = {
    {"F16", DMX_F16}, {"BF16", DMX_BF16}, {"F32", DMX_F32},
    {"F64", DMX_F64}, {"I64", DMX_I64},
};

/* Types that weights do not have, with their sizes: counters may. */
static const struct {
    const char *name;
    uint64_t size;
} other_types[] = {
    {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"I16", 2},
    {"U16", 2},  {"I32", 4}, {"U32", 4}, {"U64", 8},
};

uint64_t dmx_safetensors_integer(const dmx_json *dtype)
{
    const char *text = dmx_json_is_string(dtype) ? dtype->valuestring : "";
    for (size_t i = 0; i < sizeof other_types / sizeof other_types[0]; i++)
        if (strcmp(text, other_types[i].name) == 0)
            return other_types[i].size;
    return strcmp(text, "I64") == 0 ? 8 : 0;
}

bool dmx_safetensors_type(dmx_dtype *out, const dmx_json *dtype)
{
    const char *text = dmx_json_is_string(dtype) ? dtype->valuestring : "";
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(text, types[i].name) == 0) {
            *out = types[i].dtype;
            return true;
        }
    return false;
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

/* Reads the numbers of a JSON array into out[max]; returns their count, or -1.
 */
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

bool dmx_safetensors_entry_read(dmx_safetensors_entry *e, const dmx_json *json)
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

/* -------------------------------------------------------------- whole file */

static int by_start(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return x[0] != y[0] ? (x[0] > y[0] ? 1 : -1)
                        : (x[1] > y[1]) - (x[1] < y[1]);
}

dmx_status dmx_safetensors_check_ranges(dmx_load *load, int64_t (*range)[2],
                                        size_t n, size_t base)
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

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static dmx_status check_sorted(dmx_load *load, const char *const *name,
                               size_t n)
{
    char shown[96];
    for (size_t i = 1; i < n; i++)
        DMX_RETURN_IF(
            strcmp(name[i - 1], name[i]) == 0, load->err, DMX_ERROR_FORMAT,
            "safetensors header: %s is there twice",
            dmx_text_show(shown, sizeof shown, name[i], strlen(name[i])));
    return DMX_OK;
}

dmx_status dmx_safetensors_check_names(dmx_load *load, const dmx_json *header)
{
    size_t n = 0;
    const char **name =
        calloc((size_t)dmx_json_count(header) + 1, sizeof *name);
    DMX_RETURN_IF(name == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for a safetensors header");
    for (const dmx_json *i = header->child; i != NULL; i = i->next)
        name[n++] = i->string;
    qsort(name, n, sizeof *name, by_text);
    const dmx_status status = check_sorted(load, name, n);
    free(name);
    return status;
}
