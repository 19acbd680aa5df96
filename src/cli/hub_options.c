#include "hub_options.h"

#include <stdio.h>
#include <stdlib.h>
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

dmx_status cli_choices(char **out, cli_terminal *t,
                       const cli_hub_options *options, dmx_error *err)
{
    dmx_hub *hub;
    *out = NULL;
    dmx_status status = cli_hub_open(&hub, t, options, err);
    if (status != DMX_OK)
        return status;
    const char *folder = dmx_hub_cache_dir(hub);
    const size_t size = folder != NULL ? strlen(folder) + 16 : 0;
    *out = size > 0 ? malloc(size) : NULL;
    if (*out != NULL)
        snprintf(*out, size, "%s/precision", folder);
    else if (size > 0)
        status = dmx_error_set(err, DMX_ERROR_MEMORY, "no memory");
    dmx_hub_close(hub);
    return status;
}

void cli_announce(cli_terminal *t, const dmx_hub *hub,
                  const cli_hub_options *options, const char *name,
                  const char *stem)
{
    const int64_t bytes = dmx_hub_missing_bytes(hub, name, stem);
    if (options->offline || bytes == 0 || dmx_hub_cache_dir(hub) == NULL)
        return;
    if (bytes > 0)
        cli_say(t, "%s: downloading %.0f MB, once, into %s", name,
                (double)bytes / 1e6, dmx_hub_cache_dir(hub));
    else
        cli_say(t, "%s: downloading, once, into %s", name,
                dmx_hub_cache_dir(hub));
}

typedef enum purpose { TO_RUN, TO_RUN_EXPORTED, TO_LOOK_AT } purpose;

/* The files of bags as one JSON document: [{model, signature, path}, ...]. */
static void print_bags(dmx_bag *const *bags, int count)
{
    const char *lead = "[";
    for (int i = 0; i < count; i++)
        for (size_t m = 0; m < dmx_bag_members(bags[i]); m++) {
            printf("%s{\"model\": ", lead);
            cli_json_string(stdout, dmx_bag_name(bags[i]));
            printf(", \"signature\": ");
            cli_json_string(stdout, dmx_bag_signature(bags[i], m));
            printf(", \"path\": ");
            cli_json_string(stdout, dmx_bag_path(bags[i], m));
            printf("}");
            lead = ",\n ";
        }
    printf("]\n");
}

static dmx_status make_bags(dmx_bag **bags, cli_terminal *t, char **name,
                            int count, cli_make_bag *make, const void *values,
                            dmx_error *err)
{
    for (int i = 0; i < count; i++) {
        const dmx_status status = make(&bags[i], t, values, name[i], err);
        if (status != DMX_OK)
            return status;
        for (size_t m = 0; !t->json && m < dmx_bag_members(bags[i]); m++)
            cli_print_path(t, dmx_bag_path(bags[i], m), "");
        if (!t->json && dmx_bag_config(bags[i]) != NULL)
            cli_print_path(t, dmx_bag_config(bags[i]), "");
    }
    return DMX_OK;
}

int cli_list_bags(cli_terminal *t, char **name, int count, cli_make_bag *make,
                  const void *values)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_bag **bags = calloc((size_t)count, sizeof(dmx_bag *));
    const dmx_status status =
        bags != NULL ? make_bags(bags, t, name, count, make, values, &err)
                     : dmx_error_set(&err, DMX_ERROR_MEMORY, "no memory");
    if (status == DMX_OK && t->json)
        print_bags(bags, count);
    for (int i = 0; bags != NULL && i < count; i++)
        dmx_bag_close(bags[i]);
    free(bags);
    return cli_finish(t, status, &err);
}

static dmx_status resolve(dmx_bag **out, cli_terminal *t,
                          const cli_hub_options *options, const char *name,
                          const char *stem, purpose what, dmx_error *err)
{
    dmx_hub *hub;
    *out = NULL;
    dmx_status status = cli_hub_open(&hub, t, options, err);
    if (status != DMX_OK)
        return status;
    if (what != TO_LOOK_AT)
        status = dmx_hub_runnable(hub, name, err);
    if (status == DMX_OK) {
        cli_announce(t, hub, options, name, stem);
        status = dmx_hub_resolve(out, hub, name, stem, err);
    }
    cli_clear_bar(t);
    if (status == DMX_OK && what == TO_RUN_EXPORTED)
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
    return resolve(out, t, options, name, stem, TO_RUN, err);
}

dmx_status cli_resolve_exported(dmx_bag **out, cli_terminal *t,
                                const cli_hub_options *options,
                                const char *name, const char *stem,
                                dmx_error *err)
{
    return resolve(out, t, options, name, stem, TO_RUN_EXPORTED, err);
}

dmx_status cli_fetch(dmx_bag **out, cli_terminal *t,
                     const cli_hub_options *options, const char *name,
                     const char *stem, dmx_error *err)
{
    return resolve(out, t, options, name, stem, TO_LOOK_AT, err);
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
                           int runs, dmx_error *err)
{
    const dmx_status status =
        resolve(bag, t, options, name, NULL, runs ? TO_RUN : TO_LOOK_AT, err);
    if (status != DMX_OK || dmx_bag_members(*bag) == 1)
        return status;
    const dmx_status failed = several(*bag, err);
    dmx_bag_close(*bag);
    *bag = NULL;
    return failed;
}

bool cli_add_bag_file(cli_files *files, const cli_hub_options *options,
                      const char *name)
{
    const char *extension;
    if (options->repo == NULL || name == NULL)
        return true;
    const size_t size = strlen(options->repo) + strlen(name) + 16;
    char *path = malloc(size);
    bool good = path != NULL;
    for (size_t i = 0; good && (extension = dmx_bag_extension(i)) != NULL;
         i++) {
        snprintf(path, size, "%s/%s%s", options->repo, name, extension);
        good = cli_files_add(files, path);
    }
    free(path);
    return good;
}
