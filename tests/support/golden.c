#include "golden.h"

#include "reference/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *golden_fixture(size_t index)
{
    static const char *const name[] = {
        "htdemucs",       "htdemucs_6s", "emb_cape",    "emb_scaled",
        "group_norms",    "multi_freqs", "nfft_2048",   "merged_branches",
        "mono_two_stems", "no_rewrite",  "short_input", "legacy_container",
        "no_transformer", "post_norm",   "protocol4",   "state_dict_only",
        "full_length",
    };
    return index < sizeof name / sizeof name[0] ? name[index] : NULL;
}

/* What the weights of state_dict_only do not say. */
static const char *const unsaid[] = {"t_heads=8", "segment=39/80", NULL};

static void open_model(golden *g)
{
    char file[128];
    dmx_error err = DMX_ERROR_INIT;
    dmx_model_options options = DMX_MODEL_OPTIONS_INIT;
    if (strcmp(g->name, "state_dict_only") == 0)
        options.set = unsaid;
    snprintf(file, sizeof file, "%s/model.th", g->name);
    assert_ok(dmx_checkpoint_open(&g->checkpoint, test_data(file), NULL, &err),
              &err);
    assert_ok(dmx_model_open(&g->model, g->checkpoint, &options, &err), &err);
}

static void read_mix(golden *g)
{
    char file[128];
    int rank;
    int64_t dim[8];
    snprintf(file, sizeof file, "%s/mix.npy", g->name);
    float *mix = test_read_npy(test_data(file), &rank, dim);
    g->channels = dim[1];
    g->samples = g->run_samples = dim[2];
    if (dmx_model_pads_to_segment(g->model) &&
        g->samples < dmx_model_samples(g->model))
        g->run_samples = dmx_model_samples(g->model);
    g->mix = calloc((size_t)(g->channels * g->run_samples), sizeof *g->mix);
    assert_non_null(g->mix);
    for (int64_t c = 0; c < g->channels; c++)
        for (int64_t i = 0; i < g->samples; i++)
            g->mix[c * g->run_samples + i] = (double)mix[c * g->samples + i];
    free(mix);
}

static void read_stems(golden *g)
{
    char file[128];
    int rank;
    int64_t dim[8];
    snprintf(file, sizeof file, "%s/stems.npy", g->name);
    g->stems = test_read_npy(test_data(file), &rank, dim);
    assert_int_equal(rank, 4);
    assert_int_equal(dim[3], g->samples);
    g->rows = dim[1] * dim[2];
    for (int64_t i = 0; i < g->rows * g->samples; i++)
        g->peak = fmax(g->peak, fabs((double)g->stems[i]));
    g->out = malloc((size_t)(g->rows * g->run_samples) * sizeof *g->out);
    assert_non_null(g->out);
}

void golden_open(golden *g, const char *name)
{
    dmx_error err = DMX_ERROR_INIT;
    *g = (golden){.name = name};
    open_model(g);
    read_mix(g);
    read_stems(g);
    assert_ok(dmx_model_graph(&g->graph, g->model, g->run_samples, &err), &err);
    const dmx_shape out = dmx_graph_shape(g->graph, g->graph->output);
    assert_int_equal(out.dim[0], g->rows);
    assert_int_equal(out.dim[2], g->run_samples);
}

void golden_close(golden *g)
{
    dmx_graph_close(g->graph);
    dmx_model_close(g->model);
    dmx_checkpoint_close(g->checkpoint);
    free(g->mix);
    free(g->out);
    free(g->stems);
}

double golden_error(golden *g)
{
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_reference_run(g->out, g->graph, g->mix, NULL, &err), &err);
    double worst = 0.0;
    for (int64_t r = 0; r < g->rows; r++)
        for (int64_t i = 0; i < g->samples; i++) {
            const double y = g->out[r * g->run_samples + i];
            const double d = fabs(y - (double)g->stems[r * g->samples + i]);
            if (!(d <= worst)) /* NaN counts as wrong */
                worst = isnan(d) ? INFINITY : d;
        }
    return worst / g->peak;
}
