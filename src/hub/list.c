/* The output of list-models, as JSON. */
#include "hub/hub.h"

#include "hub/repository.h"

#include "base/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool add_text(dmx_json *array, const char *text)
{
    return dmx_json_append(array, dmx_json_new_string(text));
}

static bool add_texts(dmx_json *object, const char *key,
                      const char *const *text)
{
    dmx_json *array = dmx_json_add_array(object, key);
    bool fine = array != NULL;
    for (size_t i = 0; fine && text[i] != NULL; i++)
        fine = add_text(array, text[i]);
    return fine;
}

static bool add_files(dmx_json *object, const dmx_registry_member *member)
{
    dmx_json *array = dmx_json_add_array(object, "files");
    bool fine = array != NULL;
    for (size_t i = 0; fine && i < member->n_source; i++) {
        const dmx_registry_source *s = &member->source[i];
        dmx_json *file = dmx_json_new(DMX_JSON_OBJECT);
        const size_t size = strlen(s->base) + strlen(s->path) + 1;
        char *url = malloc(size);
        char shown[1024];
        fine = dmx_json_append(array, file) && url != NULL;
        if (fine) {
            snprintf(url, size, "%s%s", s->base, s->path);
            dmx_redact_url(shown, sizeof shown, url);
            fine = dmx_json_add_string(file, "url", shown) != NULL &&
                   dmx_json_add_string(file, "sha256", s->sha256) != NULL;
        }
        if (fine && s->bytes != 0)
            fine = dmx_json_add_number(file, "bytes", (double)s->bytes) != NULL;
        free(url);
    }
    return fine;
}

static bool add_member(dmx_json *array, const dmx_hub *hub,
                       const dmx_registry_member *member, size_t *cached)
{
    char *path = NULL;
    dmx_json *object = dmx_json_new(DMX_JSON_OBJECT);
    if (!dmx_json_append(array, object) ||
        dmx_hub_look(&path, hub, member, NULL) != DMX_OK)
        return false;
    *cached += path != NULL;
    bool fine =
        dmx_json_add_string(object, "signature", member->signature) != NULL &&
        (path != NULL ? dmx_json_add_string(object, "path", path)
                      : dmx_json_add_null(object, "path")) != NULL;
    free(path);
    return fine && add_files(object, member);
}

/* Total bytes of all members; 0 when any is unknown. */
static uint64_t total_bytes(const dmx_registry_model *m)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < m->n_member; i++) {
        if (m->member[i]->source[0].bytes == 0)
            return 0;
        sum += m->member[i]->source[0].bytes;
    }
    return sum;
}

static bool add_members(dmx_json *object, const dmx_hub *hub,
                        const dmx_registry_model *m)
{
    size_t cached = 0;
    dmx_json *array = dmx_json_add_array(object, "members");
    bool fine = array != NULL;
    for (size_t i = 0; fine && i < m->n_member; i++)
        fine = add_member(array, hub, m->member[i], &cached);
    return fine &&
           dmx_json_add_number(object, "cached_members", (double)cached) !=
               NULL &&
           dmx_json_add_bool(object, "cached", cached == m->n_member) != NULL;
}

/* The source of each other name. */
static bool add_aliases(dmx_json *object, const dmx_registry_model *m)
{
    dmx_json *aliases = dmx_json_add_object(object, "aliases");
    bool fine = aliases != NULL;
    const dmx_stem_alias *a = m->alias;
    for (; fine && a != NULL && a->alias != NULL; a++)
        fine = dmx_json_add_string(aliases, a->alias, a->source) != NULL;
    return fine;
}

static bool add_config(dmx_json *object, const dmx_hub *hub,
                       const dmx_registry_model *m)
{
    size_t cached = 0;
    if (m->config == NULL)
        return dmx_json_add_null(object, "config") != NULL;
    dmx_json *array = dmx_json_add_array(object, "config");
    return array != NULL && add_member(array, hub, m->config, &cached);
}

static bool add_weights(dmx_json *object, const dmx_registry_model *m)
{
    if (m->weight == NULL)
        return dmx_json_add_null(object, "weights") != NULL;
    const size_t n = dmx_registry_count_sources(m);
    dmx_json *array = dmx_json_add_array(object, "weights");
    bool fine = array != NULL;
    for (size_t i = 0; fine && i < m->n_member; i++)
        fine = dmx_json_append(array,
                               dmx_json_new_numbers(m->weight + i * n, (int)n));
    return fine;
}

static bool add_model(dmx_json *array, const dmx_hub *hub,
                      const dmx_registry_model *m, bool community)
{
    dmx_json *object = dmx_json_new(DMX_JSON_OBJECT);
    if (!dmx_json_append(array, object))
        return false;
    const uint64_t bytes = total_bytes(m);
    return dmx_json_add_string(object, "name", m->name) != NULL &&
           dmx_json_add_string(object, "kind", m->kind) != NULL &&
           dmx_json_add_bool(object, "community", community) != NULL &&
           add_texts(object, "classes", m->klass) &&
           dmx_json_add_bool(object, "quantized", m->quantized) != NULL &&
           dmx_json_add_bool(object, "runnable", dmx_registry_runnable(m)) !=
               NULL &&
           add_texts(object, "sources", m->source) && add_aliases(object, m) &&
           add_config(object, hub, m) &&
           (bytes != 0 ? dmx_json_add_number(object, "bytes", (double)bytes)
                       : dmx_json_add_null(object, "bytes")) != NULL &&
           (m->segment != 0 ? dmx_json_add_number(object, "segment", m->segment)
                            : dmx_json_add_null(object, "segment")) != NULL &&
           add_weights(object, m) && add_members(object, hub, m) &&
           dmx_json_add_string(object, "licence", m->licence) != NULL;
}

static bool add_models(dmx_json *root, const dmx_hub *hub)
{
    dmx_json *array = dmx_json_add_array(root, "models");
    bool fine = array != NULL;
    for (size_t r = 0; r < hub->n_registry; r++)
        for (size_t i = 0; fine && i < hub->registry[r]->n_model; i++) {
            const dmx_registry_model *m = &hub->registry[r]->model[i];
            if (dmx_hub_find(hub, m->name) == m) /* not overridden */
                fine = add_model(array, hub, m,
                                 hub->registry[r] == &dmx_registry_community);
        }
    return fine;
}

char *dmx_hub_list_json(const dmx_hub *hub)
{
    if (hub == NULL)
        return NULL;
    dmx_json *root = dmx_json_new(DMX_JSON_OBJECT);
    char *text = NULL;
    if (root != NULL &&
        (hub->cache != NULL ? dmx_json_add_string(root, "cache", hub->cache)
                            : dmx_json_add_null(root, "cache")) != NULL &&
        add_models(root, hub))
        text = dmx_json_print_compact(root);
    dmx_json_free(root);
    return text;
}
