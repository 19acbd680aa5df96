#include "checkpoint/pickle.h"

#include <string.h>

enum { MAX_FIELDS = 32 }; /* keys and values of a configuration node */

bool dmx_pickled_is(const dmx_pickled *v, const char *text)
{
    return v->kind == DMX_PICKLED_STRING && v->as.text.size == strlen(text) &&
           memcmp(v->as.text.data, text, v->as.text.size) == 0;
}

const dmx_pickled *dmx_pickled_get(const dmx_pickled *v, const char *key)
{
    if (v == NULL || v->kind != DMX_PICKLED_DICT)
        return NULL;
    for (uint32_t i = v->as.list.count; i >= 2; i -= 2)
        if (dmx_pickled_is(v->as.list.item[i - 2], key))
            return v->as.list.item[i - 1];
    return NULL;
}

/* Source: the __getstate__ of omegaconf's containers and value nodes. Their
 * _parent is never followed. */
const dmx_pickled *dmx_pickled_plain(const dmx_pickled *v)
{
    for (int hops = 0; hops < 8; hops++) {
        if (v == NULL || v->kind != DMX_PICKLED_CONFIG)
            return v;
        const dmx_pickled *state = v->as.config.state;
        if (state == NULL || state->as.list.count > MAX_FIELDS)
            return NULL;
        const dmx_pickled *content = dmx_pickled_get(state, "_content");
        v = content != NULL ? content : dmx_pickled_get(state, "_val");
    }
    return NULL;
}

const char *dmx_pickled_describe(const dmx_pickled *v)
{
    static const char *const text[] = {
        [DMX_PICKLED_NONE] = "None",
        [DMX_PICKLED_BOOL] = "a bool",
        [DMX_PICKLED_INT] = "an integer",
        [DMX_PICKLED_FLOAT] = "a float",
        [DMX_PICKLED_STRING] = "a text",
        [DMX_PICKLED_BYTES] = "bytes",
        [DMX_PICKLED_LIST] = "a list",
        [DMX_PICKLED_TUPLE] = "a tuple",
        [DMX_PICKLED_DICT] = "a dict",
        [DMX_PICKLED_FRACTION] = "a fraction",
        [DMX_PICKLED_STORAGE] = "a bare storage",
        [DMX_PICKLED_TENSOR] = "a tensor",
    };
    if (v->kind == DMX_PICKLED_SYMBOL)
        return v->as.symbol->full;
    if (v->kind == DMX_PICKLED_CONFIG)
        return v->as.config.name;
    return v->kind == DMX_PICKLED_OPAQUE ? v->as.opaque : text[v->kind];
}
