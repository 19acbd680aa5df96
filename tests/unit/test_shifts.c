/* Random shifts against recordings of the original: the end of each track, for
 * which the offsets of every pass must be its own. */
#include "base/error.h"
#include "memory_track.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 2, RATE = 44100 };

typedef memory_track track;

static dmx_separator *open_model(const char *path,
                                 const dmx_separator_options *o)
{
    dmx_separator *s;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_separator_open_file(&s, path, o, &err), &err);
    return s;
}

static void start(track *t, const dmx_separator *s)
{
    t->rows = (int64_t)dmx_separator_stems(s) * CHANNELS;
    t->stems = malloc((size_t)(t->rows * t->length) * sizeof *t->stems);
    assert_non_null(t->stems);
}

static dmx_separator_io io_of(track *t, dmx_normalization normalize)
{
    return memory_track_io(t, CHANNELS, t->rows, normalize);
}

static void separate(track *t, dmx_separator *s, dmx_normalization normalize)
{
    dmx_error err = DMX_ERROR_INIT;
    start(t, s);
    const dmx_separator_io io = io_of(t, normalize);
    assert_ok(dmx_separator_run(s, &io, NULL, &err), &err);
    assert_int_equal(t->out, t->length);
}

static track open_track(int64_t length)
{
    int rank;
    int64_t dim[8];
    track t = {.mix = test_read_npy(test_data("track/mix.npy"), &rank, dim)};
    t.row = dim[rank - 1];
    t.length = length > 0 ? length : t.row;
    return t;
}

/* Largest difference from the recording of the track's end, and its peak. */
static double distance(const track *t, const char *name, double peak)
{
    int rank;
    int64_t dim[8];
    float *expected = test_read_npy(test_data(name), &rank, dim);
    const int64_t n = dim[rank - 1], from = t->length - n;
    double most = 0;
    for (int64_t r = 0; r < t->rows; r++)
        for (int64_t i = 0; i < n; i++)
            most = fmax(most, fabs((double)expected[r * n + i] -
                                   (double)t->stems[r * t->length + from + i]));
    free(expected);
    return most / peak;
}

/* "Whole" is the original's split=False, one piece however long: the same as
 * without overlap when the padded track fits. */
static const struct {
    const char *stems, *model;
    int64_t seed, length;
    double overlap, peak;
    int shifts;
    dmx_normalization normalize;
} recordings[] = {
    {"shifts/split.npy", "htdemucs/model.th", 0, 70001, 0.25, 0.1723, 2,
     DMX_NORMALIZE_NONE},
    {"shifts/split_normalized.npy", "htdemucs/model.th", 0, 70001, 0.25, 0.1723,
     2, DMX_NORMALIZE_TRACK},
    {"shifts/split_seed7.npy", "htdemucs/model.th", 7, 30011, 0.25, 0.2686, 3,
     DMX_NORMALIZE_NONE},
    {"shifts/whole.npy", "htdemucs/model.th", 5, 9001, 0, 0.1748, 2,
     DMX_NORMALIZE_NONE},
    {"shifts/whole_7_8_s.npy", "full_length/model.th", 0, 50000, 0, 0.2872, 2,
     DMX_NORMALIZE_NONE},
    {"shifts/bag.npy", "model_repository/pair.yaml", 0, 50000, 0.25, 0.2858, 2,
     DMX_NORMALIZE_NONE},
};

static void test_recordings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof recordings / sizeof recordings[0]; i++) {
        dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
        o.shifts = recordings[i].shifts;
        o.seed = recordings[i].seed;
        o.overlap = recordings[i].overlap;
        dmx_separator *s = open_model(test_data(recordings[i].model), &o);
        track t = open_track(recordings[i].length);
        separate(&t, s, recordings[i].normalize);
        const double d = distance(&t, recordings[i].stems, recordings[i].peak);
        printf("%-28s %.3g of peak\n", recordings[i].stems, d);
        assert_true(d < 1e-5);
        dmx_separator_close(s);
        free(t.stems);
        free((float *)t.mix);
    }
}

/* One stem of a bag is the same alone, though the model for the others is not
 * run: what that would have drawn is drawn. */
static void test_alone(void **state)
{
    (void)state;
    dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
    o.shifts = 2;
    o.seed = 3;
    const char *path = test_data("model_repository/specialists.yaml");
    dmx_separator *all = open_model(path, &o);
    track expected = open_track(30000);
    separate(&expected, all, DMX_NORMALIZE_TRACK);
    for (size_t k = 0; k < dmx_separator_stems(all); k++) {
        const char *const stems[] = {dmx_separator_stem(all, k), NULL};
        o.stems = stems;
        dmx_separator *one = open_model(path, &o);
        track t = open_track(30000);
        separate(&t, one, DMX_NORMALIZE_TRACK);
        assert_memory_equal(t.stems,
                            expected.stems + (int64_t)k * CHANNELS * t.length,
                            (size_t)(CHANNELS * t.length) * sizeof(float));
        dmx_separator_close(one);
        free(t.stems);
        free((float *)t.mix);
    }
    dmx_separator_close(all);
    free(expected.stems);
    free((float *)expected.mix);
}

/* Later offsets need the length: it is given, found by reading, or its lack is
 * refused. */
static void test_length(void **state)
{
    (void)state;
    dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
    o.shifts = 2;
    dmx_separator *s = open_model(test_data("htdemucs/model.th"), &o);
    track t = open_track(20000);
    separate(&t, s, DMX_NORMALIZE_NONE);
    float *expected = t.stems;
    dmx_separator_io io = io_of(&t, DMX_NORMALIZE_NONE);
    dmx_error err = DMX_ERROR_INIT;
    start(&t, s);
    io.rewind = NULL;
    assert_int_equal(dmx_separator_run(s, &io, NULL, &err), DMX_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "length"));
    io.frames = t.length;
    assert_ok(dmx_separator_run(s, &io, NULL, &err), &err);
    assert_memory_equal(t.stems, expected,
                        (size_t)(t.rows * t.length) * sizeof(float));
    t.in = t.out = 0;
    io.frames = 7;
    assert_int_equal(dmx_separator_run(s, &io, NULL, &err), DMX_ERROR_ARGUMENT);
    dmx_separator_close(s);
    free(expected);
    free(t.stems);
    free((float *)t.mix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
