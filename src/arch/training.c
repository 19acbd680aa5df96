#include "arch/training.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PATH = 128, MAX_HOPS = 8 };

/* The value at "dset.sources", or NULL. */
static const dmx_json *at_path(const dmx_json *root, const char *path,
                               size_t size)
{
    char copy[MAX_PATH];
    if (size >= sizeof copy)
        return NULL;
    memcpy(copy, path, size);
    copy[size] = '\0';
    char *rest = copy;
    for (const char *part = strtok_r(copy, ".", &rest);
         part != NULL && root != NULL; part = strtok_r(NULL, ".", &rest))
        root = dmx_json_get(root, part);
    return root;
}

/* OmegaConf's "${dset.channels}" stands for the value there. */
static const dmx_json *resolved(const dmx_json *root, const dmx_json *item)
{
    for (int hops = 0; hops < MAX_HOPS && dmx_json_is_string(item); hops++) {
        const char *text = item->valuestring;
        const size_t n = strlen(text);
        if (n < 4 || strncmp(text, "${", 2) != 0 || text[n - 1] != '}' ||
            strchr(text, ':') != NULL)
            return item;
        item = at_path(root, text + 2, n - 3);
    }
    return item;
}

static const dmx_json *get(const dmx_json *root, const char *path)
{
    return resolved(root, at_path(root, path, strlen(path)));
}

const char *dmx_training_model(const dmx_json *training)
{
    const dmx_json *model = get(training, "model");
    return dmx_json_is_string(model) ? model->valuestring : NULL;
}

double dmx_training_segment(const dmx_json *training)
{
    const dmx_json *segment = get(training, "dset.segment");
    return dmx_json_is_number(segment) ? segment->valuedouble : 0.0;
}

/* Moves `value` into the object, replacing one of the same name. */
static bool put(dmx_json *object, const char *name, dmx_json *value)
{
    dmx_json_remove(object, name);
    if (value != NULL && dmx_json_add(object, name, value))
        return true;
    dmx_json_free(value);
    return false;
}

static bool put_copy(dmx_json *object, const char *name, const dmx_json *value)
{
    return value == NULL || put(object, name, dmx_json_copy(value));
}

static bool put_section(dmx_json *out, const dmx_json *root,
                        const dmx_json *section)
{
    const dmx_json *item;
    DMX_JSON_EACH (item, section) {
        if (!put_copy(out, item->string, resolved(root, item)))
            return false;
    }
    return true;
}

/* Python's `model_segment or 4 * dset.segment`. */
static bool put_segment(dmx_json *out, const dmx_json *root)
{
    const dmx_json *own = get(root, "model_segment");
    const double piece = dmx_training_segment(root);
    if (dmx_json_is_number(own) && own->valuedouble != 0.0)
        return put_copy(out, "segment", own);
    return !(piece > 0.0) ||
           put(out, "segment", dmx_json_new_number(4 * piece));
}

dmx_status dmx_training_arguments(dmx_json **out, const dmx_json *training,
                                  dmx_error *err)
{
    const char *model = dmx_training_model(training);
    const dmx_json *section =
        model != NULL ? dmx_json_get(training, model) : NULL;
    *out = NULL;
    if (!dmx_json_is_object(section))
        return DMX_OK;
    *out = dmx_json_new(DMX_JSON_OBJECT);
    if (*out != NULL && put_section(*out, training, section) &&
        put_copy(*out, "sources", get(training, "dset.sources")) &&
        put_copy(*out, "audio_channels", get(training, "dset.channels")) &&
        put_copy(*out, "samplerate", get(training, "dset.samplerate")) &&
        put_segment(*out, training))
        return DMX_OK;
    dmx_json_free(*out);
    *out = NULL;
    DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory for arguments");
}
