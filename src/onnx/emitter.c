#include "onnx/emitter.h"

#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dmx_emitter_open(dmx_emitter *e, int opset, dmx_weight_format weights)
{
    *e = (dmx_emitter){
        .opset = opset, .weights = weights, .path = "", .batch = 1};
    e->error.offset = -1;
}

void dmx_emitter_close(dmx_emitter *e)
{
    for (size_t i = 0; i < e->n_buffer; i++)
        dmx_aligned_free(e->buffer[i]);
    free(e->buffer);
    free(e->node);
    free(e->constant);
    free(e->slot);
    free(e->extent);
    free(e->shared);
    dmx_arena_free(&e->arena);
    *e = (dmx_emitter){0};
}

dmx_name dmx_emitter_fail(dmx_emitter *e, dmx_status code, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    dmx_vformat(text, sizeof text, fmt, args);
    va_end(args);
    (void)dmx_fail(&e->error, code, "%s", text);
    return "";
}

static void no_memory(dmx_emitter *e)
{
    dmx_emitter_fail(e, DMX_ERROR_MEMORY, "no memory for the ONNX graph");
}

void *dmx_emitter_alloc(dmx_emitter *e, size_t count, size_t size)
{
    if (dmx_emitter_failed(e))
        return NULL;
    void *p = dmx_arena_alloc(&e->arena, count, size);
    if (p == NULL)
        no_memory(e);
    return p;
}

char *dmx_emitter_text(dmx_emitter *e, const char *text)
{
    char *copy = dmx_emitter_alloc(e, strlen(text) + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, strlen(text) + 1);
    return copy;
}

void *dmx_emitter_buffer(dmx_emitter *e, size_t count, size_t size)
{
    if (dmx_emitter_failed(e))
        return NULL;
    if (!dmx_grow(&e->buffer, &e->buffer_capacity, e->n_buffer + 1,
                  sizeof *e->buffer)) {
        no_memory(e);
        return NULL;
    }
    void *p = dmx_aligned_alloc(count, size);
    if (p == NULL)
        no_memory(e);
    else
        e->buffer[e->n_buffer++] = p;
    return p;
}

void dmx_emitter_drop_buffer(dmx_emitter *e, void *buffer)
{
    for (size_t i = e->n_buffer; buffer != NULL && i-- > 0;)
        if (e->buffer[i] == buffer) {
            dmx_aligned_free(buffer);
            e->buffer[i] = e->buffer[--e->n_buffer];
            return;
        }
}

/* FNV-1a */
static size_t hash_text(const char *text)
{
    uint64_t h = 14695981039346656037u;
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    return (size_t)h;
}

static dmx_emitter_slot *find_slot(dmx_emitter_slot *slot, size_t capacity,
                                   const char *key)
{
    size_t i = hash_text(key) & (capacity - 1);
    while (slot[i].key != NULL && strcmp(slot[i].key, key) != 0)
        i = (i + 1) & (capacity - 1);
    return &slot[i];
}

static bool grow_slots(dmx_emitter *e)
{
    if (e->n_slot * 2 < e->slot_capacity)
        return true;
    const size_t capacity = e->slot_capacity == 0 ? 4096 : e->slot_capacity * 2;
    dmx_emitter_slot *slot = calloc(capacity, sizeof *slot);
    if (slot == NULL)
        return false;
    for (size_t i = 0; i < e->slot_capacity; i++)
        if (e->slot[i].key != NULL)
            *find_slot(slot, capacity, e->slot[i].key) = e->slot[i];
    free(e->slot);
    e->slot = slot;
    e->slot_capacity = capacity;
    return true;
}

/* The slot of a name, created if it is new; NULL after an error. */
static dmx_emitter_slot *claim(dmx_emitter *e, const char *name)
{
    if (dmx_emitter_failed(e) || !grow_slots(e)) {
        no_memory(e);
        return NULL;
    }
    dmx_emitter_slot *slot = find_slot(e->slot, e->slot_capacity, name);
    if (slot->key == NULL) {
        slot->key = dmx_arena_strndup(&e->arena, name, strlen(name));
        if (slot->key == NULL) {
            no_memory(e);
            return NULL;
        }
        e->n_slot++;
    }
    return slot;
}

dmx_name dmx_emitter_unique(dmx_emitter *e, const char *base)
{
    char text[400];
    dmx_emitter_slot *slot = claim(e, base);
    if (slot == NULL)
        return "";
    if (slot->count++ == 0)
        return slot->key;
    for (size_t k = slot->count - 1;; k++) {
        snprintf(text, sizeof text, "%.360s_%zu", base, k);
        dmx_emitter_slot *other = claim(e, text);
        if (other == NULL)
            return "";
        if (other->count++ == 0)
            return other->key;
    }
}

dmx_name dmx_emit(dmx_emitter *e, const char *operator_name, const dmx_name *in,
                  size_t n_in)
{
    char text[320];
    if (e->settle != NULL)
        e->settle(e);
    snprintf(text, sizeof text, "/%.240s/%.60s", e->path, operator_name);
    const dmx_name name = dmx_emitter_unique(e, text);
    Onnx__NodeProto *node = dmx_emitter_alloc(e, 1, sizeof *node);
    char **names = dmx_emitter_alloc(e, n_in + 1, sizeof *names);
    if (names == NULL)
        return "";
    if (!dmx_grow(&e->node, &e->node_capacity, e->n_node + 1,
                  sizeof *e->node)) {
        no_memory(e);
        return "";
    }
    onnx__node_proto__init(node);
    for (size_t i = 0; i < n_in; i++)
        names[i] = (char *)in[i];
    names[n_in] = (char *)name;
    node->input = names;
    node->n_input = n_in;
    node->output = names + n_in;
    node->n_output = 1;
    node->name = (char *)name;
    node->op_type = (char *)operator_name;
    e->node[e->n_node++] = node;
    return name;
}

dmx_name dmx_emit_1(dmx_emitter *e, const char *operator_name, dmx_name a)
{
    return dmx_emit(e, operator_name, &a, 1);
}

dmx_name dmx_emit_2(dmx_emitter *e, const char *operator_name, dmx_name a,
                    dmx_name b)
{
    const dmx_name in[] = {a, b};
    return dmx_emit(e, operator_name, in, 2);
}

void dmx_emitter_outputs(dmx_emitter *e, dmx_name *out, size_t count)
{
    char **names = dmx_emitter_alloc(e, count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        out[i] = "";
    if (names == NULL)
        return;
    Onnx__NodeProto *node = e->node[e->n_node - 1];
    names[0] = node->output[0];
    for (size_t i = 1; i < count; i++)
        names[i] = (char *)dmx_emitter_unique(e, node->name);
    for (size_t i = 0; i < count; i++)
        out[i] = names[i];
    node->output = names;
    node->n_output = count;
}

void dmx_emitter_rename(dmx_emitter *e, const char *name)
{
    if (!dmx_emitter_failed(e) && e->n_node > 0)
        e->node[e->n_node - 1]->output[0] = (char *)name;
}

/* A new attribute of the last node, or NULL after an error. */
static Onnx__AttributeProto *
new_attribute(dmx_emitter *e, const char *name,
              Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = dmx_emitter_alloc(e, 1, sizeof *a);
    if (a == NULL)
        return NULL;
    Onnx__NodeProto *node = e->node[e->n_node - 1];
    Onnx__AttributeProto **list =
        dmx_emitter_alloc(e, node->n_attribute + 1, sizeof *list);
    if (list == NULL)
        return NULL;
    if (node->n_attribute > 0)
        memcpy(list, node->attribute, node->n_attribute * sizeof *list);
    onnx__attribute_proto__init(a);
    a->name = (char *)name;
    a->has_type = 1;
    a->type = type;
    list[node->n_attribute++] = a;
    node->attribute = list;
    return a;
}

void dmx_attribute_int(dmx_emitter *e, const char *name, int64_t value)
{
    Onnx__AttributeProto *a =
        new_attribute(e, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (a == NULL)
        return;
    a->has_i = 1;
    a->i = value;
}

void dmx_attribute_float(dmx_emitter *e, const char *name, float value)
{
    Onnx__AttributeProto *a =
        new_attribute(e, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (a == NULL)
        return;
    a->has_f = 1;
    a->f = value;
}

void dmx_attribute_ints(dmx_emitter *e, const char *name, const int64_t *value,
                        size_t count)
{
    Onnx__AttributeProto *a =
        new_attribute(e, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *copy = dmx_emitter_alloc(e, count, sizeof *copy);
    if (a == NULL || copy == NULL)
        return;
    memcpy(copy, value, count * sizeof *copy);
    a->ints = copy;
    a->n_ints = count;
}

void dmx_attribute_text(dmx_emitter *e, const char *name, const char *value)
{
    Onnx__AttributeProto *a =
        new_attribute(e, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    if (a == NULL)
        return;
    a->has_s = 1;
    a->s.data = (uint8_t *)value;
    a->s.len = strlen(value);
}

void dmx_attribute_double(dmx_emitter *e, const char *name, double value)
{
    Onnx__AttributeProto *a =
        new_attribute(e, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR);
    Onnx__TensorProto *t = dmx_emitter_alloc(e, 1, sizeof *t);
    double *copy = dmx_emitter_alloc(e, 1, sizeof *copy);
    int64_t *one = dmx_emitter_alloc(e, 1, sizeof *one);
    if (a == NULL || one == NULL)
        return;
    onnx__tensor_proto__init(t);
    *copy = value;
    *one = 1;
    t->dims = one;
    t->n_dims = 1;
    t->has_data_type = 1;
    t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    t->has_raw_data = 1;
    t->raw_data.data = (uint8_t *)copy;
    t->raw_data.len = sizeof *copy;
    a->t = t;
}

/* ---- types -------------------------------------------------------------- */
void dmx_emitter_set_type(dmx_emitter *e, const char *name,
                          const dmx_value_type *type)
{
    if (!e->free || dmx_emitter_failed(e))
        return;
    dmx_value_type *copy = dmx_emitter_alloc(e, 1, sizeof *copy);
    dmx_emitter_slot *slot = copy != NULL ? claim(e, name) : NULL;
    if (slot == NULL)
        return;
    *copy = *type;
    slot->type = copy;
}

const dmx_value_type *dmx_emitter_type(const dmx_emitter *e, const char *name)
{
    if (!e->free || e->slot_capacity == 0)
        return NULL;
    return find_slot(e->slot, e->slot_capacity, name)->type;
}
