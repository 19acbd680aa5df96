#include "hub/hub.h"

#include "base/options.h"

#include "hub/cache.h"
#include "hub/repository.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *or_environment(const char *option, const char *name)
{
    const char *value = option != NULL ? option : getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static dmx_status set_mirror(struct dmx_hub *hub, const char *option,
                             dmx_error *err)
{
    const char *url = or_environment(option, "DEMUCS_ONNX_MIRROR");
    if (url == NULL)
        return DMX_OK;
    DMX_RETURN_IF(!dmx_is_http_url(url) || strchr(url, '?') != NULL, err,
                  DMX_ERROR_ARGUMENT,
                  "the mirror '%.200s' is not an http:// or https:// URL", url);
    const size_t size = strlen(url) + 2;
    hub->mirror = malloc(size);
    DMX_RETURN_IF(hub->mirror == NULL, err, DMX_ERROR_MEMORY, "no memory");
    snprintf(hub->mirror, size, "%s%s", url, url[size - 3] == '/' ? "" : "/");
    return DMX_OK;
}

static dmx_status set_registries(struct dmx_hub *hub, const char *option,
                                 dmx_error *err)
{
    const char *path = or_environment(option, "DEMUCS_ONNX_REGISTRY");
    if (path != NULL) {
        DMX_FORWARD(dmx_registry_read(&hub->private_registry, path, err));
        hub->registry[hub->n_registry++] = &hub->private_registry;
    }
    hub->registry[hub->n_registry++] = &dmx_registry_released;
    hub->registry[hub->n_registry++] = &dmx_registry_community;
    return DMX_OK;
}

static dmx_status set_folders(struct dmx_hub *hub,
                              const dmx_hub_options *options, dmx_error *err)
{
    DMX_FORWARD(dmx_cache_folder(&hub->cache, options->cache_dir, err));
    DMX_FORWARD(dmx_torch_folder(&hub->torch, err));
    if (hub->cache != NULL) {
        hub->files = dmx_path_join(hub->cache, "checkpoints");
        DMX_RETURN_IF(hub->files == NULL, err, DMX_ERROR_MEMORY, "no memory");
    }
    if (options->repository != NULL) {
        hub->repository = strdup(options->repository);
        DMX_RETURN_IF(hub->repository == NULL, err, DMX_ERROR_MEMORY,
                      "no memory");
    }
    return DMX_OK;
}

static dmx_status set_up(struct dmx_hub *hub, const dmx_hub_options *options,
                         dmx_error *err)
{
    hub->hooks = options->hooks;
    hub->offline = options->offline != 0;
    DMX_FORWARD(set_folders(hub, options, err));
    DMX_FORWARD(set_mirror(hub, options->mirror, err));
    return set_registries(hub, options->registry, err);
}

dmx_status dmx_hub_open(dmx_hub **out, const dmx_hub_options *options,
                        dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    dmx_hub_options given = DMX_HUB_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&given, options, dmx_hub_options, err));
    struct dmx_hub *hub = calloc(1, sizeof *hub);
    DMX_RETURN_IF(hub == NULL, err, DMX_ERROR_MEMORY, "no memory");
    const dmx_status status = set_up(hub, &given, err);
    if (status == DMX_OK)
        *out = hub;
    else
        dmx_hub_close(hub);
    return status;
}

void dmx_hub_close(dmx_hub *hub)
{
    if (hub == NULL)
        return;
    if (hub->transport != NULL)
        hub->transport->close(hub->transport);
    dmx_registry_free(&hub->private_registry);
    free(hub->cache);
    free(hub->files);
    free(hub->torch);
    free(hub->mirror);
    free(hub->repository);
    free(hub);
}

const char *dmx_hub_cache_dir(const dmx_hub *hub)
{
    return hub != NULL ? hub->cache : NULL;
}

dmx_status dmx_hub_need_cache(const struct dmx_hub *hub, dmx_error *err)
{
    DMX_RETURN_IF(hub->cache == NULL, err, DMX_ERROR_ARGUMENT,
                  "no home folder for the cache: give options.cache_dir or set "
                  "DEMUCS_ONNX_CACHE");
    return DMX_OK;
}

const dmx_registry_model *dmx_hub_find(const struct dmx_hub *hub,
                                       const char *name)
{
    for (size_t i = 0; i < hub->n_registry; i++) {
        const dmx_registry_model *m = dmx_registry_find(hub->registry[i], name);
        if (m != NULL)
            return m;
    }
    return NULL;
}

const dmx_registry_member *dmx_hub_find_member(const struct dmx_hub *hub,
                                               const char *signature)
{
    for (size_t i = 0; i < hub->n_registry; i++) {
        const dmx_registry_member *m =
            dmx_registry_find_member(hub->registry[i], signature);
        if (m != NULL)
            return m;
    }
    return NULL;
}
