#include "hub/registry_reader.h"

#include "base/file.h"
#include "hub/repository.h"

#include <string.h>

#define NAME_LETTERS                                                           \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

dmx_status dmx_registry_bad(const dmx_registry_reader *r, const char *model,
                            const char *what)
{
    return dmx_fail(r->err, DMX_ERROR_FORMAT, "%s: %s%s%s%s", r->name,
                    model != NULL ? "model '" : "", model != NULL ? model : "",
                    model != NULL ? "': " : "", what);
}

dmx_status dmx_registry_no_memory(const dmx_registry_reader *r)
{
    return dmx_fail(r->err, DMX_ERROR_MEMORY, "%s: no memory", r->name);
}

const char *dmx_registry_text(const dmx_json *object, const char *key,
                              size_t limit)
{
    const dmx_json *item = dmx_json_get(object, key);
    const char *text = dmx_json_text_of(item);
    if (text == NULL || text[0] == '\0' || strnlen(text, limit + 1) > limit)
        return NULL;
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return NULL;
    return text;
}

char *dmx_registry_copy(dmx_registry_reader *r, const char *text)
{
    return dmx_arena_strndup(&r->out->arena, text, strlen(text));
}

bool dmx_registry_is_name(const char *text)
{
    return text != NULL && dmx_is_file_name(text) && text[0] != '-' &&
           strlen(text) <= 64 && text[strspn(text, NAME_LETTERS)] == '\0';
}
