/* The released models' list for the host, which downloads them. */
#include "module.h"

#include "base/json.h"
#include "hub/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool add_url(dmx_json *object, const dmx_registry_source *source)
{
    char url[512];
    const int n = snprintf(url, sizeof url, "%s%s", source->base, source->path);
    return n > 0 && (size_t)n < sizeof url &&
           dmx_json_add_string(object, "url", url) != NULL;
}

static bool add_files(dmx_json *object, const dmx_registry_member *member)
{
    dmx_json *array = dmx_json_add_array(object, "files");
    bool fine = array != NULL;
    for (size_t i = 0; fine && i < member->n_source; i++) {
        const dmx_registry_source *source = &member->source[i];
        char name[128];
        dmx_registry_file_name(name, sizeof name, member, source);
        dmx_json *file = dmx_json_new(DMX_JSON_OBJECT);
        fine =
            dmx_json_append(array, file) && add_url(file, source) &&
            dmx_json_add_string(file, "name", name) != NULL &&
            dmx_json_add_string(file, "sha256", source->sha256) != NULL &&
            dmx_json_add_number(file, "bytes", (double)source->bytes) != NULL;
    }
    return fine;
}

static bool add_members(dmx_json *object, const dmx_registry_model *model)
{
    dmx_json *array = dmx_json_add_array(object, "members");
    bool fine = array != NULL;
    for (size_t i = 0; fine && i < model->n_member; i++) {
        dmx_json *member = dmx_json_new(DMX_JSON_OBJECT);
        fine = dmx_json_append(array, member) &&
               dmx_json_add_string(member, "signature",
                                   model->member[i]->signature) != NULL &&
               add_files(member, model->member[i]);
    }
    return fine;
}

static bool add_sources(dmx_json *object, const dmx_registry_model *model)
{
    dmx_json *array = dmx_json_add_array(object, "sources");
    bool fine = array != NULL;
    for (const char *const *s = model->source; fine && *s != NULL; s++)
        fine = dmx_json_append(array, dmx_json_new_string(*s));
    return fine;
}

/* [model][source], null when all are 1 */
static bool add_weights(dmx_json *object, const dmx_registry_model *model)
{
    if (model->weight == NULL)
        return dmx_json_add_null(object, "weights") != NULL;
    const size_t columns = dmx_registry_count_sources(model);
    dmx_json *array = dmx_json_add_array(object, "weights");
    bool fine = array != NULL;
    for (size_t i = 0; fine && i < model->n_member; i++)
        fine = dmx_json_append(
            array,
            dmx_json_new_numbers(model->weight + i * columns, (int)columns));
    return fine;
}

static double total_bytes(const dmx_registry_model *model)
{
    double sum = 0;
    for (size_t i = 0; i < model->n_member; i++)
        sum += (double)model->member[i]->source[0].bytes;
    return sum;
}

static bool add_model(dmx_json *list, const dmx_registry_model *model)
{
    dmx_json *object = dmx_json_new(DMX_JSON_OBJECT);
    return dmx_json_append(list, object) &&
           dmx_json_add_string(object, "name", model->name) != NULL &&
           dmx_json_add_string(object, "kind", model->kind) != NULL &&
           dmx_json_add_string(object, "licence", model->licence) != NULL &&
           dmx_json_add_number(object, "bytes", total_bytes(model)) != NULL &&
           dmx_json_add_number(object, "segment", model->segment) != NULL &&
           add_sources(object, model) && add_weights(object, model) &&
           add_members(object, model);
}

char *web_released(void)
{
    dmx_json *list = dmx_json_new(DMX_JSON_ARRAY);
    bool fine = list != NULL;
    for (size_t i = 0; fine && i < dmx_registry_released.n_model; i++)
        if (dmx_registry_runnable(&dmx_registry_released.model[i]))
            fine = add_model(list, &dmx_registry_released.model[i]);
    char *text = fine ? dmx_json_print_compact(list) : NULL;
    dmx_json_free(list);
    return text;
}
