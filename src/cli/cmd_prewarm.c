#include "check_options.h"
#include "hub_options.h"

#include <stdlib.h>

typedef struct prewarm_options {
    cli_hub_options hub;
    cli_check_options check;
    const char *precision;
} prewarm_options;

static const cli_option options[] = {
    {"precision", 0, CLI_CHOICE, "fp32|fp16weights|int8",
     "how weights are stored (fp32)", offsetof(prewarm_options, precision), 0,
     0},
    CLI_CHECK_OPTIONS(prewarm_options, check),
    CLI_HUB_OPTIONS(prewarm_options, hub),
    {NULL, 0, CLI_FLAG, NULL, NULL, 0, 0, 0},
};

/* Opens a session once, as later runs will. */
static dmx_status try_session(cli_terminal *t, const dmx_bag *bag,
                              const prewarm_options *o, dmx_error *err)
{
    dmx_separator *separator = NULL;
    dmx_separator_options s = DMX_SEPARATOR_OPTIONS_INIT;
    s.hooks = &t->hooks;
    s.backend = DMX_BACKEND_ONNXRUNTIME;
    s.threads = (int)o->check.threads;
    const dmx_status status = dmx_separator_open(&separator, bag, &s, err);
    dmx_separator_close(separator);
    return status;
}

static dmx_status prewarm(dmx_bag **bag, cli_terminal *t, const void *values,
                          const char *name, dmx_error *err)
{
    const prewarm_options *o = values;
    dmx_hub *hub;
    dmx_export_options e = DMX_EXPORT_OPTIONS_INIT;
    const dmx_verify_options checks = cli_verify_options(t, &o->check);
    e.hooks = &t->hooks;
    e.checks = &checks;
    e.threads = (int)o->check.threads;
    if (o->precision != NULL) /* one of the option's choices */
        (void)dmx_precision_find(&e.precision, o->precision);
    dmx_status status = cli_hub_open(&hub, t, &o->hub, err);
    if (status != DMX_OK)
        return status;
    status = dmx_hub_runnable(hub, name, err);
    if (status == DMX_OK) {
        cli_announce(t, hub, &o->hub, name, NULL);
        status = dmx_hub_prewarm(bag, hub, name, &e, err);
    }
    if (status == DMX_OK)
        status = try_session(t, *bag, o, err);
    dmx_hub_close(hub);
    cli_clear_bar(t);
    return status;
}

/* Prints paths as they are ready; JSON at the end if nothing failed. */
static int run(cli_terminal *t, const void *values, int n, char **operand)
{
    const prewarm_options *o = values;
    if (o->check.report != NULL)
        return cli_misuse(t, "prewarm",
                          "--report: prewarm writes none; 'verify' does");
    return cli_list_bags(t, operand, n, prewarm, o);
}

const cli_command cli_command_prewarm = {
    .name = "prewarm",
    .operands = "NAME...",
    .summary = "download and export models into the cache, ready to run",
    .details =
        "Prints the paths of the ONNX files, for 'separate --model' and for "
        "other programs. They are made once: as long as checkpoint, version "
        "and options are the same and the file is intact, it is used again. "
        "A session of ONNX Runtime is opened once as a test.",
    .option = options,
    .options_size = sizeof(prewarm_options),
    .min_operands = 1,
    .max_operands = -1,
    .run = run,
};
