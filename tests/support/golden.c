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

const golden_case *golden_family(size_t index)
{
#define CASE(name, recording, samples)                                         \
    {                                                                          \
        .folder = "family/" name, .file = "model.th", .stems = recording,      \
        .first = samples                                                       \
    }
    static const golden_case list[] = {
        CASE("demucs_mdx", "stems_900.npy", 900),
        CASE("demucs_repro", "stems.npy", 0),
        CASE("demucs_odd", "stems_77.npy", 77),
        CASE("hdemucs_mdx_old", "stems_16384.npy", 0),
        CASE("hdemucs_cac_false", "stems_16384.npy", 0),
        CASE("hdemucs_odd", "stems_255.npy", 255),
        CASE("hdemucs_magnitude", "stems_2049.npy", 0),
        CASE("hdemucs_wiener", "stems.npy", 0),
    };
#undef CASE
    return index < sizeof list / sizeof list[0] ? &list[index] : NULL;
}

/* What the weights of state_dict_only do not say. */
static const char *const unsaid[] = {"t_heads=8", "segment=39/80", NULL};

/* Two paths at a time. */
static const char *path_of(const golden_case *c, const char *file)
{
    static char path[2][256];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", c->folder, file);
    return path[turn];
}

static void open_model(golden *g, const golden_case *c)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint_options file = DMX_CHECKPOINT_OPTIONS_INIT;
    dmx_model_options options = DMX_MODEL_OPTIONS_INIT;
    char config[512];
    file.weights = c->weights;
    options.set = c->set;
    if (c->config != NULL) {
        snprintf(config, sizeof config, "%s", test_data(path_of(c, c->config)));
        options.config_path = config;
    }
    assert_ok(dmx_checkpoint_open(&g->checkpoint,
                                  test_data(path_of(c, c->file)), &file, &err),
              &err);
    assert_ok(dmx_model_open(&g->model, g->checkpoint, &options, &err), &err);
}

static void read_mix(golden *g, const golden_case *c)
{
    int rank;
    int64_t dim[8];
    float *mix = test_read_npy(test_data(path_of(c, "mix.npy")), &rank, dim);
    g->channels = dim[1];
    const int64_t stored = dim[2];
    g->samples = g->run_samples = c->first > 0 ? c->first : stored;
    assert_true(g->samples <= stored);
    if (dmx_model_pads_to_segment(g->model) &&
        g->samples < dmx_model_samples(g->model))
        g->run_samples = dmx_model_samples(g->model);
    g->mix = calloc((size_t)(g->channels * g->run_samples), sizeof *g->mix);
    assert_non_null(g->mix);
    for (int64_t k = 0; k < g->channels; k++)
        for (int64_t i = 0; i < g->samples; i++)
            g->mix[k * g->run_samples + i] = (double)mix[k * stored + i];
    free(mix);
}

static void read_stems(golden *g, const golden_case *c)
{
    int rank;
    int64_t dim[8];
    g->stems = test_read_npy(test_data(path_of(c, c->stems)), &rank, dim);
    assert_int_equal(rank, 4);
    assert_true(dim[3] > 0 && dim[3] <= g->samples);
    g->recorded = dim[3];
    g->rows = dim[1] * dim[2];
    for (int64_t i = 0; i < g->rows * g->recorded; i++)
        g->peak = fmax(g->peak, fabs((double)g->stems[i]));
}

void golden_open_case(golden *g, const golden_case *c)
{
    dmx_error err = DMX_ERROR_INIT;
    *g = (golden){.name = c->folder};
    open_model(g, c);
    read_mix(g, c);
    read_stems(g, c);
    assert_ok(dmx_model_graph(&g->graph, g->model, g->run_samples, &err), &err);
    const dmx_shape out = dmx_graph_shape(g->graph, g->graph->output);
    assert_true(g->rows <= out.dim[0]);
    assert_int_equal(out.dim[2], g->run_samples);
    g->out = malloc((size_t)(out.dim[0] * g->run_samples) * sizeof *g->out);
    assert_non_null(g->out);
}

void golden_open(golden *g, const char *name)
{
    golden_case c = {.folder = name, .file = "model.th", .stems = "stems.npy"};
    if (dmx_text_ends_with(name, "state_dict_only"))
        c.set = unsaid;
    golden_open_case(g, &c);
    assert_int_equal(g->recorded, g->samples);
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
        for (int64_t i = 0; i < g->recorded; i++) {
            const double y = g->out[r * g->run_samples + i];
            const double d = fabs(y - (double)g->stems[r * g->recorded + i]);
            if (!(d <= worst)) /* NaN counts as wrong */
                worst = isnan(d) ? INFINITY : d;
        }
    return worst / g->peak;
}

float *golden_mix(const golden *g)
{
    const size_t n = (size_t)(g->channels * g->run_samples);
    float *mix = malloc(n * sizeof *mix);
    assert_non_null(mix);
    for (size_t i = 0; i < n; i++)
        mix[i] = (float)g->mix[i];
    return mix;
}

double golden_distance(const golden *g, const float *stems)
{
    double worst = 0.0;
    for (int64_t r = 0; r < g->rows; r++)
        for (int64_t i = 0; i < g->recorded; i++) {
            const double y = (double)stems[r * g->run_samples + i];
            const double d = fabs(y - (double)g->stems[r * g->recorded + i]);
            worst = d <= worst ? worst : isnan(d) ? INFINITY : d;
        }
    return worst / g->peak;
}

double golden_snr(const golden *g, const float *a, const float *b)
{
    const dmx_shape s = dmx_graph_shape(g->graph, g->graph->output);
    const int64_t size = g->channels * g->run_samples;
    double worst = INFINITY;
    for (int64_t from = 0; from < dmx_shape_count(&s); from += size) {
        double signal = 0.0, noise = 0.0;
        for (int64_t i = from; i < from + size; i++) {
            signal += (double)a[i] * (double)a[i];
            noise += pow((double)a[i] - (double)b[i], 2);
        }
        worst = fmin(worst, 10.0 * log10(signal / noise));
    }
    return worst;
}
