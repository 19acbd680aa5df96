#include "model_options.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ lists */

const char **cli_split(const char *text)
{
    const size_t length = strlen(text) + 1;
    size_t count = 2;
    for (const char *p = text; *p != '\0'; p++)
        count += *p == ',';
    const char **list = malloc(count * sizeof *list + length);
    if (list == NULL)
        return NULL;
    char *copy = (char *)(list + count);
    memcpy(copy, text, length);
    count = 0;
    for (char *word = strtok_r(copy, ",", &copy); word != NULL;
         word = strtok_r(NULL, ",", &copy))
        list[count++] = word;
    list[count] = NULL;
    return list;
}

/* sources=["a","b"] at p; returns the end. */
static char *put_sources(char *p, const char *sources)
{
    p += sprintf(p, "sources=[");
    for (const char *from = sources; *from != '\0';) {
        const size_t n = strcspn(from, ",");
        if (n > 0)
            p +=
                sprintf(p, "%s\"%.*s\"", p[-1] == '[' ? "" : ",", (int)n, from);
        from += n + (from[n] == ',');
    }
    return p + sprintf(p, "]") + 1;
}

const char **cli_model_settings(const cli_model_options *o, const char *segment)
{
    const size_t text = (o->sources != NULL ? 4 * strlen(o->sources) : 0) +
                        (segment != NULL ? strlen(segment) : 0) + 64;
    const char **list = malloc((o->set.count + 3) * sizeof *list + text);
    if (list == NULL)
        return NULL;
    size_t n = 0;
    char *p = (char *)(list + o->set.count + 3);
    if (o->sources != NULL) {
        list[n++] = p;
        p = put_sources(p, o->sources);
    }
    if (segment != NULL) {
        list[n++] = p;
        sprintf(p, "segment=%s", segment);
    }
    for (size_t i = 0; i < o->set.count; i++)
        list[n++] = o->set.item[i];
    list[n] = NULL;
    return list;
}

/* ------------------------------------------------------------------- open */

/* Whether the file has no class and therefore no arguments. */
static bool is_bare(const dmx_checkpoint *checkpoint)
{
    char *json = dmx_checkpoint_json(checkpoint);
    const bool bare = json != NULL && strstr(json, "\"class\":\tnull") != NULL;
    dmx_free(json);
    return bare;
}

dmx_status cli_model_of(dmx_model **out, cli_terminal *t,
                        const dmx_checkpoint *checkpoint,
                        const cli_model_options *o, dmx_error *err)
{
    const bool with_segment = o->segment != NULL && is_bare(checkpoint);
    const char **set = cli_model_settings(o, with_segment ? o->segment : NULL);
    dmx_model_options options = DMX_MODEL_OPTIONS_INIT;
    options.hooks = &t->hooks;
    options.config_path = o->config;
    options.set = set;
    const dmx_status status = dmx_model_open(out, checkpoint, &options, err);
    free(set);
    return status;
}

dmx_status cli_model_open(cli_model *out, cli_terminal *t, const char *path,
                          int strict, const cli_model_options *options,
                          dmx_error *err)
{
    *out = (cli_model){0};
    dmx_checkpoint_options open = DMX_CHECKPOINT_OPTIONS_INIT;
    open.hooks = &t->hooks;
    open.strict_checksum = strict;
    open.weights = options->weights;
    dmx_status status = dmx_checkpoint_open(&out->checkpoint, path, &open, err);
    if (status == DMX_OK)
        status = cli_model_of(&out->model, t, out->checkpoint, options, err);
    if (status != DMX_OK)
        cli_model_close(out);
    return status;
}

void cli_model_close(cli_model *m)
{
    dmx_model_close(m->model);
    dmx_checkpoint_close(m->checkpoint);
    *m = (cli_model){0};
}
