#include "check_options.h"
#include "files.h"
#include "hub_options.h"
#include "model_options.h"

#include <string.h>

typedef struct verify_options {
    cli_model_options model;
    cli_hub_options hub;
    cli_check_options check;
    int recorded;
    int64_t samples;
} verify_options;

static const cli_option options[] = {
    {"recorded", 0, CLI_FLAG, NULL,
     "compare with a recording: MODEL.onnx MIX.npy STEMS.npy",
     offsetof(verify_options, recorded), 0, 0},
    {"samples", 0, CLI_INT, "N",
     "of a file of any length: compare at this one only",
     offsetof(verify_options, samples), 1, 1 << 24},
    CLI_CHECK_OPTIONS(verify_options, check),
    CLI_MODEL_OPTIONS(verify_options, model),
    CLI_HUB_OPTIONS(verify_options, hub),
    {NULL, 0, CLI_FLAG, NULL, NULL, 0, 0, 0},
};

/* Prints the findings even if a check failed. */
static int conclude(cli_terminal *t, const verify_options *o, const char *name,
                    dmx_report *report, dmx_status status, const dmx_error *err)
{
    cli_clear_bar(t);
    int code = CLI_DONE;
    if (report != NULL)
        code = cli_show_report(t, &o->check, name, report);
    const bool told = t->json && report != NULL;
    const int json = t->json;
    t->json = told ? 0 : json; /* one document on stdout */
    const int finished = cli_finish(t, status, err);
    t->json = json;
    dmx_report_close(report);
    return finished != CLI_DONE ? finished : code;
}

static int verify_recording(cli_terminal *t, const verify_options *o, int n,
                            char **operand)
{
    if (n != 3)
        return cli_misuse(t, "verify",
                          "verify --recorded: expected MODEL.onnx MIX.npy "
                          "STEMS.npy");
    const int model = dmx_text_ends_with(operand[2], ".npy") ? 0 : 2;
    const dmx_verify_options v = cli_verify_options(t, &o->check);
    dmx_report *report = NULL;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status =
        dmx_verify_recorded(operand[model], operand[model == 0 ? 1 : 0],
                            operand[model == 0 ? 2 : 1], &v, &report, &err);
    return conclude(t, o, operand[model], report, status, &err);
}

static int verify_checkpoint(cli_terminal *t, const verify_options *o,
                             cli_files *inputs, const char *path,
                             const char *name)
{
    dmx_verify_options v = cli_verify_options(t, &o->check);
    dmx_report *report = NULL;
    dmx_error err = DMX_ERROR_INIT;
    cli_model m;
    dmx_bag *bag;
    dmx_status status = cli_resolve_one(&bag, t, &o->hub, name, 1, &err);
    if (status != DMX_OK)
        return cli_finish(t, status, &err);
    if (!cli_files_add(inputs, dmx_bag_path(bag, 0)) ||
        cli_check_output(t, "verify", inputs, o->check.report) != CLI_DONE) {
        dmx_bag_close(bag);
        return CLI_USAGE;
    }
    v.samples = o->samples;
    cli_model_options model = o->model;
    if (model.config == NULL)
        model.config = dmx_bag_config(bag);
    status = cli_model_open(&m, t, dmx_bag_path(bag, 0), 0, &model, &err);
    if (status == DMX_OK)
        status = dmx_verify_model(path, m.model, &v, &report, &err);
    cli_model_close(&m);
    dmx_bag_close(bag);
    return conclude(t, o, path, report, status, &err);
}

/* Checks that the report is not one of the input files. */
static int check_report(cli_terminal *t, const verify_options *o,
                        cli_files *inputs, int n, char **operand)
{
    const char *const files[] = {o->model.config, o->hub.registry};
    bool good = true;
    for (int i = 0; good && i < n; i++)
        good = cli_files_add(inputs, operand[i]) &&
               cli_add_bag_file(inputs, &o->hub, operand[i]);
    for (int i = 0; good && i < 2; i++)
        good = files[i] == NULL || cli_files_add(inputs, files[i]);
    if (good)
        return cli_check_output(t, "verify", inputs, o->check.report);
    cli_error(t, "no memory");
    return CLI_FAILED;
}

static int verify(cli_terminal *t, const verify_options *o, cli_files *inputs,
                  int n, char **operand)
{
    if (o->recorded)
        return verify_recording(t, o, n, operand);
    if (n != 2)
        return cli_misuse(t, "verify",
                          "verify: expected MODEL.onnx CHECKPOINT|NAME");
    return verify_checkpoint(t, o, inputs, operand[0], operand[1]);
}

static int run(cli_terminal *t, const void *values, int n, char **operand)
{
    const verify_options *o = values;
    cli_files inputs = {0};
    int code = check_report(t, o, &inputs, n, operand);
    if (code == CLI_DONE)
        code = verify(t, o, &inputs, n, operand);
    cli_files_free(&inputs);
    return code;
}

const cli_command cli_command_verify = {
    .name = "verify",
    .operands = "MODEL.onnx CHECKPOINT|NAME | MODEL.onnx --recorded MIX.npy "
                "STEMS.npy",
    .summary = "check an ONNX file against its checkpoint, or a recording",
    .details =
        "Runs the checks of 'export' on an existing file, of this or another "
        "exporter: the official ONNX checker, the promises of the graph "
        "contract, and ONNX Runtime's output on noise and on a music-like "
        "signal against the float64 reference (or, with --recorded, against "
        "PyTorch's own output). With -v a failed comparison is traced to the "
        "module where the numbers part.",
    .option = options,
    .options_size = sizeof(verify_options),
    .min_operands = 2,
    .max_operands = 3,
    .run = run,
};
