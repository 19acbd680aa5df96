/* The sliding window against the original's definition, written here as the
 * original has it: whole tracks, one pass after the other. The model is a
 * stand-in whose output depends on every position of its segment. */
#include "separate/overlap.h"
#include "separate/track_level.h"
#include "test_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCES = 3, CHANNELS = 2, MOST_PASSES = 4 };

typedef struct fake {
    int64_t samples;
    double colour; /* tells models apart */
    int calls, fail_at;
    bool
        empties; /* the memory of an earlier result must have been given back */
} fake;

static double fake_value(const fake *f, int64_t s, int64_t t, const float *row)
{
    const double here = (double)row[t];
    const double mirrored = (double)row[f->samples - 1 - t];
    return here * (double)(s + 1) + f->colour * mirrored +
           0.01 * (double)t / (double)f->samples;
}

static dmx_status fake_run(void *self, float *stems, const float *mix,
                           const dmx_hooks *hooks, dmx_error *err)
{
    (void)hooks;
    fake *f = self;
    DMX_RETURN_IF(++f->calls == f->fail_at, err, DMX_ERROR_RUNTIME, "failed");
    const int64_t floats = SOURCES * CHANNELS * f->samples;
    for (int64_t i = floats / 8; f->empties && i < floats; i += floats / 8)
        assert_true(stems[i] == 0.0f);
    for (int64_t s = 0; s < SOURCES; s++)
        for (int64_t c = 0; c < CHANNELS; c++)
            for (int64_t t = 0; t < f->samples; t++)
                stems[(s * CHANNELS + c) * f->samples + t] =
                    (float)fake_value(f, s, t, mix + c * f->samples);
    return DMX_OK;
}

/* Pieces one after the other, in one call. */
static dmx_status fake_batch(void *self, float *stems, const float *mix,
                             int64_t n, const dmx_hooks *hooks, dmx_error *err)
{
    fake *f = self;
    const int calls = f->calls;
    assert_true(n > 1);
    for (int64_t i = 0; i < n; i++)
        DMX_FORWARD(fake_run(self, stems + i * SOURCES * CHANNELS * f->samples,
                             mix + i * CHANNELS * f->samples, hooks, err));
    f->calls = calls + 1;
    return DMX_OK;
}

static dmx_status fake_tail(void *context, dmx_runner *out, int64_t samples,
                            dmx_error *err)
{
    fake *tail = malloc(sizeof *tail);
    DMX_RETURN_IF(tail == NULL, err, DMX_ERROR_MEMORY, "no memory");
    *tail = *(const fake *)context;
    tail->samples = samples;
    *out = (dmx_runner){.self = tail,
                        .channels = CHANNELS,
                        .sources = SOURCES,
                        .samples = samples,
                        .run = fake_run,
                        .close = free};
    return DMX_OK;
}

/* A track, and how to separate it. */
typedef struct scene {
    int64_t length;
    size_t n_pass;
    fake model[MOST_PASSES];
    dmx_runner runner[MOST_PASSES];
    dmx_pass pass[MOST_PASSES];
    double gain[MOST_PASSES][SOURCES];
    double power;
    float mean, scale;
    float *mix; /* [CHANNELS][length] */
} scene;

static void add_pass(scene *s, int64_t run, int64_t piece, int64_t stride,
                     int64_t origin, double share)
{
    const size_t i = s->n_pass++;
    s->model[i] = (fake){run, 0.3 + 0.2 * (double)i, 0, 0, false};
    s->runner[i] = (dmx_runner){.self = &s->model[i],
                                .channels = CHANNELS,
                                .sources = SOURCES,
                                .samples = run,
                                .run = fake_run};
    for (int k = 0; k < SOURCES; k++)
        s->gain[i][k] = share;
    s->pass[i] = (dmx_pass){.runner = &s->runner[i],
                            .gain = s->gain[i],
                            .origin = origin,
                            .piece = piece,
                            .stride = stride,
                            .context = &s->model[i]};
}

static void open_scene(scene *s, int64_t length, double power)
{
    *s =
        (scene){.length = length, .power = power, .mean = 0.125, .scale = 0.75};
    s->mix = malloc((size_t)(CHANNELS * length + 1) * sizeof *s->mix);
    assert_non_null(s->mix);
    uint64_t random = 7;
    for (int64_t i = 0; i < CHANNELS * length; i++)
        s->mix[i] = (float)test_normal(&random);
}

/* ---- the original, plainly ---- */

static void original_piece(const scene *s, size_t pass, int64_t start,
                           int64_t n, double *sum, double *weights)
{
    const dmx_pass *p = &s->pass[pass];
    fake model = s->model[pass];
    const int64_t valid = p->open_tail != NULL ? n : p->piece;
    if (p->open_tail != NULL)
        model.samples = n;
    const int64_t run = model.samples;
    const int64_t begin = start - (valid - n) / 2;
    float *mix = calloc((size_t)(CHANNELS * run), sizeof *mix);
    for (int64_t c = 0; c < CHANNELS; c++)
        for (int64_t i = 0; i < valid; i++)
            if (begin + i >= 0 && begin + i < s->length)
                mix[c * run + i] =
                    (s->mix[c * s->length + begin + i] - s->mean) / s->scale;
    const int64_t half = p->piece / 2;
    for (int64_t i = 0; i < n; i++) {
        const int64_t t = start + i;
        if (t < 0)
            continue;
        const double w = pow((double)(i < half ? i + 1 : p->piece - i) /
                                 (double)(p->piece - half),
                             s->power);
        weights[t] += w;
        for (int64_t r = 0; r < SOURCES * CHANNELS; r++)
            sum[r * s->length + t] +=
                w * fake_value(&model, r / CHANNELS, (valid - n) / 2 + i,
                               mix + r % CHANNELS * run);
    }
    free(mix);
}

static double *original(const scene *s)
{
    const size_t n = (size_t)s->length;
    double *total = calloc(SOURCES * CHANNELS * n + 1, sizeof *total);
    for (size_t p = 0; p < s->n_pass; p++) {
        double *sum = calloc(SOURCES * CHANNELS * n + 1, sizeof *sum);
        double *weights = calloc(n + 1, sizeof *weights);
        for (int64_t at = s->pass[p].origin; at < s->length;
             at += s->pass[p].stride) {
            const int64_t left = s->length - at;
            original_piece(s, p, at,
                           left < s->pass[p].piece ? left : s->pass[p].piece,
                           sum, weights);
        }
        for (size_t i = 0; i < SOURCES * CHANNELS * n; i++)
            total[i] += s->gain[p][i / CHANNELS / n] * sum[i] / weights[i % n];
        free(sum);
        free(weights);
    }
    for (size_t i = 0; i < SOURCES * CHANNELS * n; i++)
        total[i] = total[i] * (double)s->scale + (double)s->mean;
    return total;
}

/* ---- ours, with blocks of a given size ---- */

typedef struct taker {
    const scene *scene;
    float *stems, *mix;
    int64_t at;
    size_t block;
} taker;

static dmx_status take(taker *k, dmx_overlap *o, dmx_error *err)
{
    for (;;) {
        float *stems[SOURCES * CHANNELS], *mix[CHANNELS];
        for (int64_t r = 0; r < SOURCES * CHANNELS; r++)
            stems[r] = k->stems + r * k->scene->length + k->at;
        for (int64_t c = 0; c < CHANNELS; c++)
            mix[c] = k->mix + c * k->scene->length + k->at;
        size_t n;
        DMX_FORWARD(dmx_overlap_pull(o, stems, mix, k->block, &n, err));
        if (n == 0)
            return DMX_OK;
        k->at += (int64_t)n;
    }
}

static dmx_status drain(taker *k, dmx_overlap *o, dmx_error *err)
{
    while (dmx_overlap_ready(o)) {
        DMX_FORWARD(dmx_overlap_step(o, NULL, err));
        DMX_FORWARD(take(k, o, err));
    }
    return DMX_OK;
}

static dmx_status feed(taker *k, dmx_overlap *o, dmx_error *err)
{
    for (int64_t at = 0; at < k->scene->length;) {
        const float *planes[CHANNELS];
        for (int64_t c = 0; c < CHANNELS; c++)
            planes[c] = k->scene->mix + c * k->scene->length + at;
        const int64_t left = k->scene->length - at;
        const size_t n = (size_t)left < k->block ? (size_t)left : k->block;
        const size_t used = dmx_overlap_push(o, planes, n);
        at += (int64_t)used;
        DMX_FORWARD(drain(k, o, err));
        assert_true(used > 0 || n == 0);
    }
    dmx_overlap_end(o);
    return drain(k, o, err);
}

static dmx_overlap *open_overlap(const scene *s)
{
    const int slot[SOURCES] = {0, 1, 2};
    const dmx_overlap_config config = {
        .pass = s->pass,
        .n_pass = s->n_pass,
        .slot = slot,
        .channels = CHANNELS,
        .sources = SOURCES,
        .power = s->power,
        .mean = s->mean,
        .scale = s->scale,
    };
    dmx_overlap *o;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_overlap_open(&o, &config, &err), &err);
    return o;
}

static float *ours(const scene *s, size_t block)
{
    taker k = {s, NULL, NULL, 0, block};
    const size_t n = (size_t)s->length;
    k.stems = calloc(SOURCES * CHANNELS * n + 1, sizeof *k.stems);
    k.mix = calloc(CHANNELS * n + 1, sizeof *k.mix);
    dmx_overlap *o = open_overlap(s);
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(feed(&k, o, &err), &err);
    assert_int_equal(k.at, s->length);
    assert_memory_equal(k.mix, s->mix, CHANNELS * n * sizeof *k.mix);
    dmx_overlap_close(o);
    free(k.mix);
    return k.stems;
}

/* The same, however many pieces run at once. */
static void compare_batches(scene *s, const float *first, size_t count)
{
    static const int64_t batch[] = {2, 3, 7, 64};
    for (size_t b = 0; b < sizeof batch / sizeof batch[0]; b++) {
        for (size_t i = 0; i < s->n_pass; i++) {
            s->runner[i].run_batch = fake_batch;
            s->runner[i].batch = i % 2 == 0 ? batch[b] : 2;
        }
        for (size_t block = 1000000; block > 10; block = block / 1000 + 10) {
            float *again = ours(s, block);
            assert_memory_equal(again, first, count * sizeof *again);
            free(again);
        }
    }
}

static void compare(scene *s)
{
    double *expected = original(s);
    float *first = ours(s, 1000000);
    const size_t count = SOURCES * CHANNELS * (size_t)s->length;
    for (size_t i = 0; i < count; i++)
        if (fabs(expected[i] - (double)first[i]) > 2e-6)
            fail_msg("length %lld, element %zu: %.9g instead of %.9g",
                     (long long)s->length, i, (double)first[i], expected[i]);
    static const size_t blocks[] = {1, 17, 4096};
    for (size_t b = 0; b < 3; b++) {
        float *again = ours(s, blocks[b]);
        assert_memory_equal(again, first, count * sizeof *again);
        free(again);
    }
    compare_batches(s, first, count);
    free(first);
    free(expected);
    free(s->mix);
}

static void test_single(void **state)
{
    (void)state;
    static const int64_t lengths[] = {1, 2, 99, 100, 101, 1000, 1075, 45000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        scene s;
        open_scene(&s, lengths[i], 1);
        add_pass(&s, 100, 100, 75, 0, 1);
        compare(&s);
    }
}

static void test_heavy_overlap(void **state)
{
    (void)state;
    scene s;
    open_scene(&s, 1234, 3);
    add_pass(&s, 101, 101, 9, 0, 1);
    compare(&s);
}

static void test_no_overlap(void **state)
{
    (void)state;
    scene s;
    open_scene(&s, 777, 1);
    add_pass(&s, 100, 100, 100, 0, 1);
    compare(&s);
}

static void test_shorter_pieces(void **state)
{
    (void)state;
    scene s;
    open_scene(&s, 905, 2);
    add_pass(&s, 160, 100, 75, 0, 1);
    compare(&s);
}

static void test_own_length_tail(void **state)
{
    (void)state;
    static const int64_t lengths[] = {60, 1000, 1075, 1076};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        scene s;
        open_scene(&s, lengths[i], 1);
        add_pass(&s, 100, 100, 75, -10, 1);
        s.pass[0].open_tail = fake_tail;
        compare(&s);
    }
}

static void test_shifts_and_bag(void **state)
{
    (void)state;
    scene s;
    open_scene(&s, 1601, 1);
    add_pass(&s, 100, 100, 75, -37, 0.25);
    add_pass(&s, 100, 100, 75, -2, 0.25);
    add_pass(&s, 260, 260, 195, -150, 0.5);
    add_pass(&s, 64, 64, 32, -149, 0);
    s.gain[2][1] = 0;
    s.gain[3][1] = 0.5;
    compare(&s);
}

/* Shifts of one model: their pieces share batches. */
static void test_shared_runner(void **state)
{
    (void)state;
    scene s;
    open_scene(&s, 1601, 1);
    add_pass(&s, 100, 100, 75, -37, 0.25);
    add_pass(&s, 260, 260, 195, -150, 0.5);
    add_pass(&s, 100, 100, 75, -99, 0.25);
    s.model[2] = s.model[0];
    s.pass[2].runner = s.pass[0].runner;
    compare(&s);
    open_scene(&s, 1000, 1);
    for (int64_t i = 0; i < MOST_PASSES; i++)
        add_pass(&s, 100, 90, 80, -95 - i, 0.25);
    for (int64_t i = 0; i < MOST_PASSES; i++) {
        s.model[i] = s.model[0];
        s.pass[i].runner = s.pass[0].runner;
        s.pass[i].open_tail = i % 2 == 0 ? fake_tail : NULL;
    }
    s.runner[0].run_batch = fake_batch;
    float *one = ours(&s, 50);
    compare_batches(&s, one, SOURCES * CHANNELS * 1000);
    free(one);
    free(s.mix);
}

/* Full batches and a partial last one; a track after a reset; and how far the
 * results lag behind the input. */
static void test_batches(void **state)
{
    (void)state;
    scene s;
    open_scene(&s, 1000, 1);
    add_pass(&s, 100, 100, 75, 0, 1);
    s.runner[0].run_batch = fake_batch;
    s.runner[0].batch = 4;
    taker k = {&s, NULL, NULL, 0, 50};
    k.stems = calloc(SOURCES * CHANNELS * 1000, sizeof *k.stems);
    k.mix = calloc(CHANNELS * 1000, sizeof *k.mix);
    dmx_overlap *o = open_overlap(&s);
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(dmx_overlap_latency(o), 99 + 3 * 75);
    for (int i = 0; i < 2; i++) {
        s.model[0].calls = 0;
        k.at = 0;
        assert_ok(feed(&k, o, &err), &err);
        assert_int_equal(k.at, 1000);
        assert_int_equal(s.model[0].calls, 4); /* 4 + 4 + 4 + 2 */
        dmx_overlap_reset(o);
    }
    s.model[0].calls = 0;
    s.model[0].fail_at = 6; /* in the second batch */
    k.at = 0;
    assert_int_equal(feed(&k, o, &err), DMX_ERROR_RUNTIME);
    dmx_overlap_close(o);
    free(k.stems);
    free(k.mix);
    free(s.mix);
}

/* The memory of long results is given back once they were added, before the
 * next piece runs: the same bits as from batches, which keep theirs. */
static void test_long_results(void **state)
{
    (void)state;
    const int64_t piece = 700000, length = 1500000;
    scene s;
    open_scene(&s, length, 1);
    add_pass(&s, piece, piece, piece * 3 / 4, -1000, 1);
    s.runner[0].run_batch = fake_batch;
    s.runner[0].batch = 2;
    float *kept = ours(&s, 1000000);
    s.runner[0].batch = 1;
#if defined(__linux__)
    s.model[0].empties = true;
#endif
    float *given_back = ours(&s, 1000000);
    assert_memory_equal(given_back, kept,
                        SOURCES * CHANNELS * (size_t)length * sizeof *kept);
    free(given_back);
    free(kept);
    free(s.mix);
}

static void test_failure_is_forwarded(void **state)
{
    (void)state;
    scene s;
    open_scene(&s, 1000, 1);
    add_pass(&s, 100, 100, 75, 0, 1);
    s.model[0].fail_at = 3;
    taker k = {&s, NULL, NULL, 0, 50};
    k.stems = calloc(SOURCES * CHANNELS * 1000, sizeof *k.stems);
    k.mix = calloc(CHANNELS * 1000, sizeof *k.mix);
    dmx_overlap *o = open_overlap(&s);
    assert_int_equal(dmx_overlap_pieces(o, 1000), 14);
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(feed(&k, o, &err), DMX_ERROR_RUNTIME);
    dmx_overlap_close(o);
    free(k.stems);
    free(k.mix);
    free(s.mix);
}

/* A number that is not finite fails the track, unless it is trimmed away. */
static void test_not_finite(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY, 3e38F};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        scene s;
        open_scene(&s, 1000, 1);
        add_pass(&s, 100, 100, 75, 0, 1);
        s.mix[637] = bad[i];
        s.scale = 0.5; /* 3e38 over it is not finite either */
        taker k = {&s, NULL, NULL, 0, 50};
        k.stems = calloc(SOURCES * CHANNELS * 1000, sizeof *k.stems);
        k.mix = calloc(CHANNELS * 1000, sizeof *k.mix);
        dmx_overlap *o = open_overlap(&s);
        dmx_error err = DMX_ERROR_INIT;
        assert_int_equal(feed(&k, o, &err), DMX_ERROR_MODEL);
        assert_non_null(strstr(err.message, "not finite"));
        dmx_overlap_close(o);
        free(k.stems);
        free(k.mix);
        free(s.mix);
    }
}

static void test_level(void **state)
{
    (void)state;
    /* A tone of amplitude 1e-3 on an offset of 0.5, ten million frames. */
    dmx_track_level level = {0};
    float left[1000], right[1000];
    for (int i = 0; i < 1000; i++) {
        const double tone = 1e-3 * sin(6.283185307179586 * i / 100);
        left[i] = (float)(0.5 + tone);
        right[i] = 0.5f;
    }
    const float *planes[] = {left, right};
    for (int i = 0; i < 10000; i++)
        dmx_track_level_add(&level, planes, 2, 1000);
    double mean, std;
    dmx_track_level_get(&level, &mean, &std);
    assert_true(fabs(mean - 0.5) < 1e-8);
    double square = 0; /* of the float32 mono mix */
    for (int i = 0; i < 1000; i++)
        square += pow((double)((left[i] + right[i]) / 2) - mean, 2);
    const double expected = sqrt(1e4 * square / (1e7 - 1));
    assert_true(fabs(std / expected - 1) < 1e-7);
    assert_true(fabs(std / (0.5e-3 / sqrt(2)) - 1) < 2e-5);
    dmx_track_level one = {0};
    dmx_track_level_add(&one, planes, 2, 1);
    dmx_track_level_get(&one, &mean, &std);
    assert_true(mean == 0.5 && std == 0);
}

/* Levels of one channel x, frames times. */
static void level_of(const float *x, size_t count, int times, double *mean,
                     double *std)
{
    dmx_track_level level = {0};
    const float *planes[] = {x};
    for (int i = 0; i < times; i++)
        dmx_track_level_add(&level, planes, 1, count);
    dmx_track_level_get(&level, mean, std);
}

/* Offsets that are not binary fractions leave no residue, and a sound of -140
 * dB on top of them keeps its deviation around the float32 mean. */
static void test_level_on_offset(void **state)
{
    (void)state;
    static const float offset[] = {0, 0.1F, -0.7F, 0.3333333F, 1e-7F, 123.4F};
    for (size_t k = 0; k < sizeof offset / sizeof offset[0]; k++) {
        float x[1000];
        double mean, std, square = 0;
        for (int i = 0; i < 1000; i++)
            x[i] = offset[k];
        level_of(x, 1000, 1000, &mean, &std);
        assert_true(mean == (double)offset[k] && std == 0);
        for (int i = 0; i < 1000; i++)
            x[i] = offset[k] + (i % 3 == 0 ? 2e-7F : -1e-7F);
        level_of(x, 1000, 1000, &mean, &std);
        for (int i = 0; i < 1000; i++)
            square += ((double)x[i] - mean) * ((double)x[i] - mean);
        const double expected = sqrt(1000 * square / (1e6 - 1));
        assert_true(fabs(std - expected) <= 1e-7 * expected);
    }
}

static void test_level_of_antiphase(void **state)
{
    (void)state;
    float left[1000], right[1000];
    uint64_t random = 3;
    for (int i = 0; i < 1000; i++) {
        left[i] = (float)test_normal(&random);
        right[i] = -left[i];
    }
    const float *planes[] = {left, right};
    dmx_track_level level = {0};
    double mean, std;
    dmx_track_level_add(&level, planes, 2, 1000);
    dmx_track_level_get(&level, &mean, &std);
    assert_true(mean == 0 && std == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_heavy_overlap),
        cmocka_unit_test(test_no_overlap),
        cmocka_unit_test(test_shorter_pieces),
        cmocka_unit_test(test_own_length_tail),
        cmocka_unit_test(test_shifts_and_bag),
        cmocka_unit_test(test_shared_runner),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_long_results),
        cmocka_unit_test(test_failure_is_forwarded),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_level),
        cmocka_unit_test(test_level_on_offset),
        cmocka_unit_test(test_level_of_antiphase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
