#include "hub/registry.h"

#include "arch/architectures.h"
#include "hub/repository.h"

#include <stdio.h>
#include <string.h>

const dmx_registry_model *dmx_registry_find(const dmx_registry *registry,
                                            const char *name)
{
    for (size_t i = 0; i < registry->n_model; i++)
        if (strcmp(registry->model[i].name, name) == 0)
            return &registry->model[i];
    return NULL;
}

const dmx_registry_member *
dmx_registry_find_member(const dmx_registry *registry, const char *signature)
{
    for (size_t i = 0; i < registry->n_model; i++) {
        const dmx_registry_model *m = &registry->model[i];
        for (size_t k = 0; k < m->n_member; k++)
            if (strcmp(m->member[k]->signature, signature) == 0)
                return m->member[k];
    }
    return NULL;
}

size_t dmx_registry_count_sources(const dmx_registry_model *model)
{
    size_t n = 0;
    while (model->source[n] != NULL)
        n++;
    return n;
}

bool dmx_registry_runnable(const dmx_registry_model *model)
{
    for (const char *const *k = model->klass; *k != NULL; k++)
        if (model->quantized ? !dmx_architecture_quantized(*k)
                             : !dmx_architecture_known(*k))
            return false;
    return true;
}

void dmx_registry_file_name(char *name, size_t size,
                            const dmx_registry_member *member,
                            const dmx_registry_source *source)
{
    snprintf(name, size, "%s-%.8s%s", member->signature, source->sha256,
             dmx_extension(source->path));
}

bool dmx_is_http_url(const char *text)
{
    size_t lead;
    if (strncmp(text, "https://", 8) == 0)
        lead = 8;
    else if (strncmp(text, "http://", 7) == 0)
        lead = 7;
    else
        return false;
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= 0x20 || *c == 0x7f || *c == '#')
            return false;
    return text[lead] != '\0' && text[lead] != '/';
}
