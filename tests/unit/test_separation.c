/* Tracks that are pushed and pulled: bit for bit what a run with callbacks
 * gives, in blocks of any size, and each sample as soon as it can be. */
#include "memory_track.h"
#include "test_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 2, LENGTH = 130001, MOST_ROWS = 8 };

static float *mix; /* [CHANNELS][LENGTH] */

/* Noise that grows louder, on an offset: its level differs along the track. */
static int make_mix(void **state)
{
    (void)state;
    mix = malloc((size_t)(CHANNELS * LENGTH) * sizeof *mix);
    assert_non_null(mix);
    uint64_t random = 7;
    for (int64_t c = 0; c < CHANNELS; c++)
        for (int64_t i = 0; i < LENGTH; i++)
            mix[c * LENGTH + i] = (float)(0.05 + (0.02 + 2e-6 * (double)i) *
                                                     test_normal(&random));
    return 0;
}

static int free_mix(void **state)
{
    (void)state;
    free(mix);
    return 0;
}

/* -------------------------------------------------------- the whole track */

static float *new_stems(const dmx_separator *s)
{
    const size_t rows = dmx_separator_stems(s) * CHANNELS;
    assert_true(rows <= MOST_ROWS);
    float *stems = calloc(rows * LENGTH, sizeof *stems);
    assert_non_null(stems);
    return stems;
}

static float *offline(dmx_separator *s, const dmx_separation_options *o)
{
    memory_track t = {.mix = mix, .length = LENGTH, .stems = new_stems(s)};
    dmx_error err = DMX_ERROR_INIT;
    dmx_separator_io io = memory_track_io(
        &t, CHANNELS, (int64_t)dmx_separator_stems(s) * CHANNELS, o->normalize);
    io.mean = o->mean;
    io.std = o->std;
    io.frames = o->frames;
    assert_ok(dmx_separator_run(s, &io, NULL, &err), &err);
    assert_int_equal(t.out, LENGTH);
    return t.stems;
}

/* ---------------------------------------------------------- in any blocks */

/* Pulls all there is into stems at *out; the mix comes back as it went in. */
static void pull_all(dmx_separation *x, float *stems, int64_t *out, size_t most)
{
    float *memory = malloc((MOST_ROWS + CHANNELS) * most * sizeof *memory);
    float *row[MOST_ROWS + CHANNELS];
    dmx_error err = DMX_ERROR_INIT;
    for (size_t r = 0; r < MOST_ROWS + CHANNELS; r++)
        row[r] = memory + r * most;
    for (;;) {
        size_t got;
        assert_ok(
            dmx_separation_pull(x, row + CHANNELS, row, most, &got, NULL, &err),
            &err);
        if (got == 0)
            break;
        assert_true(*out + (int64_t)got <= LENGTH);
        for (int64_t c = 0; c < CHANNELS; c++)
            assert_memory_equal(row[c], mix + c * LENGTH + *out,
                                got * sizeof(float));
        for (size_t r = 0; r < MOST_ROWS; r++)
            memcpy(stems + r * LENGTH + *out, row[CHANNELS + r],
                   got * sizeof(float));
        *out += (int64_t)got;
    }
    free(memory);
}

/* block 0: random sizes. Every frame that can be available is. */
static void feed(dmx_separation *x, float *stems, size_t block, int64_t length)
{
    uint64_t random = 11;
    int64_t in = 0, out = 0;
    const int64_t latency = dmx_separation_latency(x);
    while (in < length) {
        size_t n =
            block > 0 ? block : 1 + (size_t)(test_random(&random) % 9000);
        if ((int64_t)n > length - in)
            n = (size_t)(length - in);
        for (size_t at = 0, taken; at < n; at += taken) {
            const float *planes[CHANNELS] = {mix + in + at,
                                             mix + LENGTH + in + at};
            dmx_error err = DMX_ERROR_INIT;
            assert_ok(dmx_separation_push(x, planes, n - at, &taken, &err),
                      &err);
            if (block != 1 || in + 1 > out + latency)
                pull_all(x, stems, &out, block > 1 ? block : 777);
            assert_true(taken > 0);
        }
        in += (int64_t)n;
        assert_true(out >= in - latency && out <= in);
    }
    if (length < LENGTH)
        return;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_separation_flush(x, &err), &err);
    pull_all(x, stems, &out, 4096);
    assert_int_equal(out, LENGTH);
}

static void check_blocks(const dmx_separator_options *so,
                         const dmx_separation_options *o, const char *model)
{
    static const size_t blocks[] = {37, 512, 44100, 0, 1};
    dmx_error err = DMX_ERROR_INIT;
    dmx_separator *s;
    dmx_separation *x;
    assert_ok(dmx_separator_open_file(&s, model, so, &err), &err);
    float *want = offline(s, o);
    float *got = new_stems(s);
    const size_t bytes =
        dmx_separator_stems(s) * CHANNELS * LENGTH * sizeof *got;
    assert_ok(dmx_separation_open(&x, s, o, &err), &err);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        memset(got, 0xff, bytes);
        feed(x, got, blocks[i], LENGTH);
        assert_memory_equal(got, want, bytes);
        dmx_separation_reset(x);
        /* A reset in the middle of a track, with its stems half pulled, leaves
         * nothing behind. */
        feed(x, got, 0, 30011 + 20000 * (int64_t)i);
        dmx_separation_reset(x);
    }
    dmx_separation_close(x);
    dmx_separator_close(s);
    free(want);
    free(got);
}

static void test_given(void **state)
{
    (void)state;
    dmx_separator_options so = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_separation_options o = DMX_SEPARATION_OPTIONS_INIT;
    o.normalize = DMX_NORMALIZE_GIVEN;
    o.mean = 0.05;
    o.std = 0.15;
    check_blocks(&so, &o, test_data("htdemucs/model.th"));
}

static void test_running(void **state)
{
    (void)state;
    dmx_separator_options so = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_separation_options o = DMX_SEPARATION_OPTIONS_INIT;
    so.overlap = 0.5;
    check_blocks(&so, &o, test_data("htdemucs/model.th"));
    o.normalize = DMX_NORMALIZE_NONE;
    check_blocks(&so, &o, test_data("htdemucs/model.th"));
}

static void test_shifts_of_a_bag(void **state)
{
    (void)state;
    dmx_separator_options so = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_separation_options o = DMX_SEPARATION_OPTIONS_INIT;
    so.shifts = 2;
    o.frames = LENGTH;
    check_blocks(&so, &o, test_data("model_repository/pair.yaml"));
}

/* A segment is normalised by the level of the track up to the segment's end. */
static void test_level_is_causal(void **state)
{
    (void)state;
    dmx_separator *s;
    dmx_error err = DMX_ERROR_INIT;
    dmx_separation_options o = DMX_SEPARATION_OPTIONS_INIT;
    assert_ok(
        dmx_separator_open_file(&s, test_data("htdemucs/model.th"), NULL, &err),
        &err);
    const int64_t piece = dmx_separator_samples(s);
    double sum = 0, square = 0;
    for (int64_t i = 0; i < piece; i++)
        sum += (double)((mix[i] + mix[LENGTH + i]) / 2);
    for (int64_t i = 0; i < piece; i++)
        square += pow(
            (double)((mix[i] + mix[LENGTH + i]) / 2) - sum / (double)piece, 2);
    float *running = offline(s, &o);
    o.normalize = DMX_NORMALIZE_GIVEN;
    o.mean = sum / (double)piece;
    o.std = sqrt(square / (double)(piece - 1));
    float *given = offline(s, &o);
    const int64_t alone = piece * 3 / 4; /* of the first segment alone */
    double worst = 0, later = 0;
    for (int64_t i = 0; i < LENGTH; i++) {
        const double difference = fabs((double)(running[i] - given[i]));
        if (i < alone)
            worst = fmax(worst, difference);
        else
            later = fmax(later, difference);
    }
    assert_true(worst < 1e-6);
    assert_true(later > 1e-6);
    free(running);
    free(given);
    dmx_separator_close(s);
}

static int stop(void *user, const char *stage, double fraction)
{
    (void)stage;
    (void)fraction;
    return *(int *)user;
}

/* A pull that was cancelled is tried again, nothing lost. */
static void test_cancelled_pull(void **state)
{
    (void)state;
    dmx_separator *s;
    dmx_separation *x;
    dmx_error err = DMX_ERROR_INIT;
    dmx_separation_options o = DMX_SEPARATION_OPTIONS_INIT;
    assert_ok(
        dmx_separator_open_file(&s, test_data("htdemucs/model.th"), NULL, &err),
        &err);
    float *want = offline(s, &o);
    float *got = new_stems(s);
    assert_ok(dmx_separation_open(&x, s, &o, &err), &err);
    int64_t in = 0, out = 0;
    int cancelled = 0;
    for (size_t taken; in < LENGTH; in += (int64_t)taken) {
        const float *planes[CHANNELS] = {mix + in, mix + LENGTH + in};
        assert_ok(
            dmx_separation_push(x, planes, (size_t)(LENGTH - in), &taken, &err),
            &err);
        float room[MOST_ROWS], *row[MOST_ROWS];
        for (size_t r = 0; r < MOST_ROWS; r++)
            row[r] = room + r;
        int cancel = 1;
        size_t n;
        const dmx_hooks hooks = {
            .size = sizeof hooks, .user = &cancel, .progress = stop};
        const dmx_status status =
            dmx_separation_pull(x, row, NULL, 1, &n, &hooks, &err);
        cancelled += status == DMX_ERROR_CANCELLED;
        assert_true(status == DMX_ERROR_CANCELLED || status == DMX_OK);
        assert_int_equal(n, 0);
        pull_all(x, got, &out, 5000);
    }
    assert_ok(dmx_separation_flush(x, &err), &err);
    pull_all(x, got, &out, 5000);
    assert_true(cancelled > 0);
    assert_memory_equal(got, want, MOST_ROWS * LENGTH * sizeof *got);
    dmx_separation_close(x);
    dmx_separator_close(s);
    free(want);
    free(got);
}

static void test_refusals(void **state)
{
    (void)state;
    dmx_separator *s;
    dmx_separation *x;
    dmx_error err = DMX_ERROR_INIT;
    dmx_separation_options o = DMX_SEPARATION_OPTIONS_INIT;
    assert_ok(
        dmx_separator_open_file(&s, test_data("htdemucs/model.th"), NULL, &err),
        &err);
    o.normalize = DMX_NORMALIZE_TRACK;
    assert_int_equal(dmx_separation_open(&x, s, &o, &err), DMX_ERROR_ARGUMENT);
    assert_null(x);
    o.normalize = (dmx_normalization)17;
    assert_int_equal(dmx_separation_open(&x, s, &o, &err), DMX_ERROR_ARGUMENT);
    o.normalize = DMX_NORMALIZE_GIVEN;
    o.std = (double)NAN;
    assert_int_equal(dmx_separation_open(&x, s, &o, &err), DMX_ERROR_ARGUMENT);
    o.size = 0;
    assert_int_equal(dmx_separation_open(&x, s, &o, &err), DMX_ERROR_ARGUMENT);
    assert_ok(dmx_separation_open(&x, s, NULL, &err), &err);
    float bad[2] = {0, (float)INFINITY};
    const float *planes[CHANNELS] = {bad, bad};
    size_t n;
    assert_int_equal(dmx_separation_push(x, planes, 2, &n, &err),
                     DMX_ERROR_ARGUMENT);
    assert_int_equal(n, 0);
    assert_ok(dmx_separation_push(x, planes, 1, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_ok(dmx_separation_flush(x, &err), &err);
    assert_int_equal(dmx_separation_push(x, planes, 1, &n, &err),
                     DMX_ERROR_ARGUMENT);
    float room[MOST_ROWS], *row[MOST_ROWS];
    for (size_t r = 0; r < MOST_ROWS; r++)
        row[r] = room + r;
    assert_int_equal(dmx_separation_pull(x, row, NULL, 0, &n, NULL, &err),
                     DMX_ERROR_ARGUMENT);
    assert_ok(dmx_separation_pull(x, row, NULL, 1, &n, NULL, &err), &err);
    assert_int_equal(n, 1);
    assert_ok(dmx_separation_pull(x, row, NULL, 1, &n, NULL, &err), &err);
    assert_int_equal(n, 0);
    dmx_separation_close(x);
    dmx_separator_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given),
        cmocka_unit_test(test_running),
        cmocka_unit_test(test_shifts_of_a_bag),
        cmocka_unit_test(test_level_is_causal),
        cmocka_unit_test(test_cancelled_pull),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, make_mix, free_mix);
}
