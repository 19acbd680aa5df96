#include "checkpoint/pickle.h"

#include <string.h>

bool dmx_value_is(const dmx_value *v, const char *text)
{
    return v->kind == DMX_VALUE_STRING && v->as.text.size == strlen(text) &&
           memcmp(v->as.text.data, text, v->as.text.size) == 0;
}

const dmx_value *dmx_value_get(const dmx_value *v, const char *key)
{
    if (v == NULL || v->kind != DMX_VALUE_DICT)
        return NULL;
    for (uint32_t i = v->as.list.count; i >= 2; i -= 2)
        if (dmx_value_is(v->as.list.item[i - 2], key))
            return v->as.list.item[i - 1];
    return NULL;
}

const char *dmx_value_describe(const dmx_value *v)
{
    static const char *const text[] = {
        [DMX_VALUE_NONE] = "None",
        [DMX_VALUE_BOOL] = "a bool",
        [DMX_VALUE_INT] = "an integer",
        [DMX_VALUE_FLOAT] = "a float",
        [DMX_VALUE_STRING] = "a text",
        [DMX_VALUE_BYTES] = "bytes",
        [DMX_VALUE_LIST] = "a list",
        [DMX_VALUE_TUPLE] = "a tuple",
        [DMX_VALUE_DICT] = "a dict",
        [DMX_VALUE_FRACTION] = "a fraction",
        [DMX_VALUE_STORAGE] = "a bare storage",
        [DMX_VALUE_TENSOR] = "a tensor",
    };
    if (v->kind == DMX_VALUE_SYMBOL)
        return v->as.symbol->full;
    return v->kind == DMX_VALUE_OPAQUE ? v->as.opaque : text[v->kind];
}
