#include "hub_options.h"

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

static void print_paths(cli_terminal *t, const dmx_bag *bag, bool *first)
{
    for (size_t m = 0; m < dmx_bag_members(bag); m++) {
        if (!t->json) {
            cli_print_path(t, dmx_bag_path(bag, m), "");
            continue;
        }
        printf("%s{\"model\": ", *first ? "[" : ",\n ");
        cli_json_string(stdout, dmx_bag_name(bag));
        printf(", \"signature\": ");
        cli_json_string(stdout, dmx_bag_signature(bag, m));
        printf(", \"path\": ");
        cli_json_string(stdout, dmx_bag_path(bag, m));
        printf("}");
        *first = false;
    }
}

static int run(cli_terminal *t, const void *values, int n, char **operand)
{
    const download_options *o = values;
    bool first = true;
    for (int i = 0; i < n; i++) {
        dmx_error err = DMX_ERROR_INIT;
        dmx_bag *bag;
        const dmx_status status =
            cli_fetch(&bag, t, &o->hub, operand[i], o->stem, &err);
        if (status != DMX_OK)
            return cli_finish(t, status, &err);
        print_paths(t, bag, &first);
        dmx_bag_close(bag);
    }
    if (t->json)
        printf("]\n");
    return CLI_DONE;
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
