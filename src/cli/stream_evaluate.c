/* The table of `stream --evaluate`. */
#include "separate.h"
#include "stream.h"

#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

static const double usual_hops[] = {0.05, 0.1, 0.2, 0.5, 1};
static const double usual_lookaheads[] = {0, 0.01, 0.02, 0.04, 0.08, 0.32};

static void free_paths(char **path)
{
    for (size_t i = 0; path != NULL && path[i] != NULL; i++)
        free(path[i]);
    free(path);
}

/* The true stems' files, NULL-terminated; NULL when memory is short. */
static char **true_stems(const dmx_separator *s, const stream_options *o)
{
    const size_t stems = dmx_separator_stems(s);
    char **path = calloc(stems + 1, sizeof *path);
    for (size_t i = 0; path != NULL && i < stems; i++) {
        const separate_names names = {.song = o->evaluate,
                                      .stem = dmx_separator_stem(s, i),
                                      .ext = "wav",
                                      .model = o->name};
        path[i] = separate_expand(o->compare, &names);
        if (path[i] == NULL) {
            free_paths(path);
            return NULL;
        }
    }
    return path;
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0.0;
}

static void print_mode(cli_terminal *t, const cJSON *mode, double offline)
{
    const cJSON *mean = cJSON_GetObjectItemCaseSensitive(mode, "mean_sdr");
    if (!cJSON_IsNumber(mean))
        cli_print(t, "%8.3f %9.3f  longer than the segment",
                  number(mode, "hop"), number(mode, "lookahead"));
    else
        cli_print(t, "%8.3f %9.3f %11.3f %6.0f %% %8.3f %+8.3f",
                  number(mode, "hop"), number(mode, "lookahead"),
                  number(mode, "algorithmic_latency"),
                  100 * number(mode, "load"), mean->valuedouble,
                  mean->valuedouble - offline);
}

static void print_table(cli_terminal *t, const cJSON *root)
{
    const cJSON *mode;
    const double offline =
        number(cJSON_GetObjectItemCaseSensitive(root, "offline"), "mean_sdr");
    cli_print(t,
              "%.1f s, segments of %.3g s, a run takes %.3g s; offline %.3f dB",
              number(root, "seconds"), number(root, "window"),
              number(root, "run_seconds"), offline);
    cli_print(t, "%8s %9s %11s %8s %8s %8s", "hop s", "lookahead", "latency s",
              "load", "SDR dB", "less");
    cJSON_ArrayForEach(mode, cJSON_GetObjectItemCaseSensitive(root, "modes"))
    {
        print_mode(t, mode, offline);
    }
}

static dmx_status evaluate(char **json, cli_terminal *t,
                           const stream_options *o, dmx_separator *separator,
                           dmx_separator *offline, dmx_error *err)
{
    dmx_evaluation_options e = DMX_EVALUATION_OPTIONS_INIT;
    char **truth = true_stems(separator, o);
    if (truth == NULL)
        return dmx_error_set(err, DMX_ERROR_MEMORY, "no memory");
    e.hooks = &t->hooks;
    e.hop = o->hop > 0 ? &o->hop : usual_hops;
    e.hops = o->hop > 0 ? 1 : sizeof usual_hops / sizeof *usual_hops;
    e.lookahead = o->lookahead >= 0 ? &o->lookahead : usual_lookaheads;
    e.lookaheads = o->lookahead >= 0
                       ? 1
                       : sizeof usual_lookaheads / sizeof *usual_lookaheads;
    e.fade = o->fade < 0 ? 0 : o->fade > 0 ? o->fade : -1;
    e.covers = (int)o->covers;
    e.seconds = o->seconds;
    e.offline = offline;
    const dmx_status status = dmx_stream_evaluate(
        json, separator, o->evaluate, (const char *const *)truth, &e, err);
    free_paths(truth);
    return status;
}

int stream_evaluate(cli_terminal *t, const stream_options *o)
{
    const char *problem = separate_template_problem(o->compare);
    dmx_separator *separator = NULL, *offline = NULL;
    stream_options whole = *o;
    char *json = NULL;
    dmx_error err = DMX_ERROR_INIT;
    if (problem != NULL)
        return cli_misuse(t, "stream", "--compare: %s: %s", o->compare,
                          problem);
    whole.segment = 0;
    dmx_status status = stream_open_separator(&separator, t, o, false, &err);
    if (status == DMX_OK)
        status = stream_open_separator(&offline, t, &whole, true, &err);
    if (status == DMX_OK)
        status = evaluate(&json, t, o, separator, offline, &err);
    cli_clear_bar(t);
    if (status == DMX_OK && t->json)
        cli_print_document(t, json);
    else if (status == DMX_OK) {
        cJSON *root = cJSON_Parse(json);
        print_table(t, root);
        cJSON_Delete(root);
    }
    dmx_free(json);
    dmx_separator_close(separator);
    dmx_separator_close(offline);
    return cli_finish(t, status, &err);
}
