/* Live streams of Demucs and Hybrid Demucs against their definition: every hop
 * the network runs over the newest samples of the past, as many as it takes,
 * normalised by everything heard so far, and runs are crossfaded. */
#include "separate/track_level.h"
#include "stream/windows.h"
#include "stream_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = 30000, MOST_CHANNELS = 2 };

typedef struct live {
    int64_t channels, rows, window, hop, lookahead, fade;
} live;

/* What was heard of the song before `end`; beyond its end it is silent. */
static void hear(dmx_track_level *level, const float *song, const live *l,
                 int64_t end)
{
    static const float silence[1];
    const float *planes[MOST_CHANNELS] = {song, song + LENGTH};
    const float *after[MOST_CHANNELS] = {silence, silence};
    const int64_t heard = end < LENGTH ? end : LENGTH;
    dmx_track_level_add(level, planes, (size_t)l->channels, (size_t)heard);
    for (int64_t i = heard; i < end; i++)
        dmx_track_level_add(level, after, (size_t)l->channels, 1);
}

/* y[rows][window]: the network over the window that ends at `end`. */
static void run_window(float *y, dmx_engine_state *state, const float *song,
                       const live *l, int64_t end)
{
    dmx_track_level level = {0};
    double mean, deviation;
    hear(&level, song, l, end);
    dmx_track_level_get(&level, &mean, &deviation);
    const float std = (float)deviation + 1e-8F;
    float *in = malloc((size_t)(l->channels * l->window) * sizeof *in);
    for (int64_t c = 0; c < l->channels; c++)
        for (int64_t i = 0; i < l->window; i++) {
            const int64_t at = end - l->window + i;
            const float x = at >= 0 && at < LENGTH ? song[c * LENGTH + at] : 0;
            in[c * l->window + i] = (x - (float)mean) / std;
        }
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_engine_run(state, y, in, NULL, &err), &err);
    for (int64_t i = 0; i < l->rows * l->window; i++)
        y[i] = y[i] * std + (float)mean;
    free(in);
}

/* Of the hop and crossfade before the lookahead, rising, one, and falling. */
static double weight_at(const live *l, int64_t i)
{
    const double up = (double)i + 0.5;
    const double down = (double)(l->hop + l->fade - i) - 0.5;
    return fmin(1, fmin(up, down) / (double)l->fade);
}

static float *by_definition(dmx_engine_state *state, const float *song,
                            const live *l)
{
    const int64_t region = l->hop + l->fade;
    const size_t n = (size_t)(l->rows * LENGTH);
    double *sum = calloc(n, sizeof *sum);
    double *weight = calloc(LENGTH, sizeof *weight);
    float *run = malloc((size_t)(l->rows * l->window) * sizeof *run);
    float *y = malloc(n * sizeof *y);
    for (int64_t end = l->hop; end - l->lookahead - region < LENGTH;
         end += l->hop) {
        run_window(run, state, song, l, end);
        for (int64_t i = 0; i < region; i++) {
            const int64_t at = end - l->lookahead - region + i;
            if (at < 0 || at >= LENGTH)
                continue;
            weight[at] += weight_at(l, i);
            for (int64_t r = 0; r < l->rows; r++)
                sum[r * LENGTH + at] +=
                    weight_at(l, i) * (double)run[r * l->window + l->window -
                                                  l->lookahead - region + i];
        }
    }
    for (int64_t i = 0; i < l->rows * LENGTH; i++)
        y[i] = (float)(sum[i] / weight[i % LENGTH]);
    free(sum);
    free(weight);
    free(run);
    return y;
}

/* The network alone, at the length that the separator runs it with. */
static float *expected(const char *file, const float *song, const live *l)
{
    dmx_checkpoint *c;
    dmx_model *m;
    dmx_engine *e;
    dmx_engine_state *state;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_checkpoint_open(&c, test_data(file), NULL, &err), &err);
    assert_ok(dmx_model_open(&m, c, NULL, &err), &err);
    assert_ok(dmx_engine_open(&e, m, l->window, NULL, &err), &err);
    assert_ok(dmx_engine_state_open(&state, e, &err), &err);
    float *y = by_definition(state, song, l);
    dmx_engine_state_close(state);
    dmx_engine_close(e);
    dmx_model_close(m);
    dmx_checkpoint_close(c);
    return y;
}

static live shape_of(dmx_separator *s, const dmx_stream_options *o)
{
    const double rate = (double)dmx_separator_samplerate(s);
    dmx_windows w;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_windows_open(&w, s, &err), &err);
    /* Nothing is padded: the past is as long as what the network runs over. */
    assert_int_equal(w.longest, w.shortest);
    assert_int_equal(w.longest, w.runner[0].samples);
    const live l = {.channels = dmx_separator_channels(s),
                    .rows = w.rows,
                    .window = w.longest,
                    .hop = llround(o->hop * rate),
                    .lookahead = llround(o->lookahead * rate),
                    .fade = llround(o->fade * rate)};
    dmx_windows_close(&w);
    return l;
}

static void check_model(const char *file)
{
    dmx_separator_options so = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
    dmx_error err = DMX_ERROR_INIT;
    so.segment = 0.25;
    so.unpadded = 1;
    o.hop = 0.05;
    o.lookahead = 0.02;
    o.fade = 0.01;
    o.block = 0.2; /* more than the random blocks, at any rate */
    dmx_separator *s = stream_separator(file, &so);
    const live l = shape_of(s, &o);
    float *song = stream_song(LENGTH);
    float *want = expected(file, song, &l);
    double peak = 0;
    for (int64_t i = 0; i < l.rows * LENGTH; i++)
        peak = fmax(peak, fabs((double)want[i]));
    assert_true(peak > 1e-3);
    for (int manual = 0; manual < 2; manual++) {
        dmx_stream *stream;
        o.manual = manual;
        assert_ok(dmx_stream_open(&stream, s, &o, &err), &err);
        float *got = stream_run(stream, song, LENGTH, l.rows, manual ? 0 : 777);
        for (int64_t i = 0; i < l.rows * LENGTH; i++)
            if (!(fabs((double)(got[i] - want[i])) < 2e-6 * peak))
                fail_msg("%s: row %lld, frame %lld: %g instead of %g", file,
                         (long long)(i / LENGTH), (long long)(i % LENGTH),
                         (double)got[i], (double)want[i]);
        free(got);
        dmx_stream_close(stream);
    }
    free(want);
    free(song);
    dmx_separator_close(s);
}

static void test_demucs(void **state)
{
    (void)state;
    check_model("family/demucs_mdx/model.th");
    check_model("family/demucs_odd/model.th"); /* one channel, 22050 Hz */
    check_model("family/demucs_repro/model.th");
}

static void test_hdemucs(void **state)
{
    (void)state;
    check_model("family/hdemucs_mdx_old/model.th");
    check_model("family/hdemucs_cac_false/model.th");
    check_model("family/hdemucs_magnitude/model.th");
    check_model("family/hdemucs_odd/model.th");
    check_model("family/hdemucs_wiener/model.th");
}

/* ----------------------------------------------------------------- engines */

static float *stream_of(const char *file, dmx_backend backend,
                        const float *song, int64_t *rows)
{
    dmx_separator_options so = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
    dmx_stream *stream;
    dmx_error err = DMX_ERROR_INIT;
    so.backend = backend;
    so.segment = 0.25;
    so.unpadded = 1;
    o.hop = 0.1;
    o.manual = 1;
    dmx_separator *s = stream_separator(file, &so);
    *rows = (int64_t)dmx_separator_stems(s) * dmx_separator_channels(s);
    assert_ok(dmx_stream_open(&stream, s, &o, &err), &err);
    float *y = stream_run(stream, song, LENGTH, *rows, 1000);
    dmx_stream_close(stream);
    dmx_separator_close(s);
    return y;
}

/* Only where windows are full of sound, in every band: of silence, the phase
 * that older Hybrid Demucs gives its magnitudes is that of rounding errors. */
static void check_engine(const char *file, dmx_backend backend,
                         const float *song, const float *want, int64_t rows)
{
    enum { FROM = 14000, TO = 22000 };
    double peak = 0, worst = 0;
    float *got = stream_of(file, backend, song, &rows);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = r * LENGTH + FROM; i < r * LENGTH + TO; i++) {
            peak = fmax(peak, fabs((double)want[i]));
            worst = fmax(worst, fabs((double)(got[i] - want[i])));
        }
    free(got);
    if (!(worst < 1e-4 * peak))
        fail_msg("%s, engine %d: off by %g of %g", file, (int)backend, worst,
                 peak);
}

static void test_engines(void **state)
{
    (void)state;
    static const char *const files[] = {"family/demucs_mdx/model.th",
                                        "family/hdemucs_mdx_old/model.th",
                                        "family/hdemucs_wiener/model.th"};
    float *song = stream_song(LENGTH);
    uint64_t random = 5;
    for (int i = 0; i < MOST_CHANNELS * LENGTH; i++)
        song[i] += (float)(0.05 * test_normal(&random));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        int64_t rows;
        float *want = stream_of(files[i], DMX_BACKEND_REFERENCE, song, &rows);
        check_engine(files[i], DMX_BACKEND_NATIVE, song, want, rows);
        check_engine(files[i], DMX_BACKEND_ONNXRUNTIME, song, want, rows);
        free(want);
    }
    free(song);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demucs),
        cmocka_unit_test(test_hdemucs),
        cmocka_unit_test(test_engines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
