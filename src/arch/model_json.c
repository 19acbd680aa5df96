/* What is known about a model, as JSON and as the text of its graph. */
#include "arch/arch.h"

#include <stdlib.h>
#include <string.h>

static bool add_strings(cJSON *object, const char *name, char **list,
                        size_t count)
{
    cJSON *array = cJSON_AddArrayToObject(object, name);
    for (size_t i = 0; array != NULL && i < count; i++)
        if (!cJSON_AddItemToArray(array, cJSON_CreateString(list[i])))
            return false;
    return array != NULL;
}

static bool fill(cJSON *o, const dmx_model *m)
{
    cJSON *arguments = cJSON_Duplicate(m->arguments, 1);
    return cJSON_AddStringToObject(o, "architecture", m->architecture) &&
           add_strings(o, "sources", m->source, m->n_source) &&
           cJSON_AddNumberToObject(o, "audio_channels",
                                   (double)m->audio_channels) &&
           cJSON_AddNumberToObject(o, "samplerate", (double)m->samplerate) &&
           cJSON_AddNumberToObject(o, "segment_samples",
                                   (double)m->training_samples) &&
           cJSON_AddBoolToObject(o, "pads_to_segment", m->use_train_segment) &&
           add_strings(o, "assumed", m->assumed, m->n_assumed) &&
           arguments != NULL &&
           cJSON_AddItemToObject(o, "arguments", arguments);
}

char *dmx_model_json(const dmx_model *m)
{
    cJSON *object = cJSON_CreateObject();
    char *text = NULL;
    if (object != NULL && fill(object, m))
        text = cJSON_Print(object);
    cJSON_Delete(object);
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
    dmx_graph *g;
    lines text = {NULL, 0, 0, false};
    *out = NULL;
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
