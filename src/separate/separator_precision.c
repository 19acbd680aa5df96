/* Reduced precision of a separator's models: where its proofs are kept, and how
 * it is reported. */
#include "base/json.h"
#include "hub/cache.h"
#include "separate/separator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without a home folder nothing is kept, and precision is proved again every
 * time. */
dmx_status dmx_separator_find_choices(dmx_separator *s,
                                      const dmx_separator_options *o,
                                      dmx_error *err)
{
    char *cache = NULL;
    if (o->precision == DMX_ENGINE_EXACT)
        return DMX_OK;
    if (o->choices == NULL) {
        DMX_FORWARD(dmx_cache_folder(&cache, NULL, err));
        if (cache == NULL)
            return DMX_OK;
    }
    const char *folder = cache != NULL ? cache : o->choices;
    const size_t size = strlen(folder) + sizeof "/precision";
    s->choices = malloc(size);
    if (s->choices != NULL)
        snprintf(s->choices, size, "%s%s", folder,
                 cache != NULL ? "/precision" : "");
    free(cache);
    DMX_RETURN_IF(s->choices == NULL, err, DMX_ERROR_MEMORY, "no memory");
    return DMX_OK;
}

static bool add_member(dmx_json *list, const dmx_member *m)
{
    const dmx_engine *engine = dmx_runner_engine(&m->runner);
    if (engine == NULL)
        return true;
    char *text = dmx_engine_precision_json(engine);
    dmx_json *item = text != NULL ? dmx_json_read(text) : NULL;
    dmx_free(text);
    if (dmx_json_add_string(item, "model", m->path) != NULL &&
        dmx_json_append(list, item))
        return true;
    dmx_json_free(item);
    return false;
}

char *dmx_separator_precision_json(const dmx_separator *s)
{
    if (s == NULL)
        return NULL;
    dmx_json *list = dmx_json_new(DMX_JSON_ARRAY);
    bool good = list != NULL;
    for (size_t i = 0; good && i < s->n_member; i++)
        good = add_member(list, &s->member[i]);
    char *text = good ? dmx_json_print_compact(list) : NULL;
    dmx_json_free(list);
    return text;
}
