#include "hub_options.h"
#include "json_field.h"
#include "model_options.h"
#include "precision_text.h"

#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

typedef struct inspect_options {
    cli_model_options model;
    cli_hub_options hub;
    int graph;
    int64_t samples;
} inspect_options;

static const cli_option options[] = {
    {"graph", 0, CLI_FLAG, NULL, "show the network, one operation a line",
     offsetof(inspect_options, graph), 0, 0},
    {"samples", 0, CLI_INT, "N",
     "length for --graph (the checkpoint's segment)",
     offsetof(inspect_options, samples), 1, 1e9},
    CLI_MODEL_OPTIONS(inspect_options, model),
    CLI_HUB_OPTIONS(inspect_options, hub),
    {NULL, 0, CLI_FLAG, NULL, NULL, 0, 0, 0},
};

/* ------------------------------------------------------------------- text */

static void print_line(cli_terminal *t, const char *label, const char *text)
{
    if (text[0] != '\0')
        cli_print(t, "%-14s %s", label, text);
}

/* A JSON value on one line. */
static void print_value(cli_terminal *t, const char *label, const cJSON *value)
{
    char *text = cJSON_IsString(value) ? NULL : cJSON_PrintUnformatted(value);
    if (cJSON_IsString(value))
        print_line(t, label, value->valuestring);
    else if (text != NULL)
        print_line(t, label, text);
    cJSON_free(text);
}

static void print_items(cli_terminal *t, const char *title, const cJSON *object)
{
    const cJSON *item;
    if (cJSON_GetArraySize(object) > 0)
        cli_print(t, "%s", title);
    cJSON_ArrayForEach(item, object)
    {
        char *text = cJSON_PrintUnformatted(item);
        cli_print(t, "  %-22s %s", item->string != NULL ? item->string : "",
                  text != NULL ? text : "");
        cJSON_free(text);
    }
}

/* "533 tensors, 41984456 numbers: float16" */
static void print_tensors(cli_terminal *t, const cJSON *tensors)
{
    const cJSON *item, *dim;
    double total = 0;
    char kinds[128] = "";
    cJSON_ArrayForEach(item, tensors)
    {
        double count = 1;
        cJSON_ArrayForEach(dim, cJSON_GetObjectItem(item, "shape")) count *=
            dim->valuedouble;
        total += count;
        const char *kind = cli_field_text(item, "dtype");
        if (strstr(kinds, kind) == NULL && strlen(kinds) < 100)
            snprintf(kinds + strlen(kinds), sizeof kinds - strlen(kinds),
                     "%s%s", kinds[0] != '\0' ? ", " : "", kind);
    }
    cli_print(t, "%-14s %d, %.0f numbers: %s", "tensors",
              cJSON_GetArraySize(tensors), total, kinds);
}

/* Those of a quantized checkpoint. */
static void print_quantized(cli_terminal *t, const cJSON *c)
{
    const double quantized = cli_field_number(c, "quantized_tensors");
    cli_print(t, "%-14s %.0f without names, %.0f of them quantized", "tensors",
              quantized + cli_field_number(c, "other_tensors"), quantized);
}

static void print_tensor_list(cli_terminal *t, const cJSON *tensors)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, tensors)
    {
        char *shape =
            cJSON_PrintUnformatted(cJSON_GetObjectItem(item, "shape"));
        cli_detail(t, "  %-56s %-9s %s", cli_field_text(item, "name"),
                   cli_field_text(item, "dtype"), shape != NULL ? shape : "");
        cJSON_free(shape);
    }
}

static void print_checksum(cli_terminal *t, const cJSON *c)
{
    const char *sum = cli_field_text(c, "name_checksum");
    const bool same = cJSON_IsTrue(
        cJSON_GetObjectItemCaseSensitive(c, "name_checksum_matches"));
    if (sum[0] != '\0')
        cli_print(t, "%-14s %s in the file name %s", "checksum", sum,
                  same ? "is right" : "DOES NOT MATCH");
}

static void print_checkpoint(cli_terminal *t, const cJSON *c)
{
    const cJSON *klass = cJSON_GetObjectItemCaseSensitive(c, "class");
    char text[300];
    print_line(t, "file", cli_field_text(c, "path"));
    snprintf(text, sizeof text, "%s, pickle protocol %.0f, %.0f bytes",
             cli_field_text(c, "container"),
             cli_field_number(c, "pickle_protocol"),
             cli_field_number(c, "file_size"));
    print_line(t, "container", text);
    print_line(t, "sha256", cli_field_text(c, "sha256"));
    print_checksum(t, c);
    snprintf(text, sizeof text, "%s.%s", cli_field_text(klass, "module"),
             cli_field_text(klass, "name"));
    print_line(t, "class", cJSON_IsObject(klass) ? text : "none: bare weights");
    if (cli_field_text(c, "weights")[0] != '\0')
        print_line(t, "weights", cli_field_text(c, "weights"));
    if (cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(c, "sets")))
        print_value(t, "sets", cJSON_GetObjectItemCaseSensitive(c, "sets"));
    if (cJSON_HasObjectItem(c, "quantized_tensors"))
        print_quantized(t, c);
    else
        print_tensors(t, cJSON_GetObjectItemCaseSensitive(c, "tensors"));
    print_value(t, "globals", cJSON_GetObjectItemCaseSensitive(c, "globals"));
    print_tensor_list(t, cJSON_GetObjectItemCaseSensitive(c, "tensors"));
}

static void print_model(cli_terminal *t, const cJSON *m)
{
    char text[CLI_PRECISION_LINE];
    print_line(t, "architecture", cli_field_text(m, "architecture"));
    print_value(t, "sources", cJSON_GetObjectItemCaseSensitive(m, "sources"));
    snprintf(text, sizeof text, "%.0f channels, %.0f Hz, %.0f samples",
             cli_field_number(m, "audio_channels"),
             cli_field_number(m, "samplerate"),
             cli_field_number(m, "segment_samples"));
    print_line(t, "audio", text);
    if (cJSON_GetArraySize(cJSON_GetObjectItem(m, "assumed")) > 0)
        print_value(t, "assumed", cJSON_GetObjectItem(m, "assumed"));
    print_items(t, "arguments", cJSON_GetObjectItem(m, "arguments"));
    const cJSON *choice;
    cJSON_ArrayForEach(choice, cJSON_GetObjectItem(m, "precision"))
    {
        cli_precision_line(text, sizeof text, choice);
        print_line(t, "precision", text);
    }
}

static void print_onnx(cli_terminal *t, const cJSON *o)
{
    char text[200];
    print_line(t, "file", cli_field_text(o, "path"));
    print_line(t, "sha256", cli_field_text(o, "sha256"));
    snprintf(text, sizeof text, "%s %s", cli_field_text(o, "producer"),
             cli_field_text(o, "producer_version"));
    print_line(t, "producer", text);
    snprintf(text, sizeof text,
             "opset %.0f, IR version %.0f, %.0f nodes, %.0f numbers, %.0f "
             "bytes",
             cli_field_number(o, "opset"), cli_field_number(o, "ir_version"),
             cli_field_number(o, "node_count"),
             cli_field_number(o, "parameters"), cli_field_number(o, "bytes"));
    print_line(t, "graph", text);
    const cJSON *port;
    cJSON_ArrayForEach(port, cJSON_GetObjectItem(o, "inputs"))
        print_value(t, "input", port);
    cJSON_ArrayForEach(port, cJSON_GetObjectItem(o, "outputs"))
        print_value(t, "output", port);
    print_items(t, "metadata", cJSON_GetObjectItem(o, "metadata"));
    print_items(t, "operators", cJSON_GetObjectItem(o, "operators"));
    const cJSON *node;
    cJSON_ArrayForEach(node, cJSON_GetObjectItem(o, "nodes"))
        cli_print(t, "%-24s %s", cli_field_text(node, "operator"),
                  cli_field_text(node, "name"));
}

/* --------------------------------------------------------------- commands */

static int inspect_onnx(cli_terminal *t, const inspect_options *o,
                        const char *path)
{
    char *json;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status = dmx_onnx_json(&json, path, o->graph, &err);
    if (status != DMX_OK)
        return cli_finish(t, status, &err);
    cJSON *parsed = t->json ? NULL : cJSON_Parse(json);
    const bool good = t->json || parsed != NULL;
    if (t->json)
        cli_print_document(t, json);
    else if (good)
        print_onnx(t, parsed);
    else
        cli_error(t, "no memory");
    cJSON_Delete(parsed);
    dmx_free(json);
    return good ? CLI_DONE : CLI_FAILED;
}

/* Parses and frees JSON returned by the library. */
static cJSON *take(char *json)
{
    cJSON *parsed = json != NULL ? cJSON_Parse(json) : NULL;
    dmx_free(json);
    return parsed;
}

static bool add_to(cJSON *object, const char *key, cJSON *value)
{
    if (value != NULL && cJSON_AddItemToObject(object, key, value))
        return true;
    cJSON_Delete(value);
    return false;
}

/* False when out of memory. */
static bool show(cli_terminal *t, cJSON *checkpoint, cJSON *model,
                 const char *graph)
{
    if (!t->json) {
        print_checkpoint(t, checkpoint);
        if (model != NULL)
            print_model(t, model);
        if (graph != NULL)
            cli_print_document(t, graph);
        return true;
    }
    const bool whole = add_to(checkpoint, "model",
                              model != NULL ? cJSON_Duplicate(model, 1)
                                            : cJSON_CreateNull()) &&
                       (graph == NULL ||
                        add_to(checkpoint, "graph", cJSON_CreateString(graph)));
    char *text = whole ? cJSON_Print(checkpoint) : NULL;
    if (text != NULL)
        cli_print_document(t, text);
    cJSON_free(text);
    return text != NULL;
}

/* Adds the stored proofs of the engine's precision for this model. */
static void add_choices(cJSON *model, cli_terminal *t, const inspect_options *o,
                        const dmx_model *m)
{
    dmx_error err = DMX_ERROR_INIT;
    char *folder = NULL;
    if (cli_choices(&folder, t, &o->hub, &err) == DMX_OK && folder != NULL)
        (void)add_to(model, "precision",
                     take(dmx_engine_choices_json(m, folder)));
    free(folder);
}

/* A checkpoint of an unknown architecture can still be inspected. */
static int inspect_checkpoint(cli_terminal *t, const inspect_options *o,
                              const dmx_checkpoint *checkpoint)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_model *m = NULL;
    char *graph = NULL;
    dmx_status status = cli_model_of(&m, t, checkpoint, &o->model, &err);
    cJSON *model = status == DMX_OK ? take(dmx_model_json(m)) : NULL;
    if (model != NULL)
        add_choices(model, t, o, m);
    if (status == DMX_OK && o->graph)
        status = dmx_model_graph_text(&graph, m, o->samples, &err);
    cJSON *parsed = take(dmx_checkpoint_json(checkpoint));
    const bool short_of_memory = parsed == NULL ||
                                 (status == DMX_OK && model == NULL) ||
                                 !show(t, parsed, model, graph);
    dmx_free(graph);
    cJSON_Delete(parsed);
    cJSON_Delete(model);
    dmx_model_close(m);
    if (status == DMX_OK && !short_of_memory)
        return CLI_DONE;
    if (status != DMX_OK)
        return cli_finish(t, status, &err);
    cli_error(t, "no memory");
    return CLI_FAILED;
}

static bool is_onnx(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL && strcmp(dot, ".onnx") == 0;
}

static int inspect_file(cli_terminal *t, const inspect_options *o,
                        const char *path)
{
    if (is_onnx(path) && (o->model.config != NULL || o->model.set.count > 0 ||
                          o->model.sources != NULL || o->model.weights != NULL))
        return cli_misuse(t, "inspect",
                          "%s: an ONNX file has its arguments and weights "
                          "inside; other ones are for checkpoints",
                          path);
    if (is_onnx(path))
        return inspect_onnx(t, o, path);
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *checkpoint;
    dmx_checkpoint_options open = DMX_CHECKPOINT_OPTIONS_INIT;
    open.hooks = &t->hooks;
    open.weights = o->model.weights;
    const dmx_status status =
        dmx_checkpoint_open(&checkpoint, path, &open, &err);
    if (status != DMX_OK)
        return cli_finish(t, status, &err);
    const int code = inspect_checkpoint(t, o, checkpoint);
    dmx_checkpoint_close(checkpoint);
    return code;
}

static int run(cli_terminal *t, const void *values, int n, char **operand)
{
    (void)n;
    const inspect_options *o = values;
    dmx_error err = DMX_ERROR_INIT;
    dmx_bag *bag;
    const dmx_status status =
        cli_resolve_one(&bag, t, &o->hub, operand[0], 0, &err);
    if (status != DMX_OK)
        return cli_finish(t, status, &err);
    inspect_options known = *o;
    if (known.model.config == NULL)
        known.model.config = dmx_bag_config(bag);
    const int code = inspect_file(t, &known, dmx_bag_path(bag, 0));
    dmx_bag_close(bag);
    return code;
}

const cli_command cli_command_inspect = {
    .name = "inspect",
    .operands = "FILE|NAME",
    .summary = "show what a checkpoint or an ONNX file holds",
    .details =
        "Of a checkpoint: container, class, constructor arguments, tensors "
        "(all of them with -v), every global its pickle names, and whether "
        "the checksum in its name is right; nothing in it is executed. Of an "
        "ONNX file: contract, metadata, operators.",
    .option = options,
    .options_size = sizeof(inspect_options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
