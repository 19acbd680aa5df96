#include "arch/architectures.h"

#include <stdio.h>
#include <string.h>

static const struct dmx_architecture *const architectures[] = {
    &dmx_architecture_htdemucs,
    &dmx_architecture_hdemucs,
    &dmx_architecture_demucs,
};
#define N_ARCHITECTURES (sizeof architectures / sizeof architectures[0])

const struct dmx_architecture *dmx_architecture_find(const char *klass)
{
    for (size_t i = 0; i < N_ARCHITECTURES; i++)
        if (strcmp(architectures[i]->klass_name, klass) == 0 ||
            (architectures[i]->other_klass_name != NULL &&
             strcmp(architectures[i]->other_klass_name, klass) == 0))
            return architectures[i];
    return NULL;
}

bool dmx_architecture_known(const char *klass_name)
{
    return dmx_architecture_find(klass_name) != NULL;
}

bool dmx_architecture_quantized(const char *klass_name)
{
    const struct dmx_architecture *found = dmx_architecture_find(klass_name);
    return found != NULL && found->quantized;
}

const struct dmx_architecture *dmx_architecture_named(const char *name)
{
    for (size_t i = 0; i < N_ARCHITECTURES; i++)
        if (strcmp(architectures[i]->name, name) == 0)
            return architectures[i];
    return NULL;
}

int64_t dmx_architecture_draws_position(const char *name,
                                        const dmx_json *arguments)
{
    const struct dmx_architecture *found = dmx_architecture_named(name);
    return found != NULL && found->draws_position != NULL
               ? found->draws_position(arguments)
               : 0;
}

int64_t dmx_architecture_run_length(const char *name, const dmx_json *arguments,
                                    int64_t n)
{
    const struct dmx_architecture *found = dmx_architecture_named(name);
    return found != NULL && found->run_length != NULL
               ? found->run_length(arguments, n)
               : n;
}

const struct dmx_architecture *
dmx_architecture_recognise(const struct dmx_checkpoint *checkpoint)
{
    for (size_t i = 0; i < N_ARCHITECTURES; i++)
        if (architectures[i]->recognise(checkpoint))
            return architectures[i];
    return NULL;
}

const char *dmx_architecture_classes(char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < N_ARCHITECTURES && used < size; i++)
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s",
                             i != 0 ? ", " : "", architectures[i]->klass_name);
    return text;
}
