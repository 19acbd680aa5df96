/* dmx_hub: registries, cache, network. */
#ifndef DMX_HUB_HUB_H
#define DMX_HUB_HUB_H

#include "hub/registry.h"
#include "hub/transport.h"

struct dmx_hub {
    const dmx_hooks *hooks;
    char *cache;      /* the cache folder, or NULL: no home */
    char *files;      /* checkpoints in it, or NULL */
    char *torch;      /* PyTorch's own cache, or NULL */
    char *mirror;     /* with a final '/', or NULL */
    char *repository; /* or NULL */
    bool offline;
    const dmx_registry *registry[3]; /* looked through in this order */
    size_t n_registry;
    dmx_registry private_registry;
    dmx_patience patience;
    dmx_transport *transport; /* opened when first needed */
};

/* A model by name, in the first registry that has it; NULL: none has. */
const dmx_registry_model *dmx_hub_find(const struct dmx_hub *hub,
                                       const char *name);
const dmx_registry_member *dmx_hub_find_member(const struct dmx_hub *hub,
                                               const char *signature);

/* DMX_ERROR_ARGUMENT, with advice, when there is no folder for the cache. */
DMX_MUST_CHECK dmx_status dmx_hub_need_cache(const struct dmx_hub *hub,
                                             dmx_error *err);

/* Where a member lies on disk, by name and size alone; malloc'd into *path,
 * NULL: nowhere. */
DMX_MUST_CHECK dmx_status dmx_hub_look(char **path, const struct dmx_hub *hub,
                                       const dmx_registry_member *member,
                                       dmx_error *err);

/* The verified file of a member, malloc'd into *path: from the cache, from
 * PyTorch's, or downloaded. */
DMX_MUST_CHECK dmx_status dmx_hub_fetch(char **path, struct dmx_hub *hub,
                                        const dmx_registry_member *member,
                                        dmx_error *err);

/* Does the file's SHA-256 start with these digits? */
DMX_MUST_CHECK dmx_status dmx_hub_check_hash(bool *right, const char *path,
                                             const char *sha256,
                                             const dmx_hooks *hooks,
                                             dmx_error *err);

/* The bag of a registered model, without paths; stem as in dmx_hub_resolve. */
DMX_MUST_CHECK dmx_status dmx_hub_bag(struct dmx_bag **out,
                                      const dmx_registry_model *model,
                                      const char *stem, dmx_error *err);

#endif
