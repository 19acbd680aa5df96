/* Everything known about a checkpoint as one JSON document. */
#include "checkpoint/checkpoint.h"
#include "checkpoint/quantized.h"

#include <string.h>

static const char *container_name(dmx_container container)
{
    static const char *const names[] = {"zip", "legacy", "safetensors"};
    return names[container];
}

static bool add_text(dmx_json *json, const char *key, const char *text)
{
    return text != NULL ? dmx_json_add_string(json, key, text) != NULL
                        : dmx_json_add_null(json, key) != NULL;
}

static bool add_number(dmx_json *json, const char *key, double x)
{
    return dmx_json_add_number(json, key, x) != NULL;
}

/* Adds a view of an item that the checkpoint owns. */
static bool add_shared(dmx_json *json, const char *key, const dmx_json *item)
{
    if (item == NULL)
        return dmx_json_add_null(json, key) != NULL;
    dmx_json *view = dmx_json_borrow(item);
    if (view != NULL && dmx_json_add(json, key, view))
        return true;
    dmx_json_free(view);
    return false;
}

static bool add_class(dmx_json *json, const dmx_checkpoint *c)
{
    if (c->klass_name == NULL)
        return add_text(json, "class", NULL);
    dmx_json *klass = dmx_json_add_object(json, "class");
    return klass != NULL && add_text(klass, "module", c->klass_module) &&
           add_text(klass, "name", c->klass_name);
}

static bool add_file(dmx_json *json, const dmx_checkpoint *c)
{
    const bool has = c->name_checksum[0] != '\0';
    return add_text(json, "path", c->path) &&
           add_text(json, "container", container_name(c->container)) &&
           add_number(json, "pickle_protocol", c->pickle_protocol) &&
           add_number(json, "file_size", (double)c->file_size) &&
           add_text(json, "sha256", c->sha256) &&
           add_text(json, "name_checksum", has ? c->name_checksum : NULL) &&
           (!has || dmx_json_add_bool(json, "name_checksum_matches",
                                      c->name_checksum_matches) != NULL);
}

static bool add_globals(dmx_json *json, const dmx_checkpoint *c)
{
    dmx_json *array = dmx_json_add_array(json, "globals");
    bool ok = array != NULL;
    for (size_t i = 0; ok && i < c->n_global; i++) {
        dmx_json *name = dmx_json_new_string(c->global[i]);
        ok = name != NULL && dmx_json_append(array, name);
    }
    return ok;
}

/* Adds the sets of weights in the file; null when there is only one. */
static bool add_sets(dmx_json *json, const dmx_checkpoint *c)
{
    if (c->n_set == 0)
        return add_text(json, "sets", NULL);
    dmx_json *array = dmx_json_add_array(json, "sets");
    bool ok = array != NULL;
    for (size_t i = 0; ok && i < c->n_set; i++) {
        dmx_json *name = dmx_json_new_string(c->set[i]);
        ok = name != NULL && dmx_json_append(array, name);
    }
    return ok;
}

static bool add_tensor(dmx_json *array, const dmx_tensor *t)
{
    dmx_json *json = dmx_json_new(DMX_JSON_OBJECT);
    if (json == NULL || !dmx_json_append(array, json))
        return false;
    dmx_json *shape = NULL;
    bool ok = add_text(json, "name", t->name) &&
              add_text(json, "dtype", dmx_dtype_name(t->dtype)) &&
              (shape = dmx_json_add_array(json, "shape")) != NULL;
    for (int i = 0; ok && i < t->rank; i++) {
        dmx_json *dim = dmx_json_new_number((double)t->dim[i]);
        ok = dim != NULL && dmx_json_append(shape, dim);
    }
    return ok;
}

static bool add_tensors(dmx_json *json, const dmx_checkpoint *c)
{
    dmx_json *array = dmx_json_add_array(json, "tensors");
    bool ok = array != NULL;
    for (size_t i = 0; ok && i < c->n_tensor; i++)
        ok = add_tensor(array, &c->tensor[i]);
    return ok;
}

/* Tensors of a quantized state, which have no names: quantized ones, others. */
static bool add_quantized(dmx_json *json, const dmx_quantized *q)
{
    return q == NULL ||
           (add_number(json, "quantized_tensors", (double)q->n_entry) &&
            add_number(json, "other_tensors", (double)q->n_plain));
}

char *dmx_checkpoint_json(const dmx_checkpoint *c)
{
    if (c == NULL)
        return NULL;
    char *text = NULL;
    dmx_json *json = dmx_json_new(DMX_JSON_OBJECT);
    if (json != NULL && add_file(json, c) && add_class(json, c) &&
        add_shared(json, "args", c->args) &&
        add_shared(json, "kwargs", c->kwargs) &&
        add_text(json, "wrapper", c->wrapper) &&
        add_text(json, "prefix", c->prefix) &&
        add_quantized(json, c->quantized) &&
        add_text(json, "weights", c->weights) && add_sets(json, c) &&
        add_shared(json, "training", c->training) && add_globals(json, c) &&
        add_tensors(json, c))
        text = dmx_json_print(json);
    dmx_json_free(json);
    return text;
}
