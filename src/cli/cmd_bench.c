#include "bench_song.h"
#include "hub_options.h"
#include "model_options.h"
#include "precision_text.h"
#include "usual/offer.h"

#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench_options {
    cli_model_options model;
    int64_t threads, runs, samples;
    const char *contestants, *onnxruntime, *cache_dir;
    int profile, low_memory;
    double song;
    int64_t processes;
} bench_options;

static const cli_option options[] = {
    {"threads", 0, CLI_INT, "N", "threads of each contestant (default: all)",
     offsetof(bench_options, threads), 1, 1024},
    {"runs", 0, CLI_INT, "N", "runs of each after a cold one (default: 5)",
     offsetof(bench_options, runs), 1, 100},
    {"samples", 0, CLI_INT, "N",
     "length of the input (default: the training segment)",
     offsetof(bench_options, samples), 1, 100000000},
    {"song", 0, CLI_REAL, "SECONDS",
     "a whole song of that length with the native engine, instead of segments",
     offsetof(bench_options, song), 0.1, 36000},
    {"processes", 0, CLI_INT, "N", "with --song: in N processes at once (1)",
     offsetof(bench_options, processes), 1, 256},
    {"contestants", 0, CLI_STRING, "A,B,...",
     "native, native:ISA, native:int16, native:int8, native:ISA:int16, "
     "onnxruntime, onnxruntime:fp16weights, onnxruntime:int8, reference, usual "
     "(default: native, every ISA)",
     offsetof(bench_options, contestants), 0, 0},
    {"profile", 0, CLI_FLAG, NULL, "show the time of every step",
     offsetof(bench_options, profile), 0, 0},
    {"low-memory", 0, CLI_FLAG, NULL,
     "native engine: keep weights as float16 where that is exact",
     offsetof(bench_options, low_memory), 0, 0},
    {"onnxruntime", 0, CLI_STRING, "PATH", "ONNX Runtime, or its folder",
     offsetof(bench_options, onnxruntime), 0, 0},
    {"cache-dir", 0, CLI_STRING, "DIR",
     "where proofs of int16 and int8 are kept (~/.cache/demucs-onnx)",
     offsetof(bench_options, cache_dir), 0, 0},
    CLI_MODEL_OPTIONS(bench_options, model),
    {NULL, 0, CLI_FLAG, NULL, NULL, 0, 0, 0},
};

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0.0;
}

static const char *text(const cJSON *object, const char *key)
{
    const char *value =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return value != NULL ? value : "";
}

static void print_profile(cli_terminal *t, const cJSON *contestant)
{
    const cJSON *profile =
        cJSON_GetObjectItemCaseSensitive(contestant, "profile");
    const cJSON *steps = cJSON_GetObjectItemCaseSensitive(profile, "steps");
    const cJSON *step;
    if (steps == NULL)
        return;
    cli_print(t, "%s, last run, step by step:", text(contestant, "name"));
    cJSON_ArrayForEach(step, steps)
    {
        cli_print(t, "%9.2f ms %8.1f GFLOP/s  %-14s %s", number(step, "ms"),
                  number(step, "gflops"), text(step, "kind"),
                  text(step, "path"));
    }
}

static void print_precision(cli_terminal *t, const cJSON *contestant)
{
    const cJSON *document =
        cJSON_GetObjectItemCaseSensitive(contestant, "precision");
    char line[CLI_PRECISION_LINE];
    if (strcmp(text(document, "precision"), "exact") == 0 || document == NULL)
        return;
    cli_precision_line(line, sizeof line, document);
    cli_print(t, "%s: %s", text(contestant, "name"), line);
}

static void print_table(cli_terminal *t, const cJSON *root, int profile)
{
    const cJSON *peaks =
        cJSON_GetObjectItemCaseSensitive(root, "fma_peak_gflops");
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "contestants");
    const cJSON *item;
    cli_print(t, "%.0f samples, %.0f threads; peak of one thread:",
              number(root, "samples"), number(root, "threads"));
    cJSON_ArrayForEach(item, peaks)
    {
        cli_print(t, "  %-10s %.1f GFLOP/s", item->string, item->valuedouble);
    }
    cli_print(t, "%-24s %7s %7s %8s %8s %8s %8s %7s", "contestant", "load s",
              "cold s", "median s", "best s", "cpu s", "GFLOP/s", "ratio");
    cJSON_ArrayForEach(item, list)
    {
        cli_print(t, "%-24s %7.2f %7.2f %8.3f %8.3f %8.3f %8.1f %6.2fx",
                  text(item, "name"), number(item, "load_s"),
                  number(item, "cold_s"), number(item, "median_s"),
                  number(item, "best_s"), number(item, "median_cpu_s"),
                  number(item, "gflops"), number(item, "ratio"));
    }
    cJSON_ArrayForEach(item, list)
    {
        print_precision(t, item);
    }
    if (profile)
        cJSON_ArrayForEach(item, list)
        {
            print_profile(t, item);
        }
}

static dmx_status measure(char **json, cli_terminal *t, const bench_options *o,
                          const char *checkpoint, dmx_error *err)
{
    cli_model m;
    dmx_bench_options b = DMX_BENCH_OPTIONS_INIT;
    b.hooks = &t->hooks;
    b.samples = o->samples;
    b.threads = (int)o->threads;
    b.runs = (int)o->runs;
    b.low_memory = o->low_memory;
    b.contestants = o->contestants;
    b.onnxruntime = o->onnxruntime;
    const cli_hub_options hub = {.cache_dir = o->cache_dir, .offline = 1};
    char *choices;
    dmx_status status = cli_choices(&choices, t, &hub, err);
    if (status != DMX_OK)
        return status;
    b.choices = choices;
    status = cli_model_open(&m, t, checkpoint, 0, &o->model, err);
    dmx_usual_offer();
    if (status == DMX_OK)
        status = dmx_bench(json, m.model, &b, err);
    cli_model_close(&m);
    free(choices);
    return status;
}

static int run_song(cli_terminal *t, const bench_options *o,
                    const char *checkpoint)
{
    const bench_song song = {checkpoint, &o->model, o->song, o->processes,
                             o->threads};
    if (o->contestants == NULL && o->runs == 0 && o->samples == 0 &&
        !o->profile && !o->low_memory)
        return cli_bench_song(t, &song);
    return cli_misuse(t, "bench",
                      "--song goes with --processes and --threads "
                      "only");
}

static int run(cli_terminal *t, const void *values, int n, char **operand)
{
    (void)n;
    const bench_options *o = values;
    if (o->song > 0)
        return run_song(t, o, operand[0]);
    if (o->processes > 0)
        return cli_misuse(t, "bench", "--processes belongs to --song");
    char *json = NULL;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status = measure(&json, t, o, operand[0], &err);
    cli_clear_bar(t);
    if (status == DMX_OK && t->json)
        cli_print_document(t, json);
    else if (status == DMX_OK) {
        cJSON *root = cJSON_Parse(json);
        print_table(t, root, o->profile);
        cJSON_Delete(root);
    }
    dmx_free(json);
    return cli_finish(t, status, &err);
}

const cli_command cli_command_bench = {
    .name = "bench",
    .operands = "CHECKPOINT",
    .summary = "measure how fast this machine separates with a model",
    .details =
        "Separates one segment of noise again and again, the contestants "
        "taking turns, and compares the medians with the first contestant's. "
        "GFLOP/s count the operations of the textbook algorithms, so that a "
        "better algorithm may exceed the peak. 'onnxruntime' is ONNX Runtime "
        "on the graph that export writes (onnxruntime:int8: with all that can "
        "be "
        "in 8 bits, whether or not the checks would take it), 'usual' on what "
        "tracing the "
        "original with PyTorch gives; that one needs about 10 GB.\n\n"
        "With --song, whole songs of noise: songs an hour, core seconds a "
        "song and memory a process, to plan how many machines a library of "
        "songs takes.",
    .option = options,
    .options_size = sizeof(bench_options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
