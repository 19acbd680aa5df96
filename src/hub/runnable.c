/* Which registered models this build can run. */
#include "hub/hub.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Any model with this member determines whether the member can be run. */
static const dmx_registry_model *model_with(const struct dmx_hub *hub,
                                            const char *signature)
{
    const dmx_registry_member *member = dmx_hub_find_member(hub, signature);
    const dmx_registry_model *found = NULL;
    for (size_t r = 0; r < hub->n_registry && member != NULL; r++)
        for (size_t i = 0; i < hub->registry[r]->n_model; i++) {
            const dmx_registry_model *m = &hub->registry[r]->model[i];
            for (size_t k = 0; k < m->n_member; k++)
                if (m->member[k] == member &&
                    (found == NULL || dmx_registry_runnable(m)))
                    found = m;
        }
    return found;
}

static void append(char *text, size_t size, const char *fmt, ...)
    DMX_PRINTF(3, 4);

static void append(char *text, size_t size, const char *fmt, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text + used, size - used, fmt, args);
    va_end(args);
}

/* "Hybrid Demucs v3, quantized" */
static void reason(char *text, size_t size, const dmx_registry_model *model)
{
    static const char *const known[][2] = {
        {"Demucs", "Demucs v3 in the time domain"},
        {"HDemucs", "Hybrid Demucs v3"},
        {"HTDemucs", "Hybrid Transformer Demucs"},
    };
    text[0] = '\0';
    for (const char *const *k = model->klass; *k != NULL; k++) {
        const char *name = *k;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (strcmp(known[i][0], name) == 0)
                name = known[i][1];
        append(text, size, "%s%s", k > model->klass ? " and " : "", name);
    }
    if (model->quantized)
        append(text, size, ", quantized");
}

/* Lists the names of runnable models, except those of private registries, which
 * may have hundreds. */
static void runnable_names(char *text, size_t size, const struct dmx_hub *hub)
{
    int count = 0;
    text[0] = '\0';
    for (size_t r = 0; r < hub->n_registry; r++)
        for (size_t i = 0; i < hub->registry[r]->n_model; i++) {
            const dmx_registry_model *m = &hub->registry[r]->model[i];
            if (dmx_hub_find(hub, m->name) == m && dmx_registry_runnable(m) &&
                count++ < 8)
                append(text, size, "%s%s", count > 1 ? ", " : "", m->name);
        }
    if (count > 8)
        append(text, size, " and others");
}

dmx_status dmx_hub_runnable(const dmx_hub *hub, const char *name,
                            dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, hub);
    DMX_NEED(err, name);
    char why[300], names[600];
    if (hub->repository != NULL)
        return DMX_OK;
    const dmx_registry_model *model = dmx_hub_find(hub, name);
    if (model == NULL)
        model = model_with(hub, name);
    if (model == NULL || dmx_registry_runnable(model))
        return DMX_OK;
    reason(why, sizeof why, model);
    runnable_names(names, sizeof names, hub);
    return dmx_fail(
        err, DMX_ERROR_UNSUPPORTED, "%s can't be run yet (%s)%s%s%s", name, why,
        names[0] != '\0' ? "; " : "", names, names[0] != '\0' ? " can" : "");
}
