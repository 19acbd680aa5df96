#include "hub_options.h"

#include <stdlib.h>

typedef struct download_options {
    cli_hub_options hub;
    const char *stem;
} download_options;

static const cli_option options[] = {
    {"stem", 0, CLI_STRING, "NAME", "only what this source needs",
     offsetof(download_options, stem), 0, 0},
    CLI_HUB_OPTIONS(download_options, hub),
    {NULL, 0, CLI_FLAG, NULL, NULL, 0, 0, 0},
};

/* Paths as they come; JSON in the end, when there was no failure. */
static int run(cli_terminal *t, const void *values, int n, char **operand)
{
    const download_options *o = values;
    dmx_error err = DMX_ERROR_INIT;
    dmx_bag **bags = calloc((size_t)n, sizeof(dmx_bag *));
    dmx_status status = bags != NULL ? DMX_OK : DMX_ERROR_MEMORY;
    if (bags == NULL)
        snprintf(err.message, sizeof err.message, "no memory");
    for (int i = 0; status == DMX_OK && i < n; i++) {
        status = cli_fetch(&bags[i], t, &o->hub, operand[i], o->stem, &err);
        for (size_t m = 0;
             status == DMX_OK && !t->json && m < dmx_bag_members(bags[i]); m++)
            cli_print_path(t, dmx_bag_path(bags[i], m), "");
    }
    if (status == DMX_OK && t->json)
        cli_print_bags(bags, n);
    for (int i = 0; bags != NULL && i < n; i++)
        dmx_bag_close(bags[i]);
    free(bags);
    return cli_finish(t, status, &err);
}

const cli_command cli_command_download = {
    .name = "download",
    .operands = "NAME...",
    .summary = "download models into the cache, or check those there",
    .details =
        "Prints the files' paths. An interrupted download goes on where it "
        "stopped. Every file is checked against the SHA-256 of the release; a "
        "wrong one is removed. Files in PyTorch's own download cache are used "
        "where they are.",
    .option = options,
    .options_size = sizeof(download_options),
    .min_operands = 1,
    .max_operands = -1,
    .run = run,
};
