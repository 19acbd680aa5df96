#include "export_triton.h"
#include "text_file.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"stem", 0, CLI_STRING, "NAME",
     "of a bag: the model of this source; with --prune: only this source",
     offsetof(export_options, stem), 0, 0},
    {"stems", 0, CLI_STRING, "A,B", "the same for several sources",
     offsetof(export_options, stems), 0, 0},
    {"prune", 0, CLI_FLAG, NULL,
     "compute only the chosen sources; the output has only their rows",
     offsetof(export_options, prune), 0, 0},
    {"segment", 0, CLI_STRING, "SECONDS",
     "length of the graph, \"7.8\" or \"39/5\" (the checkpoint's segment)",
     offsetof(export_options, model.segment), 0, 0},
    {"samples", 0, CLI_INT, "N", "length of the graph in samples",
     offsetof(export_options, samples), 1, 1e9},
    {"dynamic", 0, CLI_WORD, "samples|batch",
     "any length and any number of inputs at once, or only one of the two",
     offsetof(export_options, dynamic), 0, 0},
    {"batch", 0, CLI_INT, "N", "inputs at once (1)",
     offsetof(export_options, batch), 1, 4096},
    {"triton", 0, CLI_STRING, "DIR",
     "instead of OUTPUT: a model repository for NVIDIA Triton, with a file of "
     "any length and batch",
     offsetof(export_options, triton), 0, 0},
    {"opset", 0, CLI_INT, "N", "ONNX operator set, 17 or newer (17)",
     offsetof(export_options, opset), 1, 1000},
    {"precision", 0, CLI_CHOICE, "fp32|fp16weights|int8",
     "how weights are stored (of a quantized checkpoint its dequantized "
     "float32); fp16weights keeps as halves exactly those that are halves: "
     "half the file, the same numbers; int8 has the linear layers of "
     "transformers in 8 bits: a third of the file, faster, other numbers, "
     "held to --min-snr (fp32)",
     offsetof(export_options, precision), 0, 0},
    CLI_CHECK_OPTIONS(export_options, check),
    CLI_MODEL_OPTIONS(export_options, model),
    CLI_HUB_OPTIONS(export_options, hub),
    {NULL, 0, CLI_FLAG, NULL, NULL, 0, 0, 0},
};

/* ------------------------------------------------------------- one model */

/* Length of the graph: --samples, --segment, or 0 for the checkpoint's. */
static dmx_status graph_length(int64_t *samples, const export_options *o,
                               const dmx_model *model, dmx_error *err)
{
    *samples = o->samples;
    if (o->model.segment == NULL)
        return DMX_OK;
    *samples =
        dmx_seconds_samples(o->model.segment, dmx_model_samplerate(model));
    if (*samples > 0)
        return DMX_OK;
    err->code = DMX_ERROR_ARGUMENT;
    snprintf(err->message, sizeof err->message,
             "--segment: '%s' is not a length in seconds", o->model.segment);
    return err->code;
}

static int dynamic_dimensions(const char *word)
{
    const int both = DMX_DYNAMIC_SAMPLES | DMX_DYNAMIC_BATCH;
    return word == NULL                   ? 0
           : strcmp(word, "samples") == 0 ? DMX_DYNAMIC_SAMPLES
           : strcmp(word, "batch") == 0   ? DMX_DYNAMIC_BATCH
                                          : both;
}

static dmx_status export_model(cli_terminal *t, const export_options *o,
                               const dmx_model *model, const char *output,
                               const char *stem, dmx_report **report,
                               dmx_error *err)
{
    dmx_export_options e = DMX_EXPORT_OPTIONS_INIT;
    const dmx_verify_options checks = cli_verify_options(t, &o->check);
    const dmx_status status = graph_length(&e.samples, o, model, err);
    if (status != DMX_OK)
        return status;
    const char **stems = cli_wanted_stems(o);
    e.hooks = &t->hooks;
    e.opset = (int)o->opset;
    if (o->precision != NULL) /* one of the option's choices */
        (void)dmx_precision_find(&e.precision, o->precision);
    e.stems = stems;
    e.prune = o->prune;
    e.stem = stem;
    e.threads = (int)o->check.threads;
    e.dynamic = dynamic_dimensions(o->dynamic);
    e.batch = o->batch;
    e.checks = &checks;
    const dmx_status done = dmx_export(model, output, &e, report, err);
    free(stems);
    return done;
}

/* Checks that no output is an input or another output. */
static int check_outputs(cli_terminal *t, const export_options *o,
                         const char *output)
{
    const char *report = o->check.report;
    int code = cli_check_output(t, "export", &o->inputs, output);
    if (code == CLI_DONE)
        code = cli_check_output(t, "export", &o->inputs, report);
    if (code == CLI_DONE && report != NULL && cli_same_file(output, report))
        code =
            cli_misuse(t, "export",
                       "%s: can't hold both the model and the report", report);
    return code;
}

int cli_export_one(cli_terminal *t, const export_options *o,
                   const char *checkpoint, const char *output, const char *stem,
                   int strict)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_report *report = NULL;
    cli_model m;
    int code = check_outputs(t, o, output);
    if (code != CLI_DONE)
        return code;
    dmx_status status =
        cli_model_open(&m, t, checkpoint, strict, &o->model, &err);
    if (status == DMX_OK)
        status = export_model(t, o, m.model, output, stem, &report, &err);
    const bool serve = status == DMX_OK && o->place != NULL;
    const int served = serve ? cli_triton_config(t, o, m.model) : CLI_DONE;
    cli_model_close(&m);
    cli_clear_bar(t);
    const int json = t->json;
    if (report != NULL) {
        code = cli_show_report(t, &o->check, output, report);
        t->json = 0; /* one document on stdout */
    }
    const int finished = cli_finish(t, status, &err);
    t->json = json;
    dmx_report_close(report);
    code = code != CLI_DONE ? code : served;
    return finished != CLI_DONE ? finished : code;
}

/* --------------------------------------------------------------- command */

/* Whether the name is a plain file, without a checksum to verify. */
static bool is_file(const cli_hub_options *hub, const dmx_bag *bag,
                    const char *name)
{
    return hub->repo == NULL && dmx_bag_members(bag) == 1 &&
           dmx_bag_sources(bag) == 0 && strcmp(dmx_bag_path(bag, 0), name) == 0;
}

/* Records the inputs that are known before anything is downloaded. */
static int note_inputs(cli_terminal *t, export_options *o, const char *name)
{
    const char *const files[] = {name, o->model.config, o->hub.registry};
    bool good = cli_add_bag_file(&o->inputs, &o->hub, name);
    for (size_t i = 0; good && i < sizeof files / sizeof files[0]; i++)
        good = files[i] == NULL || cli_files_add(&o->inputs, files[i]);
    if (!good)
        cli_error(t, "no memory");
    return good ? CLI_DONE : CLI_FAILED;
}

static int export_found(cli_terminal *t, export_options *o, const dmx_bag *bag,
                        const char *name, const char *output)
{
    for (size_t m = 0; m < dmx_bag_members(bag); m++)
        if (!cli_files_add(&o->inputs, dmx_bag_path(bag, m))) {
            cli_error(t, "no memory");
            return CLI_FAILED;
        }
    if (o->model.config == NULL)
        o->model.config = dmx_bag_config(bag);
    o->stem = dmx_bag_stem(bag, o->stem);
    o->bag = bag;
    if (o->place != NULL && dmx_bag_members(bag) > 1 && o->stem == NULL)
        return cli_misuse(t, "export",
                          "--triton: %s is a bag of %zu models; give the "
                          "--stem that one of them is for, or one model",
                          name, dmx_bag_members(bag));
    return is_file(&o->hub, bag, name)
               ? cli_export_one(t, o, name, output, NULL, 0)
               : cli_export_bag(t, o, bag, output);
}

static int export_resolved(cli_terminal *t, export_options *o, const char *name,
                           const char *output)
{
    const int wrong = check_outputs(t, o, output);
    if (wrong != CLI_DONE)
        return wrong;
    dmx_bag *bag;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status =
        cli_resolve(&bag, t, &o->hub, name, o->stem, &err);
    if (status != DMX_OK)
        return cli_finish(t, status, &err);
    const int code = export_found(t, o, bag, name, output);
    dmx_bag_close(bag);
    return code;
}

/* Exports into a Triton repository, for serving in batches. */
static int export_served(cli_terminal *t, export_options *o, const char *name)
{
    cli_triton place = {0};
    int code = cli_triton_prepare(&place, t, o->triton, name);
    o->place = &place;
    if (o->dynamic == NULL)
        o->dynamic = "";
    if (code == CLI_DONE)
        code = export_resolved(t, o, name, place.model);
    if (code != CLI_DONE)
        cli_triton_withdraw(&place);
    cli_triton_free(&place);
    return code;
}

static int check_triton(cli_terminal *t, const export_options *o, int n)
{
    if (o->triton == NULL && n != 2)
        return cli_misuse(t, "export", "expected CHECKPOINT|NAME OUTPUT");
    if (o->triton != NULL && n != 1)
        return cli_misuse(t, "export",
                          "--triton takes the place of OUTPUT: expected "
                          "CHECKPOINT|NAME alone");
    if (o->triton != NULL &&
        (o->batch > 0 ||
         (o->dynamic != NULL && strcmp(o->dynamic, "samples") == 0)))
        return cli_misuse(t, "export",
                          "--triton needs a file of any batch: not with "
                          "--batch or --dynamic=samples");
    return CLI_DONE;
}

static int run(cli_terminal *t, const void *values, int n, char **operand)
{
    const export_options *o = values;
    const int wrong = check_triton(t, o, n);
    if (wrong != CLI_DONE)
        return wrong;
    if (o->stem != NULL && o->stems != NULL)
        return cli_misuse(t, "export", "give --stem or --stems, not both");
    if (o->samples != 0 && o->model.segment != NULL)
        return cli_misuse(t, "export", "give --samples or --segment, not both");
    if (o->batch > 1 &&
        (dynamic_dimensions(o->dynamic) & DMX_DYNAMIC_BATCH) != 0)
        return cli_misuse(t, "export",
                          "give --batch or --dynamic's batch, not both");
    if (o->prune && o->stem == NULL && o->stems == NULL)
        return cli_misuse(t, "export", "--prune needs --stem or --stems");
    export_options known = *o;
    int code = note_inputs(t, &known, operand[0]);
    if (code == CLI_DONE)
        code = known.triton != NULL
                   ? export_served(t, &known, operand[0])
                   : export_resolved(t, &known, operand[0], operand[1]);
    cli_files_free(&known.inputs);
    return code;
}

const cli_command cli_command_export = {
    .name = "export",
    .operands = "CHECKPOINT|NAME OUTPUT | CHECKPOINT|NAME --triton DIR",
    .summary = "write a checkpoint as a verified ONNX file",
    .details =
        "CHECKPOINT is a PyTorch checkpoint (.th, .pt, .ckpt), a .safetensors "
        "file, or a bag (.yaml) with its models beside it; nothing in it is "
        "executed. NAME is a released model (see list-models), downloaded when "
        "it is not in the cache. OUTPUT is a file, or a folder for the files "
        "of a bag. The "
        "file gets its name only when ONNX Runtime's output agrees with a "
        "float64 reference on noise and on a music-like signal, the official "
        "ONNX checker accepts it, and our own promises hold.",
    .option = options,
    .options_size = sizeof(export_options),
    .min_operands = 1,
    .max_operands = 2,
    .run = run,
};
