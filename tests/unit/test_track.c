/* Whole tracks against recordings of the original's apply_model, by every
 * engine, in blocks of an awkward size. */
#include "base/error.h"
#include "runtime/runtime.h"
#include "memory_track.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCES = 4, CHANNELS = 2 };

typedef memory_track track;

/* One recording of tests/data/track. */
typedef struct recording {
    const char *name, *model;
    double overlap, power;
    dmx_normalization normalize;
} recording;

static const recording recordings[] = {
    {"track/single.npy", "htdemucs/model.th", 0.25, 1, DMX_NORMALIZE_NONE},
    {"track/overlap50_power2.npy", "htdemucs/model.th", 0.5, 2,
     DMX_NORMALIZE_NONE},
    {"track/bag.npy", "bag.yaml", 0.25, 1, DMX_NORMALIZE_NONE},
    {"track/normalized.npy", "htdemucs/model.th", 0.25, 1, DMX_NORMALIZE_TRACK},
};
enum { RECORDINGS = sizeof recordings / sizeof recordings[0] };

static void open_track(track *t)
{
    int rank;
    int64_t dim[8];
    *t = (track){0};
    t->mix = test_read_npy(test_data("track/mix.npy"), &rank, dim);
    t->length = dim[rank - 1];
    t->stems = malloc((size_t)(SOURCES * CHANNELS * t->length) * sizeof(float));
    assert_non_null(t->stems);
}

static void close_track(track *t)
{
    free(t->mix);
    free(t->stems);
}

static void separate(track *t, dmx_separator *s, dmx_normalization normalize)
{
    const dmx_separator_io io =
        memory_track_io(t, CHANNELS, SOURCES * CHANNELS, normalize);
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_separator_run(s, &io, NULL, &err), &err);
    assert_int_equal(t->out, t->length);
}

/* Largest difference relative to the recording's peak. */
static double distance(const track *t, const char *name)
{
    int rank;
    int64_t dim[8];
    float *expected = test_read_npy(test_data(name), &rank, dim);
    assert_int_equal(dim[rank - 1], t->length);
    double most = 0, peak = 0;
    for (int64_t i = 0; i < SOURCES * CHANNELS * t->length; i++) {
        const double e = (double)expected[i];
        peak = fmax(peak, fabs(e));
        most = fmax(most, fabs(e - (double)t->stems[i]));
    }
    free(expected);
    return most / peak;
}

/* A bag of the recording's two models, with its weights. */
static const char *bag_file(void)
{
    static char path[1200];
    char member[1200];
    snprintf(path, sizeof path, "%s/bag.yaml", test_folder());
    for (int i = 0; i < 2; i++) {
        snprintf(member, sizeof member, "%s/member%d.th", test_folder(), i);
        remove(member);
        char target[4096];
        assert_non_null(realpath(
            test_data(i == 0 ? "htdemucs/model.th" : "track/second.th"),
            target));
        char command[6000];
        snprintf(command, sizeof command, "cp '%s' '%s'", target, member);
        assert_int_equal(system(command), 0);
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("models: ['member0', 'member1']\n"
          "weights: [[1., 0., 1., 0.5], [0., 1., 1., 0.5]]\n",
          f);
    assert_int_equal(fclose(f), 0);
    return path;
}

static void check_all(dmx_backend backend, int first, int last)
{
    track t;
    open_track(&t);
    for (int i = first; i <= last; i++) {
        const recording *r = &recordings[i];
        dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
        o.backend = backend;
        o.overlap = r->overlap;
        o.transition_power = r->power;
        const char *path = strcmp(r->model, "bag.yaml") == 0
                               ? bag_file()
                               : test_data(r->model);
        dmx_separator *s;
        dmx_error err = DMX_ERROR_INIT;
        assert_ok(dmx_separator_open_file(&s, path, &o, &err), &err);
        separate(&t, s, r->normalize);
        const double d = distance(&t, r->name);
        printf("%-28s %-12s %.3g of peak\n", r->name, dmx_separator_backend(s),
               d);
        assert_true(d < 1e-5);
        dmx_separator_close(s);
    }
    close_track(&t);
}

static void test_native(void **state)
{
    (void)state;
    check_all(DMX_BACKEND_NATIVE, 0, RECORDINGS - 1);
}

static void test_reference(void **state)
{
    (void)state;
    check_all(DMX_BACKEND_REFERENCE, 0, RECORDINGS - 1);
}

static void test_onnxruntime(void **state)
{
    (void)state;
    dmx_runtime *runtime;
    if (dmx_runtime_open(&runtime, NULL, NULL) != DMX_OK)
        skip();
    dmx_runtime_close(runtime);
    check_all(DMX_BACKEND_ONNXRUNTIME, 0, RECORDINGS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_native),
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_onnxruntime),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
