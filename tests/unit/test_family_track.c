/* Whole tracks through classes that take any length: a bag of Demucs and
 * Hybrid Demucs against the recording of the original's apply_model where that
 * is available, and a Demucs against apply_model written out over whole
 * arrays. */
#include "arch/arch.h"
#include "hub/repository.h"
#include "reference/reference.h"
#include "memory_track.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORDED "../../../shared/fixtures/mdx_like"

enum { CHANNELS = 2, MOST_ROWS = 8 };

typedef memory_track track;

static void run(track *t, dmx_separator *s)
{
    dmx_error err = DMX_ERROR_INIT;
    const int64_t rows = (int64_t)dmx_separator_stems(s) * CHANNELS;
    const dmx_separator_io io =
        memory_track_io(t, CHANNELS, rows, DMX_NORMALIZE_NONE);
    assert_true(rows <= MOST_ROWS);
    t->stems = calloc((size_t)(rows * t->length), sizeof *t->stems);
    assert_non_null(t->stems);
    assert_ok(dmx_separator_run(s, &io, NULL, &err), &err);
    assert_int_equal(t->out, t->length);
}

/* Largest difference relative to the expected peak. */
static double distance(const track *t, const float *expected)
{
    double most = 0.0, peak = 0.0;
    for (int64_t i = 0; i < t->rows * t->length; i++) {
        const double d = fabs((double)expected[i] - (double)t->stems[i]);
        peak = fmax(peak, fabs((double)expected[i]));
        most = !(d <= most) ? d : most;
    }
    return most / peak;
}

/* ------------------------------------------------------------- a whole bag */

static void check_recording(dmx_backend backend)
{
    int rank;
    int64_t dim[8];
    track t = {0};
    dmx_bag *bag;
    dmx_separator *s;
    dmx_error err = DMX_ERROR_INIT;
    dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
    if (access(test_data(RECORDED), R_OK) != 0)
        skip();
    o.backend = backend;
    t.mix = test_read_npy(test_data(RECORDED "/mix.npy"), &rank, dim);
    t.length = dim[rank - 1];
    assert_ok(dmx_repository_bag(&bag, test_data(RECORDED "/repository"),
                                 "mdx_like", NULL, &err),
              &err);
    assert_ok(dmx_separator_open(&s, bag, &o, &err), &err);
    run(&t, s);
    float *expected = test_read_npy(test_data(RECORDED "/bag.npy"), &rank, dim);
    const double d = distance(&t, expected);
    printf("mdx_like, %s: %.2e of the peak\n", dmx_separator_backend(s), d);
    assert_true(d < 1e-5);
    dmx_separator_close(s);
    dmx_bag_close(bag);
    free(expected);
    free(t.mix);
    free(t.stems);
}

static void test_recorded_reference(void **state)
{
    (void)state;
    check_recording(DMX_BACKEND_REFERENCE);
}

static void test_recorded_native(void **state)
{
    (void)state;
    check_recording(DMX_BACKEND_NATIVE);
}

/* ------------------------------------------------- apply_model written out */

typedef struct original {
    const dmx_model *model;
    const track *t;
    double *sum, *weights; /* [rows][length], [length] */
} original;

/* One piece of n samples from `offset`, at its valid length, weighted. */
static void add_piece(original *a, int64_t offset, int64_t n, int64_t segment)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_graph *g;
    const int64_t valid = dmx_model_run_length(a->model, n);
    const int64_t rows = a->t->rows, trim = (valid - n) / 2;
    double *mix = calloc((size_t)(CHANNELS * valid), sizeof *mix);
    double *out = calloc((size_t)(rows * valid), sizeof *out);
    assert_true(valid > n && mix != NULL && out != NULL);
    for (int64_t c = 0; c < CHANNELS; c++)
        for (int64_t i = 0; i < valid; i++) {
            const int64_t at = offset - trim + i;
            if (at >= 0 && at < a->t->length)
                mix[c * valid + i] = (double)a->t->mix[c * a->t->length + at];
        }
    assert_ok(dmx_model_graph(&g, a->model, valid, &err), &err);
    assert_ok(dmx_reference_run(out, g, mix, NULL, &err), &err);
    for (int64_t i = 0; i < n; i++) {
        const int64_t half = segment / 2;
        const double w = (double)(i < half ? i + 1 : segment - i);
        a->weights[offset + i] += w;
        for (int64_t r = 0; r < rows; r++)
            a->sum[r * a->t->length + offset + i] +=
                w * out[r * valid + trim + i];
    }
    dmx_graph_close(g);
    free(mix);
    free(out);
}

static void test_valid_length(void **state)
{
    (void)state;
    int rank;
    int64_t dim[8];
    track t = {0};
    dmx_checkpoint *c;
    dmx_model *model;
    dmx_separator *s;
    dmx_error err = DMX_ERROR_INIT;
    dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
    const char *file = test_data("family/demucs_mdx/model.th");
    o.backend = DMX_BACKEND_REFERENCE;
    o.segment = 0.15;
    t.mix = test_read_npy(test_data("family/demucs_mdx/mix.npy"), &rank, dim);
    t.length = dim[2];
    assert_ok(dmx_separator_open_file(&s, file, &o, &err), &err);
    run(&t, s);
    dmx_separator_close(s);
    assert_ok(dmx_checkpoint_open(&c, file, NULL, &err), &err);
    assert_ok(dmx_model_open(&model, c, NULL, &err), &err);
    const int64_t segment = (int64_t)(0.15 * 44100), stride = segment * 3 / 4;
    original a = {.model = model, .t = &t};
    a.sum = calloc((size_t)(t.rows * t.length), sizeof *a.sum);
    a.weights = calloc((size_t)t.length, sizeof *a.weights);
    float *expected = calloc((size_t)(t.rows * t.length), sizeof *expected);
    assert_true(a.sum != NULL && a.weights != NULL && expected != NULL);
    for (int64_t at = 0; at < t.length; at += stride)
        add_piece(&a, at, t.length - at < segment ? t.length - at : segment,
                  segment);
    for (int64_t i = 0; i < t.rows * t.length; i++)
        expected[i] = (float)(a.sum[i] / a.weights[i % t.length]);
    const double d = distance(&t, expected);
    printf("demucs_mdx, pieces of %lld: %.2e of the peak\n", (long long)segment,
           d);
    assert_true(d < 1e-6);
    dmx_model_close(model);
    dmx_checkpoint_close(c);
    free(a.sum);
    free(a.weights);
    free(expected);
    free(t.mix);
    free(t.stems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid_length),
        cmocka_unit_test(test_recorded_reference),
        cmocka_unit_test(test_recorded_native),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
