/* Private registries: what is accepted is safe in paths and messages. */
#include "fuzz_open.h"

#include "base/text.h"
#include "hub/registry.h"

#include <stdlib.h>
#include <string.h>

static void check_model(const dmx_registry *r, const dmx_registry_model *m)
{
    if (dmx_registry_find(r, m->name) != m || !dmx_is_file_name(m->name) ||
        dmx_registry_count_sources(m) > DMX_BAG_SOURCES ||
        m->n_member > DMX_BAG_MEMBERS)
        abort();
    dmx_registry_runnable(m);
    for (size_t i = 0; i < m->n_member; i++)
        for (size_t k = 0; k < m->member[i]->n_source; k++) {
            const dmx_registry_source *source = &m->member[i]->source[k];
            char name[256];
            dmx_registry_file_name(name, sizeof name, m->member[i], source);
            if (strchr(name, '/') != NULL || strstr(source->path, "..") == name)
                abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dmx_registry registry;
    dmx_error err = DMX_ERROR_INIT;
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (dmx_registry_parse(&registry, text, size, "r.json", &err) == DMX_OK)
        for (size_t i = 0; i < registry.n_model; i++)
            check_model(&registry, &registry.model[i]);
    else if (err.code == DMX_OK || err.message[0] == '\0')
        abort();
    dmx_registry_free(&registry);
    free(text);
    return 0;
}
