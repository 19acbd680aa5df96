/* Options of every command that takes a model's name, and finding it. */
#ifndef DMX_CLI_HUB_OPTIONS_H
#define DMX_CLI_HUB_OPTIONS_H

#include "command.h"
#include "files.h"

typedef struct cli_hub_options {
    const char *repo;
    const char *cache_dir;
    const char *mirror;
    const char *registry;
    int offline;
} cli_hub_options;

#define CLI_HUB_ROW(S, field, name, type, argument, help)                      \
    {                                                                          \
        name, 0, type, argument, help, offsetof(S, field), 0, 0                \
    }

/* Rows for an option table whose struct S has such a member `m`. */
#define CLI_HUB_OPTIONS(S, m)                                                  \
    CLI_HUB_ROW(S, m.repo, "repo", CLI_STRING, "DIR",                          \
                "take models from this folder, not from the release"),         \
        CLI_HUB_ROW(S, m.cache_dir, "cache-dir", CLI_STRING, "DIR",            \
                    "where downloads are kept (~/.cache/demucs-onnx)"),        \
        CLI_HUB_ROW(S, m.mirror, "mirror", CLI_STRING, "URL",                  \
                    "server to download from in place of the release's"),      \
        CLI_HUB_ROW(S, m.registry, "registry", CLI_STRING, "FILE",             \
                    "JSON file of further models"),                            \
        CLI_HUB_ROW(S, m.offline, "offline", CLI_FLAG, NULL,                   \
                    "never use the network")

/* Opens the hub that the options describe. */
dmx_status cli_hub_open(dmx_hub **out, cli_terminal *t,
                        const cli_hub_options *options, dmx_error *err);

/* The folder of the cache that keeps proofs of reduced precision: malloc'd,
 * NULL when the user has no home. */
dmx_status cli_choices(char **out, cli_terminal *t,
                       const cli_hub_options *options, dmx_error *err);

/* Adds the file of a folder of models that says which `name` is made of, if
 * there is one: it is read. False when memory is short. */
bool cli_add_bag_file(cli_files *files, const cli_hub_options *options,
                      const char *name);

/* Says so when something large will be downloaded. */
void cli_announce(cli_terminal *t, const dmx_hub *hub,
                  const cli_hub_options *options, const char *name,
                  const char *stem);

/* Makes a bag of each name and prints its files: each as it is ready, or all as
 * one document once every name has succeeded. `make` gets `values`. Returns the
 * exit code. */
typedef dmx_status cli_make_bag(dmx_bag **out, cli_terminal *t,
                                const void *values, const char *name,
                                dmx_error *err);
int cli_list_bags(cli_terminal *t, char **name, int count, cli_make_bag *make,
                  const void *values);

/* dmx_hub_resolve on a hub of its own; says beforehand when something large
 * will be downloaded, and refuses at once what can't be run. */
dmx_status cli_resolve(dmx_bag **out, cli_terminal *t,
                       const cli_hub_options *options, const char *name,
                       const char *stem, dmx_error *err);

/* The same; members that `prewarm` exported come as those .onnx files. */
dmx_status cli_resolve_exported(dmx_bag **out, cli_terminal *t,
                                const cli_hub_options *options,
                                const char *name, const char *stem,
                                dmx_error *err);

/* The same for models that need not run: to look at, to keep. */
dmx_status cli_fetch(dmx_bag **out, cli_terminal *t,
                     const cli_hub_options *options, const char *name,
                     const char *stem, dmx_error *err);

/* The only file that `name` stands for, in *bag (to close); several are
 * DMX_ERROR_ARGUMENT with a message that names their signatures. runs: refuses
 * what can't be run. */
dmx_status cli_resolve_one(dmx_bag **bag, cli_terminal *t,
                           const cli_hub_options *options, const char *name,
                           int runs, dmx_error *err);

#endif
