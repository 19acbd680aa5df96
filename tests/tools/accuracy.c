/* accuracy: every recording of the original's float64 pass in ../shared, and
 * how far the float64 reference, the native engine with each instruction set
 * and the installed versions of ONNX Runtime (on files of the recording's
 * length, and of any) are from it: a Markdown table of each network's worst
 * recording, relative to its peak. Exit code 1 when one is beyond its limit. */
#include "family.h"
#include "runtimes.h"

#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "onnx/onnx_export.h"
#include "runtime/runtime.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_COLUMNS = 12, MOST_ROWS = 64 };

#define REFERENCE_LIMIT 2e-7
#define LIMIT           1e-5

typedef struct row {
    char name[64];
    int recordings;
    double worst[MOST_COLUMNS];
} row;

static row table[MOST_ROWS];
static size_t rows;
static const char *column[MOST_COLUMNS];
static int columns;
static dmx_runtime *runtime[TEST_RUNTIMES];
static char runtime_name[2][2][48];

static row *row_of(const char *name)
{
    const int length = (int)strcspn(name, " ");
    for (size_t i = 0; i < rows; i++)
        if (strncmp(table[i].name, name, (size_t)length) == 0 &&
            table[i].name[length] == '\0')
            return &table[i];
    assert_true(rows < MOST_ROWS);
    snprintf(table[rows].name, sizeof table[rows].name, "%.*s", length, name);
    return &table[rows++];
}

static double engine_distance(const golden *g, const char *isa, float *stems)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_engine *engine;
    dmx_engine_state *state;
    dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
    float *mix = golden_mix(g);
    options.isa = isa;
    options.threads = 2;
    assert_ok(dmx_engine_open_graph(&engine, g->graph, &options, &err), &err);
    assert_ok(dmx_engine_state_open(&state, engine, &err), &err);
    assert_ok(dmx_engine_run(state, stems, mix, NULL, &err), &err);
    dmx_engine_state_close(state);
    dmx_engine_close(engine);
    free(mix);
    return golden_distance(g, stems);
}

static double runtime_distance(const golden *g, dmx_runtime *r,
                               const dmx_blob *file, float *stems, size_t count)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_session *session;
    const dmx_session_options two = {.threads = 2};
    const int64_t dim[] = {1, g->channels, g->run_samples};
    float *mix = golden_mix(g);
    const dmx_run call = {.input = mix, .dim = dim, .rank = 3};
    assert_ok(dmx_session_open(&session, r, "accuracy", file->data, file->size,
                               &two, &err),
              &err);
    assert_ok(dmx_session_run_first(session, &call, stems, count, &err), &err);
    dmx_session_close(session);
    free(mix);
    return golden_distance(g, stems);
}

static void note(row *r, int *at, double distance)
{
    r->worst[*at] = fmax(r->worst[*at], distance);
    (*at)++;
}

static void try_runtimes(const golden *g, row *r, int *at, float *stems,
                         size_t count)
{
    for (int any = 0; any < 2; any++) {
        dmx_error err = DMX_ERROR_INIT;
        dmx_blob file;
        const dmx_graph *graph = g->graph;
        const dmx_identity who = dmx_model_identity(g->model);
        const dmx_onnx_options o = {0};
        if (any)
            assert_ok(dmx_model_graph_any(&graph, g->model, &err), &err);
        assert_ok(dmx_onnx_pack(&file, graph, &who, &o, &err), &err);
        for (int k = 0; k < 2; k++)
            if (runtime[k] != NULL)
                note(r, at,
                     runtime_distance(g, runtime[k], &file, stems, count));
        dmx_blob_free(&file);
    }
}

static bool check(golden *g, const char *name)
{
    row *r = row_of(name);
    int at = 0;
    const dmx_shape out = dmx_graph_shape(g->graph, g->graph->output);
    const size_t count = (size_t)(out.dim[0] * g->run_samples);
    float *stems = malloc(count * sizeof *stems);
    assert_non_null(stems);
    fprintf(stderr, "%s, %lld samples\n", name, (long long)g->samples);
    r->recordings++;
    note(r, &at, golden_error(g));
    for (int k = 0; dmx_kernels_name(k) != NULL; k++)
        note(r, &at, engine_distance(g, dmx_kernels_name(k), stems));
    try_runtimes(g, r, &at, stems, count);
    assert_int_equal(at, columns);
    free(stems);
    return true;
}

static void open_columns(void)
{
    column[columns++] = "reference";
    for (int k = 0; dmx_kernels_name(k) != NULL; k++)
        column[columns++] = dmx_kernels_name(k);
    for (int k = 0; k < TEST_RUNTIMES; k++)
        runtime[k] = test_runtime(k);
    for (int any = 0; any < 2; any++)
        for (int k = 0; k < 2; k++)
            if (runtime[k] != NULL) {
                char *name = runtime_name[any][k];
                snprintf(name, sizeof runtime_name[any][k], "%.20s%s",
                         dmx_runtime_version(runtime[k]),
                         any ? ", any length" : "");
                column[columns++] = name;
            }
    assert_true(columns <= MOST_COLUMNS);
}

/* The table; false when something is beyond its limit. */
static bool print_table(void)
{
    bool good = true;
    printf("| network | recordings |");
    for (int c = 0; c < columns; c++)
        printf(" %s |", column[c]);
    printf("\n|---|---|");
    for (int c = 0; c < columns; c++)
        printf("---|");
    for (size_t i = 0; i < rows; i++) {
        printf("\n| `%s` | %d |", table[i].name, table[i].recordings);
        for (int c = 0; c < columns; c++) {
            const double limit = c == 0 ? REFERENCE_LIMIT : LIMIT;
            const bool within = table[i].worst[c] <= limit;
            good = good && within;
            printf(" %s%.1e%s |", within ? "" : "**", table[i].worst[c],
                   within ? "" : "**");
        }
    }
    printf("\n");
    return good;
}

int main(void)
{
    if (access(test_data(FAMILY_WHOLE), R_OK) != 0) {
        fprintf(stderr, "accuracy: no recordings in ../shared/fixtures\n");
        return 77;
    }
    open_columns();
    for (size_t i = 0; golden_fixture(i) != NULL; i++) {
        char path[256];
        golden g;
        snprintf(path, sizeof path, "%s%s", FAMILY_WHOLE, golden_fixture(i));
        golden_open(&g, path);
        check(&g, golden_fixture(i));
        golden_close(&g);
    }
    family_each(FAMILY_WHOLE, check);
    const bool good = print_table();
    dmx_runtime_close(runtime[1]);
    dmx_runtime_close(runtime[0]);
    return good ? 0 : 1;
}
