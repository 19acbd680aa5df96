/* Constructor arguments: pickled values to JSON, with a stack of its own. */
#include "checkpoint/bytes.h"
#include "checkpoint/load.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_NODES = 10000, MAX_TEXT = 4096 };
#define EXACT_INTEGER ((int64_t)1 << 53)

typedef struct level {
    const dmx_pickled *value;
    cJSON *json;
    uint32_t next; /* item to convert */
} level;

typedef struct converter {
    level stack[MAX_DEPTH];
    size_t depth, nodes;
    dmx_error *err;
} converter;

static cJSON *tagged(const char *type)
{
    cJSON *json = cJSON_CreateObject();
    if (json != NULL && cJSON_AddStringToObject(json, "_type", type) == NULL) {
        cJSON_Delete(json);
        json = NULL;
    }
    return json;
}

static cJSON *opaque(const char *name)
{
    cJSON *json = tagged("opaque");
    if (json != NULL && cJSON_AddStringToObject(json, "name", name) == NULL) {
        cJSON_Delete(json);
        json = NULL;
    }
    return json;
}

static cJSON *fraction(int64_t numerator, int64_t denominator)
{
    if (numerator > EXACT_INTEGER || numerator < -EXACT_INTEGER ||
        denominator > EXACT_INTEGER)
        return opaque("fractions.Fraction");
    cJSON *json = tagged("fraction");
    if (json != NULL &&
        (!cJSON_AddNumberToObject(json, "numerator", (double)numerator) ||
         !cJSON_AddNumberToObject(json, "denominator", (double)denominator))) {
        cJSON_Delete(json);
        json = NULL;
    }
    return json;
}

static cJSON *text(const dmx_pickled *v)
{
    char copy[MAX_TEXT + 1];
    if (v->as.text.size > MAX_TEXT ||
        !dmx_text_clean(v->as.text.data, v->as.text.size))
        return opaque("builtins.str");
    memcpy(copy, v->as.text.data, v->as.text.size);
    copy[v->as.text.size] = '\0';
    return cJSON_CreateString(copy);
}

static cJSON *integer(int64_t x)
{
    if (x > EXACT_INTEGER || x < -EXACT_INTEGER)
        return opaque("builtins.int");
    return cJSON_CreateNumber((double)x);
}

/* One value without its items; NULL when memory is short. */
static cJSON *shallow(const dmx_pickled *v)
{
    switch (v->kind) {
    case DMX_PICKLED_NONE:
        return cJSON_CreateNull();
    case DMX_PICKLED_BOOL:
        return cJSON_CreateBool(v->as.boolean);
    case DMX_PICKLED_INT:
        return integer(v->as.integer);
    case DMX_PICKLED_FLOAT:
        return isfinite(v->as.real) ? cJSON_CreateNumber(v->as.real)
                                    : opaque("builtins.float");
    case DMX_PICKLED_STRING:
        return text(v);
    case DMX_PICKLED_BYTES:
        return opaque("builtins.bytes");
    case DMX_PICKLED_LIST:
    case DMX_PICKLED_TUPLE:
        return cJSON_CreateArray();
    case DMX_PICKLED_DICT:
        return cJSON_CreateObject();
    case DMX_PICKLED_FRACTION:
        return fraction(v->as.fraction.numerator, v->as.fraction.denominator);
    case DMX_PICKLED_STORAGE:
        return opaque("torch.Storage");
    case DMX_PICKLED_TENSOR:
        return opaque("torch.Tensor");
    default:
        return opaque(dmx_pickled_describe(v));
    }
}

static bool container(const dmx_pickled *v)
{
    return v->kind == DMX_PICKLED_LIST || v->kind == DMX_PICKLED_TUPLE ||
           v->kind == DMX_PICKLED_DICT;
}

static dmx_status key_text(char out[DMX_STATE_MAX_NAME], converter *c,
                           const dmx_pickled *key)
{
    if (key->kind == DMX_PICKLED_INT) {
        snprintf(out, DMX_STATE_MAX_NAME, "%lld", (long long)key->as.integer);
        return DMX_OK;
    }
    DMX_RETURN_IF(key->kind != DMX_PICKLED_STRING ||
                      key->as.text.size >= DMX_STATE_MAX_NAME ||
                      !dmx_text_clean(key->as.text.data, key->as.text.size),
                  c->err, DMX_ERROR_FORMAT,
                  "constructor arguments: a dict key is %s that can't be a "
                  "name",
                  dmx_pickled_describe(key));
    memcpy(out, key->as.text.data, key->as.text.size);
    out[key->as.text.size] = '\0';
    return DMX_OK;
}

/* Hands `child` over to the container; a repeated key replaces the first. */
static dmx_status attach(converter *c, const level *top, const dmx_pickled *key,
                         cJSON *child)
{
    cJSON_bool added;
    if (key == NULL) {
        added = cJSON_AddItemToArray(top->json, child);
    } else {
        char name[DMX_STATE_MAX_NAME];
        const dmx_status status = key_text(name, c, key);
        if (status != DMX_OK) {
            cJSON_Delete(child);
            return status;
        }
        cJSON_DeleteItemFromObjectCaseSensitive(top->json, name);
        added = cJSON_AddItemToObject(top->json, name, child);
    }
    if (!added)
        cJSON_Delete(child);
    DMX_RETURN_IF(!added, c->err, DMX_ERROR_MEMORY,
                  "no memory for constructor arguments");
    return DMX_OK;
}

static dmx_status descend(converter *c, const dmx_pickled *v, cJSON *json)
{
    DMX_RETURN_IF(c->depth == MAX_DEPTH, c->err, DMX_ERROR_LIMIT,
                  "constructor arguments nested deeper than %d", MAX_DEPTH);
    c->stack[c->depth++] = (level){v, json, 0};
    return DMX_OK;
}

/* Converts the next item of the innermost container. */
static dmx_status advance(converter *c)
{
    level *top = &c->stack[c->depth - 1];
    const dmx_pickled *v = top->value;
    if (top->next >= v->as.list.count) {
        c->depth--;
        return DMX_OK;
    }
    DMX_RETURN_IF(c->nodes++ >= MAX_NODES, c->err, DMX_ERROR_LIMIT,
                  "more than %d constructor arguments", MAX_NODES);
    const dmx_pickled *key = NULL;
    if (v->kind == DMX_PICKLED_DICT)
        key = v->as.list.item[top->next++];
    const dmx_pickled *item = v->as.list.item[top->next++];
    cJSON *child = shallow(item);
    DMX_RETURN_IF(child == NULL, c->err, DMX_ERROR_MEMORY,
                  "no memory for constructor arguments");
    DMX_FORWARD(attach(c, top, key, child));
    return container(item) ? descend(c, item, child) : DMX_OK;
}

dmx_status dmx_pickled_json(cJSON **out, const dmx_pickled *value,
                            dmx_error *err)
{
    converter c = {.err = err};
    *out = shallow(value);
    DMX_RETURN_IF(*out == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for constructor arguments");
    dmx_status status = DMX_OK;
    if (container(value))
        status = descend(&c, value, *out);
    while (status == DMX_OK && c.depth != 0)
        status = advance(&c);
    if (status != DMX_OK) {
        cJSON_Delete(*out);
        *out = NULL;
    }
    return status;
}
