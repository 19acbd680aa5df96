/* What list-models shows, as JSON. */
#include "hub/hub.h"

#include "hub/repository.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool add_text(cJSON *array, const char *text)
{
    return cJSON_AddItemToArray(array, cJSON_CreateString(text));
}

static bool add_texts(cJSON *object, const char *key, const char *const *text)
{
    cJSON *array = cJSON_AddArrayToObject(object, key);
    bool fine = array != NULL;
    for (size_t i = 0; fine && text[i] != NULL; i++)
        fine = add_text(array, text[i]);
    return fine;
}

static bool add_files(cJSON *object, const dmx_registry_member *member)
{
    cJSON *array = cJSON_AddArrayToObject(object, "files");
    bool fine = array != NULL;
    for (size_t i = 0; fine && i < member->n_source; i++) {
        const dmx_registry_source *s = &member->source[i];
        cJSON *file = cJSON_CreateObject();
        const size_t size = strlen(s->base) + strlen(s->path) + 1;
        char *url = malloc(size);
        char shown[1024];
        fine = cJSON_AddItemToArray(array, file) && url != NULL;
        if (fine) {
            snprintf(url, size, "%s%s", s->base, s->path);
            dmx_redact_url(shown, sizeof shown, url);
            fine = cJSON_AddStringToObject(file, "url", shown) != NULL &&
                   cJSON_AddStringToObject(file, "sha256", s->sha256) != NULL;
        }
        if (fine && s->bytes != 0)
            fine = cJSON_AddNumberToObject(file, "bytes", (double)s->bytes) !=
                   NULL;
        free(url);
    }
    return fine;
}

static bool add_member(cJSON *array, const dmx_hub *hub,
                       const dmx_registry_member *member, size_t *cached)
{
    char *path = NULL;
    cJSON *object = cJSON_CreateObject();
    if (!cJSON_AddItemToArray(array, object) ||
        dmx_hub_look(&path, hub, member, NULL) != DMX_OK)
        return false;
    *cached += path != NULL;
    bool fine = cJSON_AddStringToObject(object, "signature",
                                        member->signature) != NULL &&
                (path != NULL ? cJSON_AddStringToObject(object, "path", path)
                              : cJSON_AddNullToObject(object, "path")) != NULL;
    free(path);
    return fine && add_files(object, member);
}

/* Bytes of all members; 0 when some are not known. */
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

static bool add_members(cJSON *object, const dmx_hub *hub,
                        const dmx_registry_model *m)
{
    size_t cached = 0;
    cJSON *array = cJSON_AddArrayToObject(object, "members");
    bool fine = array != NULL;
    for (size_t i = 0; fine && i < m->n_member; i++)
        fine = add_member(array, hub, m->member[i], &cached);
    return fine &&
           cJSON_AddNumberToObject(object, "cached_members", (double)cached) !=
               NULL &&
           cJSON_AddBoolToObject(object, "cached", cached == m->n_member) !=
               NULL;
}

static bool add_weights(cJSON *object, const dmx_registry_model *m)
{
    if (m->weight == NULL)
        return cJSON_AddNullToObject(object, "weights") != NULL;
    const size_t n = dmx_registry_count_sources(m);
    cJSON *array = cJSON_AddArrayToObject(object, "weights");
    bool fine = array != NULL;
    for (size_t i = 0; fine && i < m->n_member; i++)
        fine = cJSON_AddItemToArray(
            array, cJSON_CreateDoubleArray(m->weight + i * n, (int)n));
    return fine;
}

static bool add_model(cJSON *array, const dmx_hub *hub,
                      const dmx_registry_model *m)
{
    cJSON *object = cJSON_CreateObject();
    if (!cJSON_AddItemToArray(array, object))
        return false;
    const uint64_t bytes = total_bytes(m);
    return cJSON_AddStringToObject(object, "name", m->name) != NULL &&
           cJSON_AddStringToObject(object, "kind", m->kind) != NULL &&
           add_texts(object, "classes", m->klass) &&
           cJSON_AddBoolToObject(object, "quantized", m->quantized) != NULL &&
           cJSON_AddBoolToObject(object, "runnable",
                                 dmx_registry_runnable(m)) != NULL &&
           add_texts(object, "sources", m->source) &&
           (bytes != 0 ? cJSON_AddNumberToObject(object, "bytes", (double)bytes)
                       : cJSON_AddNullToObject(object, "bytes")) != NULL &&
           (m->segment != 0
                ? cJSON_AddNumberToObject(object, "segment", m->segment)
                : cJSON_AddNullToObject(object, "segment")) != NULL &&
           add_weights(object, m) && add_members(object, hub, m) &&
           cJSON_AddStringToObject(object, "licence", m->licence) != NULL;
}

static bool add_models(cJSON *root, const dmx_hub *hub)
{
    cJSON *array = cJSON_AddArrayToObject(root, "models");
    bool fine = array != NULL;
    for (size_t r = 0; r < hub->n_registry; r++)
        for (size_t i = 0; fine && i < hub->registry[r]->n_model; i++) {
            const dmx_registry_model *m = &hub->registry[r]->model[i];
            if (dmx_hub_find(hub, m->name) == m) /* not overridden */
                fine = add_model(array, hub, m);
        }
    return fine;
}

char *dmx_hub_list_json(const dmx_hub *hub)
{
    cJSON *root = cJSON_CreateObject();
    char *text = NULL;
    if (root != NULL &&
        cJSON_AddStringToObject(root, "cache", hub->cache) != NULL &&
        add_models(root, hub))
        text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return text;
}
