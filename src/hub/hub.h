/* dmx_hub: registries, cache, network. */
#ifndef DMX_HUB_HUB_H
#define DMX_HUB_HUB_H

#include "hub/registry.h"
#include "hub/transport.h"

struct dmx_hub {
    const dmx_hooks *hooks;
    char *cache;      /* the cache folder; NULL without a home folder */
    char *files;      /* checkpoints in it, or NULL */
    char *torch;      /* PyTorch's own cache, or NULL */
    char *mirror;     /* with a final '/', or NULL */
    char *repository; /* or NULL */
    bool offline;
    const dmx_registry *registry[3]; /* searched in this order */
    size_t n_registry;
    dmx_registry private_registry;
    dmx_patience patience;
    dmx_transport *transport; /* opened when first needed */
};

/* A model by name, from the first registry that has it, or NULL. */
const dmx_registry_model *dmx_hub_find(const struct dmx_hub *hub,
                                       const char *name);
const dmx_registry_member *dmx_hub_find_member(const struct dmx_hub *hub,
                                               const char *signature);

/* Fails with DMX_ERROR_ARGUMENT and advice when there is no cache folder. */
DMX_MUST_CHECK dmx_status dmx_hub_need_cache(const struct dmx_hub *hub,
                                             dmx_error *err);

/* A member's file on disk, judged by name and size only; *path is malloc'd, or
 * NULL if there is none. */
DMX_MUST_CHECK dmx_status dmx_hub_look(char **path, const struct dmx_hub *hub,
                                       const dmx_registry_member *member,
                                       dmx_error *err);

/* The verified file of a member, from the cache, from PyTorch's, or downloaded;
 * *path is malloc'd. */
DMX_MUST_CHECK dmx_status dmx_hub_fetch(char **path, struct dmx_hub *hub,
                                        const dmx_registry_member *member,
                                        dmx_error *err);

/* Whether the file's SHA-256 starts with these digits. */
DMX_MUST_CHECK dmx_status dmx_hub_check_hash(bool *right, const char *path,
                                             const char *sha256,
                                             const dmx_hooks *hooks,
                                             dmx_error *err);

/* The bag of a registered model, without paths; stem as in dmx_hub_resolve. */
DMX_MUST_CHECK dmx_status dmx_hub_bag(struct dmx_bag **out,
                                      const dmx_registry_model *model,
                                      const char *stem, dmx_error *err);

#endif
