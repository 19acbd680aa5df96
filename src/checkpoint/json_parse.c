/* The JSON parser recurses, so nesting and size are checked before it runs. */
#include "checkpoint/bytes.h"
#include "checkpoint/load.h"

#include <string.h>

enum { MAX_DEPTH = 32 };
#define MAX_VALUES ((size_t)1 << 20)

/* Measures nesting depth and the number of values, skipping strings. */
static void measure(size_t *depth, size_t *values, const char *text,
                    size_t size)
{
    size_t level = 0;
    bool quoted = false;
    *depth = 0;
    *values = 1;
    for (size_t i = 0; i < size; i++) {
        const char ch = text[i];
        if (quoted && ch == '\\')
            i++;
        else if (ch == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (ch == '[' || ch == '{')
            *depth = ++level > *depth ? level : *depth;
        else if ((ch == ']' || ch == '}') && level != 0)
            level--;
        *values += !quoted && (ch == ',' || ch == '[' || ch == '{');
    }
}

dmx_status dmx_json_parse(dmx_json **out, const char *text, size_t size,
                          size_t at, const char *what, dmx_error *err)
{
    size_t depth, values;
    measure(&depth, &values, text, size);
    if (depth > MAX_DEPTH || values > MAX_VALUES)
        return dmx_fail_at(err, DMX_ERROR_LIMIT, (int64_t)at,
                           "safetensors %s: JSON nested %zu deep with %zu "
                           "values; the limits are %d and %zu",
                           what, depth, values, MAX_DEPTH, MAX_VALUES);
    const char *end = text;
    *out = dmx_json_read_prefix(text, size, &end);
    while (*out != NULL && end < text + size && strchr(" \t\r\n", *end))
        end++;
    if (*out != NULL && end == text + size)
        return DMX_OK;
    dmx_json_free(*out);
    *out = NULL;
    return dmx_fail_at(err, DMX_ERROR_FORMAT, (int64_t)at + (end - text),
                       "safetensors %s: malformed JSON", what);
}

static bool clean(const char *text)
{
    return text == NULL || dmx_text_clean(text, strlen(text));
}

bool dmx_json_clean(const dmx_json *json)
{
    const dmx_json *above[MAX_DEPTH + 1];
    size_t depth = 0;
    while (json != NULL) {
        if (!clean(json->string) || !clean(json->valuestring))
            return false;
        if (json->child != NULL && depth <= MAX_DEPTH) {
            above[depth++] = json;
            json = json->child;
            continue;
        }
        while (json->next == NULL && depth != 0)
            json = above[--depth];
        json = json->next; /* the root has none */
    }
    return true;
}
