#include "hub_options.h"

#include <string.h>

dmx_status cli_hub_open(dmx_hub **out, cli_terminal *t,
                        const cli_hub_options *options, dmx_error *err)
{
    dmx_hub_options o = DMX_HUB_OPTIONS_INIT;
    o.hooks = &t->hooks;
    o.cache_dir = options->cache_dir;
    o.mirror = options->mirror;
    o.registry = options->registry;
    o.repository = options->repo;
    o.offline = options->offline;
    return dmx_hub_open(out, &o, err);
}

void cli_announce(cli_terminal *t, const dmx_hub *hub,
                  const cli_hub_options *options, const char *name,
                  const char *stem)
{
    const int64_t bytes = dmx_hub_missing_bytes(hub, name, stem);
    if (options->offline || bytes == 0)
        return;
    if (bytes > 0)
        cli_say(t, "%s: downloading %.0f MB, once, into %s", name,
                (double)bytes / 1e6, dmx_hub_cache_dir(hub));
    else
        cli_say(t, "%s: downloading, once, into %s", name,
                dmx_hub_cache_dir(hub));
}

static dmx_status resolve(dmx_bag **out, cli_terminal *t,
                          const cli_hub_options *options, const char *name,
                          const char *stem, int exported, dmx_error *err)
{
    dmx_hub *hub;
    *out = NULL;
    dmx_status status = cli_hub_open(&hub, t, options, err);
    if (status != DMX_OK)
        return status;
    cli_announce(t, hub, options, name, stem);
    status = dmx_hub_resolve(out, hub, name, stem, err);
    cli_clear_bar(t);
    if (status == DMX_OK && exported)
        status = dmx_hub_use_exports(*out, hub, err);
    if (status != DMX_OK) {
        dmx_bag_close(*out);
        *out = NULL;
    }
    dmx_hub_close(hub);
    return status;
}

dmx_status cli_resolve(dmx_bag **out, cli_terminal *t,
                       const cli_hub_options *options, const char *name,
                       const char *stem, dmx_error *err)
{
    return resolve(out, t, options, name, stem, 0, err);
}

dmx_status cli_resolve_exported(dmx_bag **out, cli_terminal *t,
                                const cli_hub_options *options,
                                const char *name, const char *stem,
                                dmx_error *err)
{
    return resolve(out, t, options, name, stem, 1, err);
}

static dmx_status several(const dmx_bag *bag, dmx_error *err)
{
    err->code = DMX_ERROR_ARGUMENT;
    int used =
        snprintf(err->message, sizeof err->message,
                 "%s is a bag of %zu models; choose one:", dmx_bag_name(bag),
                 dmx_bag_members(bag));
    for (size_t m = 0; dmx_bag_signature(bag, m) != NULL && used < 900; m++)
        used +=
            snprintf(err->message + used, sizeof err->message - (size_t)used,
                     " %.64s", dmx_bag_signature(bag, m));
    return err->code;
}

dmx_status cli_resolve_one(dmx_bag **bag, cli_terminal *t,
                           const cli_hub_options *options, const char *name,
                           dmx_error *err)
{
    const dmx_status status = cli_resolve(bag, t, options, name, NULL, err);
    if (status != DMX_OK || dmx_bag_members(*bag) == 1)
        return status;
    const dmx_status failed = several(*bag, err);
    dmx_bag_close(*bag);
    *bag = NULL;
    return failed;
}
