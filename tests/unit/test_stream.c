/* Live streams: their output for any blocks, engines and models; late, lost
 * and dropped input; refusals. */
#include "separate/track_level.h"
#include "stream_case.h"
#include "tiny_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = STREAM_CHANNELS, RATE = 44100, ROWS = 8 };

static const char model_file[] = "htdemucs/model.th";

static dmx_stream *open_stream(dmx_separator *s, const dmx_stream_options *o)
{
    dmx_stream *stream;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_stream_open(&stream, s, o, &err), &err);
    return stream;
}

static dmx_stream_statistics stats_of(const dmx_stream *s)
{
    dmx_stream_statistics t = DMX_STREAM_STATISTICS_INIT;
    dmx_stream_stats(s, &t);
    return t;
}

static double difference(const float *a, const float *b, int64_t n)
{
    double worst = 0;
    for (int64_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)(a[i] - b[i])));
    return worst;
}

static double peak_of(const float *y, int64_t n)
{
    double peak = 0;
    for (int64_t i = 0; i < n; i++)
        peak = fmax(peak, fabs((double)y[i]));
    return peak;
}

/* --------------------------------------------------- by the definition */

typedef struct live {
    int64_t window, hop, lookahead, fade, length;
    int covers;
} live;

/* A window that ends at `end` through the engine, normalised by the level of
 * all before it. */
static void run_window(float *y, dmx_engine_state *state, const float *song,
                       const live *l, int64_t end)
{
    const int64_t heard = end < l->length ? end : l->length;
    const float silence[CHANNELS] = {0};
    const float *planes[CHANNELS] = {song, song + l->length};
    const float *after[CHANNELS] = {silence, silence + 1};
    dmx_track_level level = {0};
    dmx_track_level_add(&level, planes, CHANNELS, (size_t)heard);
    for (int64_t i = heard; i < end; i++)
        dmx_track_level_add(&level, after, CHANNELS, 1);
    double mean, deviation;
    dmx_track_level_get(&level, &mean, &deviation);
    const float std = (float)deviation + 1e-8F;
    float *in = calloc((size_t)(CHANNELS * l->window), sizeof *in);
    dmx_error err = DMX_ERROR_INIT;
    for (int64_t c = 0; c < CHANNELS; c++)
        for (int64_t i = 0; i < l->window; i++) {
            const int64_t at = end - l->window + i;
            const float x =
                at >= 0 && at < l->length ? song[c * l->length + at] : 0;
            in[c * l->window + i] = (x - (float)mean) / std;
        }
    assert_ok(dmx_engine_run(state, y, in, NULL, &err), &err);
    for (int64_t i = 0; i < ROWS * l->window; i++)
        y[i] = y[i] * std + (float)mean;
    free(in);
}

static double weight_at(const live *l, int64_t i, int64_t region)
{
    const double slope = l->covers > 1 ? (double)region / 2 : (double)l->fade;
    const double up = (double)i + 0.5, down = (double)(region - i) - 0.5;
    return slope > 0 ? fmin(1, fmin(up, down) / slope) : 1;
}

static float *by_definition(dmx_engine_state *state, const float *song,
                            const live *l)
{
    const int64_t region =
        l->covers > 1 ? l->covers * l->hop : l->hop + l->fade;
    const size_t n = (size_t)(ROWS * l->length);
    double *sum = calloc(n, sizeof *sum);
    double *weight = calloc((size_t)l->length, sizeof *weight);
    float *run = malloc((size_t)(ROWS * l->window) * sizeof *run);
    float *y = malloc(n * sizeof *y);
    for (int64_t end = l->hop; end - l->lookahead - region < l->length;
         end += l->hop) {
        run_window(run, state, song, l, end);
        for (int64_t i = 0; i < region; i++) {
            const int64_t at = end - l->lookahead - region + i;
            if (at < 0 || at >= l->length)
                continue;
            const double w = weight_at(l, i, region);
            weight[at] += w;
            for (int64_t r = 0; r < ROWS; r++)
                sum[r * l->length + at] +=
                    w * (double)run[r * l->window + l->window - l->lookahead -
                                    region + i];
        }
    }
    for (int64_t r = 0; r < ROWS; r++)
        for (int64_t i = 0; i < l->length; i++)
            y[r * l->length + i] = (float)(sum[r * l->length + i] / weight[i]);
    free(sum);
    free(weight);
    free(run);
    return y;
}

static void check_definition(const live *l)
{
    dmx_separator_options so = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *c;
    dmx_model *m;
    dmx_engine *e;
    dmx_engine_state *state;
    assert_ok(dmx_checkpoint_open(&c, test_data(model_file), NULL, &err), &err);
    assert_ok(dmx_model_open(&m, c, NULL, &err), &err);
    assert_ok(dmx_engine_open(&e, m, l->window, NULL, &err), &err);
    assert_ok(dmx_engine_state_open(&state, e, &err), &err);
    float *song = stream_song(l->length);
    float *want = by_definition(state, song, l);
    so.segment = ((double)l->window + 0.5) / RATE;
    so.unpadded = 1;
    dmx_separator *s = stream_separator(model_file, &so);
    assert_int_equal(dmx_separator_samples(s), l->window);
    o.hop = (double)l->hop / RATE;
    o.lookahead = l->lookahead > 0 ? (double)l->lookahead / RATE : -1;
    o.fade = l->fade > 0 ? (double)l->fade / RATE : -1;
    o.covers = l->covers;
    o.block = 0.1;
    o.manual = 1;
    static const int64_t blocks[] = {4410, 37, 512, 0};
    float *first = NULL;
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        dmx_stream *stream = open_stream(s, &o);
        float *got = stream_run(stream, song, l->length, ROWS, blocks[i]);
        assert_int_equal(stats_of(stream).late_frames, 0);
        assert_int_equal(stats_of(stream).skipped_runs, 0);
        const double worst = difference(got, want, ROWS * l->length) /
                             peak_of(want, ROWS * l->length);
        if (!(worst < 1e-6))
            fail_msg("hop %lld, block %lld: off by %g of the peak",
                     (long long)l->hop, (long long)blocks[i], worst);
        if (first != NULL)
            assert_memory_equal(got, first,
                                (size_t)(ROWS * l->length) * sizeof *got);
        if (first == NULL)
            first = got;
        else
            free(got);
        dmx_stream_close(stream);
    }
    free(first);
    free(want);
    free(song);
    dmx_separator_close(s);
    dmx_engine_state_close(state);
    dmx_engine_close(e);
    dmx_model_close(m);
    dmx_checkpoint_close(c);
}

static void test_definition(void **state)
{
    (void)state;
    check_definition(&(live){.window = 8000,
                             .hop = 2205,
                             .lookahead = 882,
                             .fade = 441,
                             .length = 30000});
    check_definition(
        &(live){.window = 10007, .hop = 1501, .covers = 3, .length = 20000});
    check_definition(
        &(live){.window = 6000, .hop = 3000, .lookahead = 1, .length = 15001});
}

/* ------------------------------------------------- engines, models, threads */

/* A model's stream with another engine, or two at a time on two threads. */
static float *stream_of(const char *file, dmx_backend backend, int manual,
                        const float *song, int64_t length, int64_t *rows)
{
    dmx_separator_options so = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
    so.backend = backend;
    so.segment = 0.3;
    so.unpadded = 1;
    o.hop = 0.1;
    o.manual = manual;
    dmx_separator *s = stream_separator(file, &so);
    *rows = (int64_t)dmx_separator_stems(s) * CHANNELS;
    dmx_stream *one = open_stream(s, &o), *two = open_stream(s, &o);
    float *y = stream_run(one, song, length, *rows, 1000);
    float *z = stream_run(two, song, length, *rows, 700);
    assert_int_equal(stats_of(one).late_frames, 0);
    assert_memory_equal(y, z, (size_t)(*rows * length) * sizeof *y);
    free(z);
    dmx_stream_close(one);
    dmx_stream_close(two);
    dmx_separator_close(s);
    return y;
}

static void test_engines(void **state)
{
    (void)state;
    static const char *const files[] = {"htdemucs/model.th",
                                        "htdemucs_6s/model.th",
                                        "model_repository/pair.yaml"};
    enum { LENGTH = 14000 };
    float *song = stream_song(LENGTH);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        int64_t rows;
        float *want =
            stream_of(files[i], DMX_BACKEND_REFERENCE, 1, song, LENGTH, &rows);
        double peak = 0;
        for (int64_t k = 0; k < rows * LENGTH; k++)
            peak = fmax(peak, fabs((double)want[k]));
        for (int b = DMX_BACKEND_ONNXRUNTIME; b <= DMX_BACKEND_NATIVE; b++) {
            float *got = stream_of(files[i], (dmx_backend)b, b == 2, song,
                                   LENGTH, &rows);
            const double off = difference(got, want, rows * LENGTH) / peak;
            if (!(off < 1e-5))
                fail_msg("%s, engine %d: off by %g", files[i], b, off);
            free(got);
        }
        free(want);
    }
    free(song);
}

/* --------------------------------------------------- late, lost, forgotten */

static dmx_separator *quick_separator(void)
{
    dmx_separator_options so = DMX_SEPARATOR_OPTIONS_INIT;
    so.segment = 0.25;
    so.unpadded = 1;
    so.threads = 1;
    return stream_separator(model_file, &so);
}

static dmx_stream_options quick_options(void)
{
    dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
    o.hop = 0.05;
    o.manual = 1;
    return o;
}

/* Process without waiting. */
static void push(dmx_stream *s, const float *song, int64_t length, int64_t at,
                 int64_t n, float *y)
{
    float *plane[ROWS];
    const float *mix[CHANNELS];
    for (int64_t c = 0; c < CHANNELS; c++)
        mix[c] = song + c * length + at;
    for (int64_t r = 0; r < ROWS; r++)
        plane[r] = y + r * length + at;
    dmx_stream_process(s, plane, mix, (size_t)n);
}

static double steepest(const float *y, int64_t n)
{
    double worst = 0;
    for (int64_t i = 1; i < n; i++)
        worst = fmax(worst, fabs((double)(y[i] - y[i - 1])));
    return worst;
}

/* The worker sleeps for a while: counted silence, then stems again, without a
 * jump. */
static void test_late(void **state)
{
    (void)state;
    enum { LENGTH = 70000, BLOCK = 500 };
    dmx_separator *s = quick_separator();
    float *song = stream_song(LENGTH);
    float *y = calloc(ROWS * LENGTH, sizeof *y);
    float *whole = calloc(ROWS * LENGTH, sizeof *whole);
    for (int dry = 0; dry < 2; dry++) {
        dmx_stream_options o = quick_options();
        o.dry = dry;
        dmx_error err = DMX_ERROR_INIT;
        dmx_stream *a = open_stream(s, &o), *b = open_stream(s, &o);
        for (int64_t at = 0; at < LENGTH; at += BLOCK) {
            int ran = 1;
            while (ran && (at < 20000 || at > 35000))
                assert_ok(dmx_stream_work(a, &ran, &err), &err);
            push(a, song, LENGTH, at, BLOCK, y);
            stream_block(b, song, LENGTH, at, BLOCK, whole, ROWS, LENGTH);
        }
        const dmx_stream_statistics t = stats_of(a);
        const int64_t latency = dmx_stream_latency(a);
        assert_true(t.late_frames > 35000 - 20000 - latency);
        assert_true(t.late_frames < 35000 - 20000 + 3 * 2205);
        assert_true(t.skipped_runs > 0);
        assert_int_equal(t.lost_frames, 0);
        assert_int_equal(stats_of(b).late_frames, 0);
        for (int64_t r = 0; r < ROWS; r++) {
            const float *stem = y + r * LENGTH, *good = whole + r * LENGTH;
            /* Before, during and after the gap. */
            assert_memory_equal(stem, good, 20000 * sizeof *stem);
            for (int64_t i = 30000; i < 35000; i++)
                assert_true(
                    stem[i] ==
                    (dry ? song[r % CHANNELS * LENGTH + i - latency] : 0));
            assert_true(difference(stem + 45000, good + 45000, 25000) < 1e-6);
            const double ramp = 441;
            const double bound =
                fmax(steepest(good, LENGTH), steepest(song, LENGTH)) +
                2 * (peak_of(song, LENGTH) + peak_of(good, LENGTH)) / ramp;
            if (steepest(stem, LENGTH) > bound)
                fail_msg("row %d jumps by %g, not %g", (int)r,
                         steepest(stem, LENGTH), bound);
        }
        dmx_stream_close(a);
        dmx_stream_close(b);
    }
    free(y);
    free(whole);
    free(song);
    dmx_separator_close(s);
}

/* The worker stands still until the input no longer fits: what was lost is
 * silence, and what follows is in its place, as after a reset. */
static void test_lost(void **state)
{
    (void)state;
    enum { LENGTH = 260000, GONE = 200000, BLOCK = 1000 };
    dmx_separator *s = quick_separator();
    const dmx_stream_options o = quick_options();
    dmx_error err = DMX_ERROR_INIT;
    float *song = stream_song(LENGTH);
    float *y = calloc(ROWS * LENGTH, sizeof *y);
    float *want = calloc(ROWS * LENGTH, sizeof *want);
    dmx_stream *a = open_stream(s, &o), *b = open_stream(s, &o);
    for (int64_t at = 0; at < LENGTH; at += BLOCK) {
        int ran = at >= GONE;
        while (ran)
            assert_ok(dmx_stream_work(a, &ran, &err), &err);
        if (at == GONE)
            dmx_stream_reset(b);
        push(a, song, LENGTH, at, BLOCK, y);
        stream_block(b, song, LENGTH, at, BLOCK, want, ROWS, LENGTH);
    }
    assert_true(stats_of(a).lost_frames > 0);
    assert_true(stats_of(a).lost_frames < GONE);
    const int64_t settled = GONE + dmx_stream_latency(a) + 2 * 441;
    for (int64_t r = 0; r < ROWS; r++) {
        assert_memory_equal(y + r * LENGTH + settled,
                            want + r * LENGTH + settled,
                            (size_t)(LENGTH - settled) * sizeof *y);
        assert_true(peak_of(y + r * LENGTH + 20000, GONE - 20000) == 0);
    }
    dmx_stream_close(a);
    dmx_stream_close(b);
    free(y);
    free(want);
    free(song);
    dmx_separator_close(s);
}

/* What comes after a reset is what a new stream gives, from its fade in on. */
static void test_reset_forgets(void **state)
{
    (void)state;
    enum { LENGTH = 60000, BLOCK = 735, RESET = 40 * BLOCK };
    dmx_separator *s = quick_separator();
    const dmx_stream_options o = quick_options();
    float *song = stream_song(LENGTH), *other = stream_song(LENGTH);
    for (int64_t i = 0; i < RESET; i++)
        other[i] = other[LENGTH + i] = (float)i * 1e-5F;
    float *y = calloc(ROWS * LENGTH, sizeof *y);
    float *z = calloc(ROWS * LENGTH, sizeof *z);
    dmx_stream *a = open_stream(s, &o), *b = open_stream(s, &o);
    for (int64_t at = 0; at + BLOCK <= LENGTH; at += BLOCK) {
        if (at == RESET) {
            dmx_stream_reset(a);
            dmx_stream_reset(b);
        }
        stream_block(a, song, LENGTH, at, BLOCK, y, ROWS, LENGTH);
        stream_block(b, other, LENGTH, at, BLOCK, z, ROWS, LENGTH);
    }
    const int64_t from = RESET + dmx_stream_latency(a);
    for (int64_t r = 0; r < ROWS; r++) {
        assert_memory_equal(y + r * LENGTH + from, z + r * LENGTH + from,
                            (size_t)(LENGTH - from - BLOCK) * sizeof *y);
        assert_true(difference(y + r * LENGTH, z + r * LENGTH, from) > 1e-3);
        assert_true(fabs((double)y[r * LENGTH + from]) < 1e-2);
    }
    dmx_stream_close(a);
    dmx_stream_close(b);
    free(song);
    free(other);
    free(y);
    free(z);
    dmx_separator_close(s);
}

/* A model that only scales: the output is as smooth as the input. */
static dmx_separator *scaling_separator(int64_t samples)
{
    char path[4096];
    tiny_model *tiny = tiny_model_open(samples, 0);
    size_t size;
    unsigned char *bytes = tiny_model_pack(tiny, &size);
    dmx_error err = DMX_ERROR_INIT;
    dmx_separator *s;
    snprintf(path, sizeof path, "%s/scaling.onnx", test_folder());
    assert_ok(dmx_write_file(path, bytes, size, &err), &err);
    assert_ok(dmx_separator_open_file(&s, path, NULL, &err), &err);
    free(bytes);
    tiny_model_close(tiny);
    return s;
}

/* Resets at random points, each in order with the audio: no step above the
 * tone's own and the crossfade's; and between them the tone is there. */
static void check_clicks(dmx_separator *s, const float *song, int64_t length,
                         const dmx_stream_options *o)
{
    const int64_t rows = (int64_t)dmx_separator_stems(s) * CHANNELS;
    float *y = calloc((size_t)(rows * length), sizeof *y);
    float *plain = calloc((size_t)(rows * length), sizeof *plain);
    dmx_stream *a = open_stream(s, o), *b = open_stream(s, o);
    uint64_t random = 99;
    int resets = 0;
    for (int64_t at = 0; at < length;) {
        int64_t n = 1 + (int64_t)(test_random(&random) % 1024);
        n = n < length - at ? n : length - at;
        if (test_random(&random) % 12 == 0) {
            dmx_stream_reset(a);
            resets++;
        }
        stream_block(a, song, length, at, n, y, rows, length);
        stream_block(b, song, length, at, n, plain, rows, length);
        at += n;
    }
    assert_true(resets > 20);
    for (int64_t r = 0; r < rows; r++) {
        const double bound = steepest(plain + r * length, length) +
                             peak_of(plain + r * length, length) / 441 + 1e-4;
        const double got = steepest(y + r * length, length);
        if (got > bound)
            fail_msg("covers %d, row %d: a step of %g above %g", o->covers,
                     (int)r, got, bound);
        assert_true(difference(y + r * length, plain + r * length, length) >
                    0.1);
        assert_true(peak_of(y + r * length, length) >
                    0.9 * peak_of(plain + r * length, length));
    }
    dmx_stream_close(a);
    dmx_stream_close(b);
    free(y);
    free(plain);
}

static void test_no_clicks(void **state)
{
    (void)state;
    enum { LENGTH = 400000 };
    dmx_separator *s = scaling_separator(12000);
    float *song = stream_song(LENGTH);
    for (int64_t i = 0; i < CHANNELS * LENGTH; i++)
        song[i] = (float)(0.5 * sin(0.01 * (double)(i % LENGTH)));
    for (int covers = 0; covers <= 3; covers += 3)
        for (int lookahead = -1; lookahead <= 0; lookahead++) {
            dmx_stream_options o = quick_options();
            o.covers = covers;
            o.lookahead = lookahead;
            check_clicks(s, song, LENGTH, &o);
        }
    free(song);
    dmx_separator_close(s);
}

/* ------------------------------------------------------------- odd things */

static void test_nonfinite(void **state)
{
    (void)state;
    enum { LENGTH = 30000, BLOCK = 500 };
    dmx_separator *s = quick_separator();
    float *song = stream_song(LENGTH);
    float *y = calloc(ROWS * LENGTH, sizeof *y);
    song[9000] = (float)NAN;
    song[LENGTH + 9001] = -(float)INFINITY;
    song[12000] = 3e38F;
    for (int dry = 0; dry < 2; dry++) {
        dmx_stream_options o = quick_options();
        o.dry = dry;
        dmx_stream *a = open_stream(s, &o);
        for (int64_t at = 0; at < LENGTH; at += BLOCK)
            stream_block(a, song, LENGTH, at, BLOCK, y, ROWS, LENGTH);
        assert_true(stats_of(a).nonfinite >= 2);
        for (int64_t i = 0; i < ROWS * LENGTH; i++)
            assert_true(isfinite(y[i]));
        dmx_stream_close(a);
    }
    free(y);
    free(song);
    dmx_separator_close(s);
}

/* Input and output in the same memory, as plug-in hosts like it. */
static void test_in_place(void **state)
{
    (void)state;
    enum { LENGTH = 20000, BLOCK = 2500 };
    dmx_separator *s = quick_separator();
    dmx_stream_options o = quick_options();
    o.block = 0.1;
    float *song = stream_song(LENGTH);
    float *want = calloc(ROWS * LENGTH, sizeof *want);
    float *y = calloc(ROWS * LENGTH, sizeof *y);
    dmx_stream *a = open_stream(s, &o), *b = open_stream(s, &o);
    for (int64_t at = 0; at < LENGTH; at += BLOCK) {
        dmx_error err = DMX_ERROR_INIT;
        float *plane[ROWS];
        stream_block(a, song, LENGTH, at, BLOCK, want, ROWS, LENGTH);
        for (int64_t r = 0; r < ROWS; r++)
            plane[r] = y + (ROWS - 1 - r) * LENGTH + at;
        memcpy(plane[6], song + at, BLOCK * sizeof *y);
        memcpy(plane[1], song + LENGTH + at, BLOCK * sizeof *y);
        const float *mix[CHANNELS] = {plane[6], plane[1]};
        assert_ok(dmx_stream_wait(b, BLOCK, NULL, &err), &err);
        dmx_stream_process(b, plane, mix, BLOCK);
    }
    for (int64_t r = 0; r < ROWS; r++)
        assert_memory_equal(y + (ROWS - 1 - r) * LENGTH, want + r * LENGTH,
                            LENGTH * sizeof *y);
    dmx_stream_close(a);
    dmx_stream_close(b);
    free(song);
    free(want);
    free(y);
    dmx_separator_close(s);
}

static void test_suggest(void **state)
{
    (void)state;
    dmx_separator *s = quick_separator();
    dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
    dmx_error err = DMX_ERROR_INIT;
    double seconds;
    o.lookahead = -1;
    assert_ok(dmx_stream_suggest(&o, &seconds, s, NULL, &err), &err);
    assert_true(seconds > 0 && o.hop >= seconds / 0.75);
    assert_true(o.hop < seconds / 0.75 + 0.006);
    assert_true(o.lookahead == -1);
    dmx_stream_close(open_stream(s, &o));
    o.lookahead = 0.2499;
    assert_int_equal(dmx_stream_suggest(&o, &seconds, s, NULL, &err),
                     DMX_ERROR_ARGUMENT);
    dmx_separator_close(s);
}

static void refused(dmx_separator *s, dmx_stream_options o, const char *named)
{
    dmx_stream *stream;
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(dmx_stream_open(&stream, s, &o, &err), DMX_ERROR_ARGUMENT);
    assert_null(stream);
    if (strstr(err.message, named) == NULL)
        fail_msg("'%s' does not name %s", err.message, named);
}

static void test_refusals(void **state)
{
    (void)state;
    dmx_separator *s = quick_separator();
    static const struct {
        double hop, lookahead, fade, slack, block;
        int covers;
        const char *named;
    } wrong[] = {
        {-1, 0, 0, 0, 0, 0, "hop"},      {61, 0, 0, 0, 0, 0, "hop"},
        {0.001, 0, 0, 0, 0, 0, "hop"},   {0.1, 61, 0, 0, 0, 0, "lookahead"},
        {0.1, 0, 0.2, 0, 0, 0, "fade"},  {0.1, 0, 0, 61, 0, 0, "slack"},
        {0.1, 0, 0, 0, 1.5, 0, "block"}, {0.1, 0, 0, 0, 0, 65, "covers"},
        {0.1, 0, 0, 0, 0, -1, "covers"}, {0.2, 0.1, 0, 0, 0, 0, "window"},
        {0.1, 0, 0, 0, 0, 3, "window"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
        o.hop = wrong[i].hop;
        o.lookahead = wrong[i].lookahead;
        o.fade = wrong[i].fade;
        o.slack = wrong[i].slack;
        o.block = wrong[i].block;
        o.covers = wrong[i].covers;
        refused(s, o, wrong[i].named);
    }
    dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
    o.hop = (double)NAN;
    refused(s, o, "hop");
    o.hop = 0.1;
    o.size = 0;
    refused(s, o, "size");
    dmx_separator_options so = DMX_SEPARATOR_OPTIONS_INIT;
    so.shifts = 2;
    dmx_separator *shifted = stream_separator(model_file, &so);
    o = (dmx_stream_options)DMX_STREAM_OPTIONS_INIT;
    refused(shifted, o, "shifts");
    dmx_separator_close(shifted);
    int ran;
    dmx_error err = DMX_ERROR_INIT;
    o.hop = 0.1;
    dmx_stream *own = open_stream(s, &o);
    assert_int_equal(dmx_stream_work(own, &ran, &err), DMX_ERROR_ARGUMENT);
    assert_ok(dmx_stream_status(own, &err), &err);
    dmx_stream_close(own);
    dmx_separator_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),    cmocka_unit_test(test_engines),
        cmocka_unit_test(test_late),          cmocka_unit_test(test_lost),
        cmocka_unit_test(test_reset_forgets), cmocka_unit_test(test_no_clicks),
        cmocka_unit_test(test_nonfinite),     cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_suggest),       cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
