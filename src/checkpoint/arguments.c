/* Converts pickled constructor arguments to JSON, with an explicit stack
 * instead of recursion. */
#include "checkpoint/bytes.h"
#include "checkpoint/load.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_NODES = 10000, MAX_TEXT = 4096 };
#define EXACT_INTEGER ((int64_t)1 << 53)

typedef struct level {
    const dmx_pickled *value;
    dmx_json *json;
    uint32_t next; /* item to convert */
} level;

typedef struct converter {
    level stack[MAX_DEPTH];
    size_t depth, nodes;
    dmx_error *err;
} converter;

static dmx_json *tagged(const char *type)
{
    dmx_json *json = dmx_json_new(DMX_JSON_OBJECT);
    if (json != NULL && dmx_json_add_string(json, "_type", type) == NULL) {
        dmx_json_free(json);
        json = NULL;
    }
    return json;
}

static dmx_json *opaque(const char *name)
{
    dmx_json *json = tagged("opaque");
    if (json != NULL && dmx_json_add_string(json, "name", name) == NULL) {
        dmx_json_free(json);
        json = NULL;
    }
    return json;
}

static dmx_json *fraction(int64_t numerator, int64_t denominator)
{
    if (numerator > EXACT_INTEGER || numerator < -EXACT_INTEGER ||
        denominator > EXACT_INTEGER)
        return opaque("fractions.Fraction");
    dmx_json *json = tagged("fraction");
    if (json != NULL &&
        (!dmx_json_add_number(json, "numerator", (double)numerator) ||
         !dmx_json_add_number(json, "denominator", (double)denominator))) {
        dmx_json_free(json);
        json = NULL;
    }
    return json;
}

static dmx_json *text(const dmx_pickled *v)
{
    char copy[MAX_TEXT + 1];
    if (v->as.text.size > MAX_TEXT ||
        !dmx_text_clean(v->as.text.data, v->as.text.size))
        return opaque("builtins.str");
    memcpy(copy, v->as.text.data, v->as.text.size);
    copy[v->as.text.size] = '\0';
    return dmx_json_new_string(copy);
}

static dmx_json *integer(int64_t x)
{
    if (x > EXACT_INTEGER || x < -EXACT_INTEGER)
        return opaque("builtins.int");
    return dmx_json_new_number((double)x);
}

/* Converts one value without its items; NULL when out of memory. */
static dmx_json *shallow(const dmx_pickled *v)
{
    switch (v->kind) {
    case DMX_PICKLED_NONE:
        return dmx_json_new(DMX_JSON_NULL);
    case DMX_PICKLED_BOOL:
        return dmx_json_new_bool(v->as.boolean);
    case DMX_PICKLED_INT:
        return integer(v->as.integer);
    case DMX_PICKLED_FLOAT:
        return isfinite(v->as.real) ? dmx_json_new_number(v->as.real)
                                    : opaque("builtins.float");
    case DMX_PICKLED_STRING:
        return text(v);
    case DMX_PICKLED_BYTES:
        return opaque("builtins.bytes");
    case DMX_PICKLED_LIST:
    case DMX_PICKLED_TUPLE:
        return dmx_json_new(DMX_JSON_ARRAY);
    case DMX_PICKLED_DICT:
        return dmx_json_new(DMX_JSON_OBJECT);
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

/* A configuration node stands for the value it holds; an empty one for None. */
static const dmx_pickled *plain(const dmx_pickled *v)
{
    static const dmx_pickled none = {.kind = DMX_PICKLED_NONE};
    const dmx_pickled *held = dmx_pickled_plain(v);
    return held != NULL ? held : &none;
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

/* Moves `child` into the container; a repeated key replaces the earlier one. */
static dmx_status attach(converter *c, const level *top, const dmx_pickled *key,
                         dmx_json *child)
{
    bool added;
    if (key == NULL) {
        added = dmx_json_append(top->json, child);
    } else {
        char name[DMX_STATE_MAX_NAME];
        const dmx_status status = key_text(name, c, key);
        if (status != DMX_OK) {
            dmx_json_free(child);
            return status;
        }
        dmx_json_remove(top->json, name);
        added = dmx_json_add(top->json, name, child);
    }
    if (!added)
        dmx_json_free(child);
    DMX_RETURN_IF(!added, c->err, DMX_ERROR_MEMORY,
                  "no memory for constructor arguments");
    return DMX_OK;
}

static dmx_status descend(converter *c, const dmx_pickled *v, dmx_json *json)
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
    const dmx_pickled *item = plain(v->as.list.item[top->next++]);
    dmx_json *child = shallow(item);
    DMX_RETURN_IF(child == NULL, c->err, DMX_ERROR_MEMORY,
                  "no memory for constructor arguments");
    DMX_FORWARD(attach(c, top, key, child));
    return container(item) ? descend(c, item, child) : DMX_OK;
}

dmx_status dmx_pickled_json(dmx_json **out, const dmx_pickled *from,
                            dmx_error *err)
{
    converter c = {.err = err};
    const dmx_pickled *value = plain(from);
    *out = shallow(value);
    DMX_RETURN_IF(*out == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for constructor arguments");
    dmx_status status = DMX_OK;
    if (container(value))
        status = descend(&c, value, *out);
    while (status == DMX_OK && c.depth != 0)
        status = advance(&c);
    if (status != DMX_OK) {
        dmx_json_free(*out);
        *out = NULL;
    }
    return status;
}
