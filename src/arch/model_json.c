/* A model's description as JSON, and its graph as text. */
#include "arch/arch.h"

#include <stdlib.h>
#include <string.h>

static bool add_strings(dmx_json *object, const char *name, char **list,
                        size_t count)
{
    dmx_json *array = dmx_json_add_array(object, name);
    for (size_t i = 0; array != NULL && i < count; i++)
        if (!dmx_json_append(array, dmx_json_new_string(list[i])))
            return false;
    return array != NULL;
}

static bool fill(dmx_json *o, const dmx_model *m)
{
    dmx_json *arguments = dmx_json_copy(m->arguments);
    return dmx_json_add_string(o, "architecture", m->architecture) &&
           add_strings(o, "sources", m->source, m->n_source) &&
           dmx_json_add_number(o, "audio_channels",
                               (double)m->audio_channels) &&
           dmx_json_add_number(o, "samplerate", (double)m->samplerate) &&
           dmx_json_add_number(o, "segment_samples",
                               (double)m->training_samples) &&
           dmx_json_add_bool(o, "pads_to_segment", m->use_train_segment) &&
           add_strings(o, "assumed", m->assumed, m->n_assumed) &&
           arguments != NULL && dmx_json_add(o, "arguments", arguments);
}

char *dmx_model_json(const dmx_model *m)
{
    if (m == NULL)
        return NULL;
    dmx_json *object = dmx_json_new(DMX_JSON_OBJECT);
    char *text = NULL;
    if (object != NULL && fill(object, m))
        text = dmx_json_print(object);
    dmx_json_free(object);
    return text;
}

/* Growing text; data NULL after a failed allocation. */
typedef struct lines {
    char *data;
    size_t used, capacity;
    bool failed;
} lines;

static void append(void *user, const char *line)
{
    lines *t = user;
    const size_t length = strlen(line);
    if (t->failed ||
        !dmx_grow(&t->data, &t->capacity, t->used + length + 2, 1)) {
        t->failed = true;
        return;
    }
    memcpy(t->data + t->used, line, length);
    t->used += length;
    memcpy(t->data + t->used, "\n", 2);
    t->used++;
}

dmx_status dmx_model_graph_text(char **out, const dmx_model *m, int64_t samples,
                                dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_RETURN_IF(m == NULL, err, DMX_ERROR_ARGUMENT, "%s: model is NULL",
                  __func__);
    dmx_graph *g;
    lines text = {NULL, 0, 0, false};
    DMX_FORWARD(dmx_model_graph(&g, m, samples, err));
    dmx_graph_print(g, append, &text);
    dmx_graph_close(g);
    if (text.failed) {
        free(text.data);
        DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory for the text");
    }
    *out = text.data;
    return DMX_OK;
}
