/* State dicts: named tensors, checked against the bytes they claim. */
#include "checkpoint/bytes.h"
#include "checkpoint/load.h"

#include <string.h>

enum { SHOWN = 96 };

/* Counts the elements of a shape against the total budget of all tensors. */
static dmx_status count_elements(dmx_load *load, const char *name, int rank,
                                 const int64_t *dim)
{
    uint64_t count = 1, total;
    const uint64_t budget = load->size + DMX_STATE_SPARE_ELEMENTS;
    for (int i = 0; i < rank; i++)
        if (dim[i] < 0)
            DMX_RETURN_ERROR(load->err, DMX_ERROR_FORMAT,
                             "weight %s has a negative dimension", name);
    for (int i = 0; i < rank; i++)
        if (dim[i] == 0)
            return DMX_OK;
    for (int i = 0; i < rank; i++)
        if (dmx_mul_overflow(&count, count, (uint64_t)dim[i]) || count > budget)
            count = UINT64_MAX;
    DMX_RETURN_IF(
        dmx_add_overflow(&total, count, load->elements) || total > budget,
        load->err, DMX_ERROR_LIMIT,
        "weight %s claims more elements than the file can hold", name);
    load->elements = total;
    return DMX_OK;
}

static dmx_status copy_name(char **out, dmx_load *load, const char *name,
                            size_t size)
{
    char shown[SHOWN];
    DMX_RETURN_IF(size == 0 || !dmx_text_clean(name, size), load->err,
                  DMX_ERROR_FORMAT, "a weight's name is no plain text: \"%s\"",
                  dmx_text_show(shown, sizeof shown, name, size));
    DMX_RETURN_IF(size > DMX_STATE_MAX_NAME, load->err, DMX_ERROR_LIMIT,
                  "a weight's name has %zu bytes, the limit is %zu: \"%s\"",
                  size, DMX_STATE_MAX_NAME,
                  dmx_text_show(shown, sizeof shown, name, size));
    *out = dmx_arena_strndup(load->arena, name, size);
    DMX_RETURN_IF(*out == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for a weight's name");
    return DMX_OK;
}

dmx_status dmx_load_tensor(dmx_tensor **out, dmx_load *load, const char *name,
                           size_t name_size, int rank, const int64_t *dim)
{
    struct dmx_checkpoint *c = load->checkpoint;
    char *copy = NULL;
    DMX_FORWARD(copy_name(&copy, load, name, name_size));
    DMX_RETURN_IF(c->n_tensor == DMX_STATE_MAX_TENSORS, load->err,
                  DMX_ERROR_LIMIT, "more than %zu weights",
                  DMX_STATE_MAX_TENSORS);
    DMX_RETURN_IF(rank > DMX_TENSOR_RANK, load->err, DMX_ERROR_UNSUPPORTED,
                  "weight %s has %d dimensions, the limit is %d", copy, rank,
                  DMX_TENSOR_RANK);
    DMX_FORWARD(count_elements(load, copy, rank, dim));
    DMX_RETURN_IF(!dmx_grow(&c->tensor, &load->capacity, c->n_tensor + 1,
                            sizeof *c->tensor),
                  load->err, DMX_ERROR_MEMORY, "no memory for weight %s", copy);
    dmx_tensor *t = &c->tensor[c->n_tensor++];
    *t = (dmx_tensor){.name = copy, .rank = rank};
    if (rank > 0)
        memcpy(t->dim, dim, (size_t)rank * sizeof *dim);
    *out = t;
    return DMX_OK;
}

dmx_status dmx_load_needs_all(dmx_load *load)
{
    if (load->data != NULL)
        return DMX_OK;
    load->needs_all = true;
    DMX_RETURN_ERROR(load->err, DMX_ERROR_UNSUPPORTED,
                     "this kind of checkpoint is not read by ranges");
}

void dmx_load_place(const dmx_load *load, dmx_tensor *t, size_t offset)
{
    if (load->data != NULL) {
        t->data = load->data + offset;
        return;
    }
    t->source = load->image.source;
    t->offset = offset;
}

/* A tuple of integers into numbers[DMX_TENSOR_RANK]; -1: too many, -2: none */
static int numbers_of(int64_t *out, const dmx_pickled *v)
{
    if (v->kind != DMX_PICKLED_TUPLE && v->kind != DMX_PICKLED_LIST)
        return -2;
    if (v->as.list.count > DMX_TENSOR_RANK)
        return -1;
    for (uint32_t i = 0; i < v->as.list.count; i++) {
        if (v->as.list.item[i]->kind != DMX_PICKLED_INT)
            return -2;
        out[i] = v->as.list.item[i]->as.integer;
    }
    return (int)v->as.list.count;
}

/* The index of the last element that the view reaches, plus one; false when it
 * is negative or overflows. */
static bool extent(int64_t *out, const dmx_tensor *t, int64_t offset)
{
    int64_t last = offset;
    for (int i = 0; i < t->rank; i++) {
        int64_t step;
        if (t->dim[i] == 0) {
            *out = offset;
            return offset >= 0;
        }
        if (t->stride[i] < 0 ||
            dmx_mul_overflow(&step, t->dim[i] - 1, t->stride[i]) ||
            dmx_add_overflow(&last, last, step))
            return false;
    }
    return offset >= 0 && !dmx_add_overflow(out, last, (int64_t)1);
}

/* Points the tensor at its first element inside the storage's bytes. */
static dmx_status place(dmx_load *load, dmx_tensor *t, const dmx_storage *s,
                        int64_t offset, dmx_locate *locate)
{
    size_t at = 0, bytes = 0, needed;
    int64_t end = 0;
    char key[SHOWN];
    DMX_RETURN_IF(s->dtype < 0, load->err, DMX_ERROR_UNSUPPORTED,
                  "weight %s is a torch.%s; float16, bfloat16, float32, "
                  "float64 and int64 are read",
                  t->name, s->type);
    t->dtype = (dmx_dtype)s->dtype;
    if (!extent(&end, t, offset) || end > s->view_size)
        return dmx_fail_at(load->err, DMX_ERROR_FORMAT, (int64_t)s->at,
                           "weight %s reaches outside its storage %s of %lld "
                           "elements",
                           t->name,
                           dmx_text_show(key, sizeof key, s->key, s->key_size),
                           (long long)s->view_size);
    DMX_FORWARD(locate(&at, &bytes, load, s));
    if (dmx_mul_overflow(&needed, (size_t)s->count, (size_t)s->item_size) ||
        needed > bytes)
        return dmx_fail_at(load->err, DMX_ERROR_FORMAT, (int64_t)at,
                           "weight %s: its storage %s should have %lld "
                           "elements but has %zu bytes; the file is damaged",
                           t->name,
                           dmx_text_show(key, sizeof key, s->key, s->key_size),
                           (long long)s->count, bytes);
    if ((uint64_t)(end - offset) > dmx_tensor_count(t))
        DMX_FORWARD(dmx_load_needs_all(load)); /* it lies scattered */
    dmx_load_place(load, t,
                   at + (size_t)(s->view + offset) * (size_t)s->item_size);
    return DMX_OK;
}

static dmx_status read_tensor(dmx_load *load, const dmx_pickled *key,
                              const dmx_pickled *value, dmx_locate *locate)
{
    dmx_pickled *const *argument = value->as.tensor.arguments->as.list.item;
    int64_t dim[DMX_TENSOR_RANK] = {0}, stride[DMX_TENSOR_RANK] = {0};
    const int rank = numbers_of(dim, argument[2]);
    const bool sound = argument[1]->kind == DMX_PICKLED_INT && rank >= 0 &&
                       numbers_of(stride, argument[3]) == rank;
    char shown[SHOWN];
    DMX_RETURN_IF(!sound, load->err,
                  rank == -1 ? DMX_ERROR_UNSUPPORTED : DMX_ERROR_FORMAT,
                  "weight %s: %s",
                  dmx_text_show(shown, sizeof shown, key->as.text.data,
                                key->as.text.size),
                  rank == -1 ? "more than 8 dimensions"
                             : "malformed offset, shape or strides");
    dmx_tensor *t = NULL;
    DMX_FORWARD(dmx_load_tensor(&t, load, key->as.text.data, key->as.text.size,
                                rank, dim));
    memcpy(t->stride, stride, sizeof t->stride);
    return place(load, t, value->as.tensor.storage, argument[1]->as.integer,
                 locate);
}

/* Does a storage hold integers or booleans? */
static bool integers(const dmx_storage *s)
{
    static const char *const types[] = {
        "LongStorage", "IntStorage",  "ShortStorage",
        "CharStorage", "ByteStorage", "BoolStorage",
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (s->item_size > 0 && strcmp(s->type, types[i]) == 0)
            return true;
    return false;
}

static bool pickled_counter(const dmx_pickled *key, const dmx_pickled *value)
{
    dmx_pickled *const *argument = value->as.tensor.arguments->as.list.item;
    int64_t dim[DMX_TENSOR_RANK] = {0};
    const int rank = numbers_of(dim, argument[2]);
    return rank >= 0 &&
           dmx_is_counter(key->as.text.data, key->as.text.size,
                          integers(value->as.tensor.storage), rank, dim);
}

static void warn_ignored(dmx_load *load, const dmx_pickled *key,
                         const dmx_pickled *value, uint32_t count)
{
    char shown[SHOWN];
    const bool named = key->kind == DMX_PICKLED_STRING;
    dmx_warn(load->hooks,
             "%s: %u entries of the state dict are no tensors and ignored, "
             "the first is %s: %s",
             load->checkpoint->path, count,
             named ? dmx_text_show(shown, sizeof shown, key->as.text.data,
                                   key->as.text.size)
                   : dmx_pickled_describe(key),
             dmx_pickled_describe(value));
}

dmx_status dmx_load_state(dmx_load *load, const dmx_pickled *state,
                          dmx_locate *locate)
{
    dmx_pickled *const *item = state->as.list.item;
    uint32_t ignored = 0, first = 0;
    for (uint32_t i = 0; i + 1 < state->as.list.count; i += 2) {
        if (item[i + 1]->kind != DMX_PICKLED_TENSOR) {
            if (ignored++ == 0)
                first = i;
            continue;
        }
        DMX_RETURN_IF(item[i]->kind != DMX_PICKLED_STRING, load->err,
                      DMX_ERROR_FORMAT, "a weight's name is %s, not a text",
                      dmx_pickled_describe(item[i]));
        if (pickled_counter(item[i], item[i + 1]))
            dmx_load_skip(load, item[i]->as.text.data, item[i]->as.text.size);
        else
            DMX_FORWARD(read_tensor(load, item[i], item[i + 1], locate));
    }
    if (ignored != 0)
        warn_ignored(load, item[first], item[first + 1], ignored);
    DMX_RETURN_IF(load->checkpoint->n_tensor == 0, load->err, DMX_ERROR_MODEL,
                  "the state dict holds no weights");
    return DMX_OK;
}
