/* Converts the nested structure of a quantized state, which Demucs 4.1 stores
 * as JSON beside flat tensors, to the value that a pickle of it would yield.
 * Source: tools/export_hf.py of Demucs 4.1. */
#include "checkpoint/safetensors.h"

#include <stdlib.h>
#include <string.h>

/* A node still to be filled. An explicit list instead of recursion: the number
 * of nodes is bounded. */
typedef struct task {
    const dmx_json *json;
    dmx_pickled *out;
} task;

typedef struct builder {
    dmx_load *load;
    const dmx_flat_tensor *tensor; /* sorted by name */
    size_t n_tensor;
    task *stack;
    size_t n, capacity;
} builder;

static dmx_status malformed(const builder *b)
{
    DMX_RETURN_ERROR(b->load->err, DMX_ERROR_FORMAT,
                     "safetensors metadata: structure is malformed");
}

static void *make(const builder *b, size_t count, size_t size)
{
    return dmx_arena_alloc(&b->load->pickle.arena, count, size);
}

static dmx_status no_memory(const builder *b)
{
    DMX_RETURN_ERROR(b->load->err, DMX_ERROR_MEMORY,
                     "no memory for a quantized state");
}

/* Allocates the n items of a container. */
static dmx_status make_items(const builder *b, dmx_pickled *out,
                             dmx_pickled_kind kind, size_t n)
{
    dmx_pickled *item = make(b, n + 1, sizeof *item);
    out->kind = (uint8_t)kind;
    out->as.list.item = make(b, n + 1, sizeof *out->as.list.item);
    if (item == NULL || out->as.list.item == NULL)
        return no_memory(b);
    out->as.list.count = out->as.list.capacity = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        out->as.list.item[i] = &item[i];
    return DMX_OK;
}

static dmx_status push(builder *b, const dmx_json *json, dmx_pickled *out)
{
    if (!dmx_grow(&b->stack, &b->capacity, b->n + 1, sizeof *b->stack))
        return no_memory(b);
    b->stack[b->n++] = (task){json, out};
    return DMX_OK;
}

static dmx_status fill_list(builder *b, const dmx_json *array, dmx_pickled *out,
                            dmx_pickled_kind kind)
{
    const dmx_json *item;
    size_t i = 0;
    if (!dmx_json_is_array(array))
        return malformed(b);
    DMX_FORWARD(make_items(b, out, kind, (size_t)dmx_json_count(array)));
    DMX_JSON_EACH (item, array)
        DMX_FORWARD(push(b, item, out->as.list.item[i++]));
    return DMX_OK;
}

/* [[key, value], ...] */
static dmx_status fill_dict(builder *b, const dmx_json *array, dmx_pickled *out)
{
    const dmx_json *pair;
    size_t i = 0;
    if (!dmx_json_is_array(array))
        return malformed(b);
    DMX_FORWARD(make_items(b, out, DMX_PICKLED_DICT,
                           2 * (size_t)dmx_json_count(array)));
    DMX_JSON_EACH (pair, array) {
        if (!dmx_json_is_array(pair) || dmx_json_count(pair) != 2)
            return malformed(b);
        DMX_FORWARD(push(b, pair->child, out->as.list.item[i++]));
        DMX_FORWARD(push(b, pair->child->next, out->as.list.item[i++]));
    }
    return DMX_OK;
}

static int compare_name(const void *name, const void *element)
{
    return strcmp(name, ((const dmx_flat_tensor *)element)->name);
}

static dmx_status fill_numbers(const builder *b, dmx_pickled *out,
                               const int64_t *value, int n)
{
    DMX_FORWARD(make_items(b, out, DMX_PICKLED_TUPLE, (size_t)n));
    for (int i = 0; i < n; i++)
        *out->as.list.item[i] =
            (dmx_pickled){.kind = DMX_PICKLED_INT, .as.integer = value[i]};
    return DMX_OK;
}

/* The arguments of _rebuild_tensor_v2: storage, 0, sizes, strides. */
static dmx_status fill_tensor(const builder *b, const char *name,
                              dmx_pickled *out)
{
    const dmx_flat_tensor *t = name == NULL
                                   ? NULL
                                   : bsearch(name, b->tensor, b->n_tensor,
                                             sizeof *b->tensor, compare_name);
    dmx_storage *s = make(b, 1, sizeof *s);
    dmx_pickled *arguments = make(b, 1, sizeof *arguments);
    if (t == NULL)
        return malformed(b);
    if (s == NULL || arguments == NULL)
        return no_memory(b);
    *s = (dmx_storage){.key = t->name,
                       .key_size = strlen(t->name),
                       .type = "Storage",
                       .item_size = t->item_size,
                       .dtype = t->dtype,
                       .count = t->count,
                       .view_size = t->count,
                       .at = t->at};
    DMX_FORWARD(make_items(b, arguments, DMX_PICKLED_TUPLE, 4));
    dmx_pickled **item = arguments->as.list.item;
    *item[1] = (dmx_pickled){.kind = DMX_PICKLED_INT};
    DMX_FORWARD(fill_numbers(b, item[2], t->dim, t->rank));
    DMX_FORWARD(fill_numbers(b, item[3], t->stride, t->rank));
    out->kind = DMX_PICKLED_TENSOR;
    out->as.tensor.storage = s;
    out->as.tensor.arguments = arguments;
    return DMX_OK;
}

static dmx_status fill_object(builder *b, const dmx_json *json,
                              dmx_pickled *out)
{
    const dmx_json *first = json->child;
    if (first == NULL || first->next != NULL)
        return malformed(b);
    if (strcmp(first->string, "_list") == 0)
        return fill_list(b, first, out, DMX_PICKLED_LIST);
    if (strcmp(first->string, "_tuple") == 0)
        return fill_list(b, first, out, DMX_PICKLED_TUPLE);
    if (strcmp(first->string, "_dict") == 0)
        return fill_dict(b, first, out);
    const char *text = dmx_json_text_of(first);
    if (strcmp(first->string, "_tensor") == 0)
        return fill_tensor(b, text, out);
    if (strcmp(first->string, "_class") != 0 || text == NULL)
        return malformed(b);
    out->kind = DMX_PICKLED_OPAQUE;
    out->as.opaque =
        dmx_arena_strndup(&b->load->pickle.arena, text, strlen(text));
    return out->as.opaque != NULL ? DMX_OK : no_memory(b);
}

static dmx_status fill(builder *b, const dmx_json *json, dmx_pickled *out)
{
    const char *text = dmx_json_text_of(json);
    if (dmx_json_is_object(json))
        return fill_object(b, json, out);
    if (dmx_json_is_array(json))
        return malformed(b);
    if (text != NULL) {
        char *copy =
            dmx_arena_strndup(&b->load->pickle.arena, text, strlen(text));
        if (copy == NULL)
            return no_memory(b);
        out->kind = DMX_PICKLED_STRING;
        out->as.text.data = copy;
        out->as.text.size = strlen(copy);
    } else if (dmx_json_is_bool(json)) {
        out->kind = DMX_PICKLED_BOOL;
        out->as.boolean = dmx_json_is_true(json);
    } else if (dmx_json_is_number(json)) {
        out->kind = DMX_PICKLED_FLOAT;
        out->as.real = json->valuedouble;
    } else {
        out->kind = DMX_PICKLED_NONE;
    }
    return DMX_OK;
}

dmx_status dmx_structure_value(dmx_pickled **out, dmx_load *load,
                               const dmx_json *structure,
                               const dmx_flat_tensor *tensor, size_t n)
{
    builder b = {.load = load, .tensor = tensor, .n_tensor = n};
    *out = make(&b, 1, sizeof **out);
    dmx_status status =
        *out != NULL ? push(&b, structure, *out) : no_memory(&b);
    while (status == DMX_OK && b.n > 0) {
        const task next = b.stack[--b.n];
        status = fill(&b, next.json, next.out);
    }
    free(b.stack);
    return status;
}
