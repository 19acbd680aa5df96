/* Everything known about a checkpoint as one JSON document. */
#include "checkpoint/checkpoint.h"

#include <string.h>

static const char *container_name(dmx_container container)
{
    static const char *const names[] = {"zip", "legacy", "safetensors"};
    return names[container];
}

static bool add_text(cJSON *json, const char *key, const char *text)
{
    return text != NULL ? cJSON_AddStringToObject(json, key, text) != NULL
                        : cJSON_AddNullToObject(json, key) != NULL;
}

static bool add_number(cJSON *json, const char *key, double x)
{
    return cJSON_AddNumberToObject(json, key, x) != NULL;
}

/* A view of what the checkpoint owns. Not cJSON_AddItemReferenceToObject,
 * which leaks when memory is short. */
static bool add_shared(cJSON *json, const char *key, const cJSON *item)
{
    if (item == NULL)
        return cJSON_AddNullToObject(json, key) != NULL;
    cJSON *view = cJSON_IsArray(item)
                      ? cJSON_CreateArrayReference(item->child)
                      : cJSON_CreateObjectReference(item->child);
    if (view != NULL && cJSON_AddItemToObject(json, key, view))
        return true;
    cJSON_Delete(view);
    return false;
}

static bool add_class(cJSON *json, const dmx_checkpoint *c)
{
    if (c->klass_name == NULL)
        return add_text(json, "class", NULL);
    cJSON *klass = cJSON_AddObjectToObject(json, "class");
    return klass != NULL && add_text(klass, "module", c->klass_module) &&
           add_text(klass, "name", c->klass_name);
}

static bool add_file(cJSON *json, const dmx_checkpoint *c)
{
    const bool has = c->name_checksum[0] != '\0';
    return add_text(json, "path", c->path) &&
           add_text(json, "container", container_name(c->container)) &&
           add_number(json, "pickle_protocol", c->pickle_protocol) &&
           add_number(json, "file_size", (double)c->file_size) &&
           add_text(json, "sha256", c->sha256) &&
           add_text(json, "name_checksum", has ? c->name_checksum : NULL) &&
           (!has || cJSON_AddBoolToObject(json, "name_checksum_matches",
                                          c->name_checksum_matches) != NULL);
}

static bool add_globals(cJSON *json, const dmx_checkpoint *c)
{
    cJSON *array = cJSON_AddArrayToObject(json, "globals");
    bool ok = array != NULL;
    for (size_t i = 0; ok && i < c->n_global; i++) {
        cJSON *name = cJSON_CreateString(c->global[i]);
        ok = name != NULL && cJSON_AddItemToArray(array, name);
    }
    return ok;
}

static bool add_tensor(cJSON *array, const dmx_tensor *t)
{
    cJSON *json = cJSON_CreateObject();
    if (json == NULL || !cJSON_AddItemToArray(array, json))
        return false;
    cJSON *shape = NULL;
    bool ok = add_text(json, "name", t->name) &&
              add_text(json, "dtype", dmx_dtype_name(t->dtype)) &&
              (shape = cJSON_AddArrayToObject(json, "shape")) != NULL;
    for (int i = 0; ok && i < t->rank; i++) {
        cJSON *dim = cJSON_CreateNumber((double)t->dim[i]);
        ok = dim != NULL && cJSON_AddItemToArray(shape, dim);
    }
    return ok;
}

static bool add_tensors(cJSON *json, const dmx_checkpoint *c)
{
    cJSON *array = cJSON_AddArrayToObject(json, "tensors");
    bool ok = array != NULL;
    for (size_t i = 0; ok && i < c->n_tensor; i++)
        ok = add_tensor(array, &c->tensor[i]);
    return ok;
}

char *dmx_checkpoint_json(const dmx_checkpoint *c)
{
    char *text = NULL;
    cJSON *json = cJSON_CreateObject();
    if (json != NULL && add_file(json, c) && add_class(json, c) &&
        add_shared(json, "args", c->args) &&
        add_shared(json, "kwargs", c->kwargs) &&
        add_text(json, "wrapper", c->wrapper) &&
        add_text(json, "prefix", c->prefix) && add_globals(json, c) &&
        add_tensors(json, c))
        text = cJSON_Print(json);
    cJSON_Delete(json);
    return text;
}
