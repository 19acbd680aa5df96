#include "arch/infer.h"
#include "arch/sources.h"

#include <stdio.h>
#include <string.h>

const dmx_tensor *dmx_infer_find(const struct dmx_checkpoint *c,
                                 const char *fmt, int64_t index)
{
    char name[128];
    snprintf(name, sizeof name, fmt, (long long)index);
    return dmx_checkpoint_find(c, name);
}

/* Is there any tensor whose name starts with the prefix? Binary search in
 * by_name. */
bool dmx_infer_any(const struct dmx_checkpoint *c, const char *prefix)
{
    size_t low = 0, high = c->n_tensor;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(c->by_name[middle]->name, prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->n_tensor &&
           strncmp(c->by_name[low]->name, prefix, strlen(prefix)) == 0;
}

bool dmx_infer_part(const struct dmx_checkpoint *c, const char *fmt,
                    int64_t index)
{
    char prefix[128];
    snprintf(prefix, sizeof prefix, fmt, (long long)index);
    return dmx_infer_any(c, prefix);
}

/* How many consecutive indices 0, 1, ... exist. */
int64_t dmx_infer_count(const struct dmx_checkpoint *c, const char *fmt)
{
    int64_t n = 0;
    while (n < 1000 && dmx_infer_part(c, fmt, n))
        n++;
    return n;
}

/* The convolution of encoder level i, or of its first band. */
const dmx_tensor *dmx_infer_conv(const struct dmx_checkpoint *c, int64_t i)
{
    const dmx_tensor *t = dmx_infer_find(c, "encoder.%lld.conv.weight", i);
    return t != NULL
               ? t
               : dmx_infer_find(c, "encoder.%lld.layers.0.conv.weight", i);
}

/* A tensor of level i of a list, or of its first band. */
const dmx_tensor *dmx_infer_level(const struct dmx_checkpoint *c,
                                  const char *list, int64_t i, const char *name)
{
    char full[160];
    snprintf(full, sizeof full, "%s.%lld.%s", list, (long long)i, name);
    const dmx_tensor *t = dmx_checkpoint_find(c, full);
    if (t != NULL)
        return t;
    snprintf(full, sizeof full, "%s.%lld.layers.0.%s", list, (long long)i,
             name);
    return dmx_checkpoint_find(c, full);
}

/* Sets an inferred number unless the user gave one. */
dmx_status dmx_infer_number(struct dmx_model *m, const char *name, double value,
                            dmx_error *err)
{
    if (dmx_json_get(m->arguments, name) != NULL)
        return DMX_OK;
    DMX_RETURN_IF(dmx_json_add_number(m->arguments, name, value) == NULL, err,
                  DMX_ERROR_MEMORY, "no memory for arguments");
    return DMX_OK;
}

dmx_status dmx_infer_bool(struct dmx_model *m, const char *name, bool value,
                          dmx_error *err)
{
    if (dmx_json_get(m->arguments, name) != NULL)
        return DMX_OK;
    DMX_RETURN_IF(dmx_json_add_bool(m->arguments, name, value) == NULL, err,
                  DMX_ERROR_MEMORY, "no memory for arguments");
    return DMX_OK;
}

/* A given or inferred number, else a fallback. */
double dmx_infer_known(const struct dmx_model *m, const char *name,
                       double fallback)
{
    const dmx_json *item = dmx_json_get(m->arguments, name);
    if (dmx_json_is_bool(item))
        return dmx_json_is_true(item) ? 1.0 : 0.0;
    return dmx_json_is_number(item) ? item->valuedouble : fallback;
}

dmx_status dmx_infer_sources(struct dmx_model *m, size_t n, dmx_error *err)
{
    char list[40 * DMX_INFER_MOST_SOURCES], name[32];
    if (n > DMX_INFER_MOST_SOURCES)
        n = DMX_INFER_MOST_SOURCES;
    int used = snprintf(list, sizeof list, "[");
    for (size_t i = 0; i < n; i++)
        used += snprintf(list + used, sizeof list - (size_t)used, "%s\"%s\"",
                         i > 0 ? ", " : "", dmx_default_source(name, i, n));
    snprintf(list + used, sizeof list - (size_t)used, "]");
    return dmx_model_assume(m, "sources", list, err);
}
