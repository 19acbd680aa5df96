/* The level of a track, taken off before the model and put back after it, as
 * the original's API does: (x - mean) / (std + 1e-8), y * (std + 1e-8) + mean,
 * in float32. On tracks whose level is not the usual one. */
#include "base/error.h"
#include "memory_track.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 2, ROWS = 4 * CHANNELS };

typedef memory_track track;

static dmx_separator *open_model(const char *path)
{
    dmx_separator *s;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_separator_open_file(&s, test_data(path), NULL, &err), &err);
    return s;
}

static dmx_status run(track *t, dmx_separator *s, dmx_normalization normalize,
                      dmx_error *err)
{
    const dmx_separator_io io = memory_track_io(t, CHANNELS, ROWS, normalize);
    return dmx_separator_run(s, &io, NULL, err);
}

static float *separate(track *t, dmx_separator *s, dmx_normalization normalize)
{
    dmx_error err = DMX_ERROR_INIT;
    t->stems = malloc((size_t)(ROWS * t->length) * sizeof *t->stems);
    assert_non_null(t->stems);
    assert_ok(run(t, s, normalize, &err), &err);
    assert_int_equal(t->out, t->length);
    return t->stems;
}

/* ------------------------------------------------------------ a recording */

static void test_antiphase_recording(void **state)
{
    (void)state;
    int rank;
    int64_t dim[8];
    track t = {.mix =
                   test_read_npy(test_data("level/antiphase.npy"), &rank, dim)};
    t.length = dim[rank - 1];
    float *end =
        test_read_npy(test_data("level/antiphase_end.npy"), &rank, dim);
    const int64_t n = dim[rank - 1];
    dmx_separator *s = open_model("demo/htdemucs_tiny-87685527.th");
    separate(&t, s, DMX_NORMALIZE_TRACK);
    for (int64_t r = 0; r < ROWS; r++) {
        double peak = 0, most = 0;
        for (int64_t i = 0; i < n; i++) {
            const double expected = (double)end[r * n + i];
            const int64_t at = r * t.length + t.length - n + i;
            peak = fmax(peak, fabs(expected));
            most = fmax(most, fabs(expected - (double)t.stems[at]));
        }
        assert_true(peak > 0.01 && most < 1e-5 * peak);
    }
    dmx_separator_close(s);
    free(end);
    free(t.stems);
    free(t.mix);
}

/* -------------------------------------------------------- synthetic tracks */

/* left = offset + gain * noise, right = offset + side * gain * noise. */
static const struct {
    const char *name;
    float offset, gain, side;
} levels[] = {
    {"usual", 0, 0.2F, 0.5F},
    {"mono", 0, 0.2F, 1},
    {"antiphase", 0, 0.2F, -1},
    {"nearly antiphase", 0, 0.2F, -1 + 1e-6F},
    {"-80 dB", 0, 1e-4F, 0.5F},
    {"-140 dB", 0, 1e-7F, 0.5F},
    {"-140 dB antiphase", 0, 1e-7F, -1},
    {"-140 dB on an offset", 0.3F, 1e-7F, 0.5F},
    {"-200 dB", 0, 1e-10F, 0.5F},
    {"offset alone", 0.3F, 0, 1},
    {"antiphase on an offset", -0.1F, 0.2F, -1},
    {"silence", 0, 0, 1},
};

static track make_track(size_t kind)
{
    track t = {.length = 30000};
    uint64_t random = 11;
    t.mix = malloc((size_t)(CHANNELS * t.length) * sizeof *t.mix);
    assert_non_null(t.mix);
    for (int64_t i = 0; i < t.length; i++) {
        const float x = levels[kind].gain * (float)test_normal(&random);
        t.mix[i] = levels[kind].offset + x;
        t.mix[t.length + i] = levels[kind].offset + levels[kind].side * x;
    }
    return t;
}

/* The original's statements, in its order; statistics in float64, rounded. */
static void find_level(const track *t, float *mean, float *std)
{
    const float *left = t->mix, *right = t->mix + t->length;
    double sum = 0, square = 0;
    for (int64_t i = 0; i < t->length; i++)
        sum += (double)((left[i] + right[i]) / 2);
    *mean = (float)(sum / (double)t->length);
    for (int64_t i = 0; i < t->length; i++)
        square += pow((double)((left[i] + right[i]) / 2) - (double)*mean, 2);
    *std = (float)sqrt(square / (double)(t->length - 1));
}

static float *separate_by_hand(const track *given, dmx_separator *s)
{
    track t = *given;
    float mean, std;
    find_level(&t, &mean, &std);
    t.mix = malloc((size_t)(CHANNELS * t.length) * sizeof *t.mix);
    assert_non_null(t.mix);
    for (int64_t i = 0; i < CHANNELS * t.length; i++) {
        t.mix[i] = given->mix[i] - mean;
        t.mix[i] /= std + 1e-8F;
    }
    float *stems = separate(&t, s, DMX_NORMALIZE_NONE);
    for (int64_t i = 0; i < ROWS * t.length; i++) {
        stems[i] *= std + 1e-8F;
        stems[i] += mean;
    }
    free(t.mix);
    return stems;
}

static void test_levels(void **state)
{
    (void)state;
    dmx_separator *s = open_model("htdemucs/model.th");
    for (size_t k = 0; k < sizeof levels / sizeof levels[0]; k++) {
        track t = make_track(k);
        float *expected = separate_by_hand(&t, s);
        separate(&t, s, DMX_NORMALIZE_TRACK);
        double peak = 0, most = 0;
        for (int64_t i = 0; i < ROWS * t.length; i++) {
            const double e = (double)expected[i];
            peak = fmax(peak, fabs(e));
            most = fmax(most, fabs(e - (double)t.stems[i]));
        }
        printf("%-24s peak %.3g, difference %.3g of it\n", levels[k].name, peak,
               peak > 0 ? most / peak : most);
        assert_true(peak > 0 || levels[k].gain + levels[k].offset == 0);
        assert_true(most <= 1e-6 * peak);
        free(expected);
        free(t.stems);
        free(t.mix);
    }
    dmx_separator_close(s);
}

static void test_not_finite(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    dmx_separator *s = open_model("htdemucs/model.th");
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        for (int n = 0; n < 2; n++) {
            track t = make_track(0);
            t.stems = malloc((size_t)(ROWS * t.length) * sizeof *t.stems);
            t.mix[t.length + 20000] = bad[k];
            dmx_error err = DMX_ERROR_INIT;
            assert_int_equal(
                run(&t, s, n ? DMX_NORMALIZE_TRACK : DMX_NORMALIZE_NONE, &err),
                DMX_ERROR_ARGUMENT);
            assert_non_null(strstr(err.message, "not finite"));
            free(t.stems);
            free(t.mix);
        }
    dmx_separator_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_antiphase_recording),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
