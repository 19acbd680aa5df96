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

static dmx_status fetch(dmx_bag **out, cli_terminal *t, const void *values,
                        const char *name, dmx_error *err)
{
    const download_options *o = values;
    return cli_fetch(out, t, &o->hub, name, o->stem, err);
}

static int run(cli_terminal *t, const void *values, int n, char **operand)
{
    return cli_list_bags(t, operand, n, fetch, values);
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
