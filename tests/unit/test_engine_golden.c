/* The native engine against the recordings, for every instruction set. */
#include "golden.h"

#include "engine/engine.h"
#include "engine/kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 5e-6 /* relative to the recording's peak */

typedef struct trial {
    dmx_engine *engine;
    dmx_engine_state *state;
    float *mix, *stems;
} trial;

static void trial_open(trial *t, const golden *g,
                       const dmx_engine_options *options)
{
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_engine_open_graph(&t->engine, g->graph, options, &err), &err);
    assert_ok(dmx_engine_state_open(&t->state, t->engine, &err), &err);
    const size_t inputs = (size_t)(g->channels * g->run_samples);
    t->mix = malloc(inputs * sizeof *t->mix);
    t->stems = malloc((size_t)(g->rows * g->run_samples) * sizeof *t->stems);
    assert_non_null(t->mix);
    assert_non_null(t->stems);
    for (size_t i = 0; i < inputs; i++)
        t->mix[i] = (float)g->mix[i];
}

static void trial_close(trial *t)
{
    dmx_engine_state_close(t->state);
    dmx_engine_close(t->engine);
    free(t->mix);
    free(t->stems);
}

static void trial_run(trial *t)
{
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_engine_run(t->state, t->stems, t->mix, NULL, &err), &err);
}

/* The largest difference from the recording, of its peak. */
static double error_of(const trial *t, const golden *g)
{
    double worst = 0.0;
    for (int64_t r = 0; r < g->rows; r++)
        for (int64_t i = 0; i < g->recorded; i++) {
            const double y = (double)t->stems[r * g->run_samples + i];
            const double d = fabs(y - (double)g->stems[r * g->recorded + i]);
            if (!(d <= worst))
                worst = isnan(d) ? INFINITY : d;
        }
    return worst / g->peak;
}

static double try_once(const golden *g, const dmx_engine_options *options)
{
    trial t;
    trial_open(&t, g, options);
    trial_run(&t);
    const double error = error_of(&t, g);
    trial_close(&t);
    return error;
}

static void test_fixtures(void **state)
{
    (void)state;
    int failed = 0;
    for (size_t i = 0; golden_fixture(i) != NULL; i++) {
        golden g;
        golden_open(&g, golden_fixture(i));
        printf("%-16s", g.name);
        for (int k = 0; dmx_kernels_name(k) != NULL; k++) {
            dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
            options.isa = dmx_kernels_name(k);
            options.threads = 2;
            double error = try_once(&g, &options);
            printf("  %s %.1e", options.isa, error);
            failed += error > TOLERANCE;
            options.unfused = k == 0;
            options.low_memory = k == 1;
            if (k > 1 || g.run_samples > 100000)
                continue;
            error = try_once(&g, &options);
            printf(" (%s %.1e)", k == 0 ? "unfused" : "low memory", error);
            failed += error > TOLERANCE;
        }
        printf("\n");
        golden_close(&g);
    }
    assert_int_equal(failed, 0);
}

/* The same bits from any number of threads, and run after run. */
static void test_threads(void **state)
{
    (void)state;
    golden g;
    golden_open(&g, "htdemucs");
    const size_t size = (size_t)(g.rows * g.run_samples) * sizeof(float);
    dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
    trial one, many;
    options.threads = 1;
    trial_open(&one, &g, &options);
    trial_run(&one);
    for (options.threads = 2; options.threads < 6; options.threads++) {
        trial_open(&many, &g, &options);
        for (int run = 0; run < 2; run++) {
            memset(many.stems, 0, size);
            trial_run(&many);
            assert_memory_equal(many.stems, one.stems, size);
        }
        trial_close(&many);
    }
    trial_close(&one);
    golden_close(&g);
}

/* NaN and infinity in one segment do not affect the next. */
static void test_nan(void **state)
{
    (void)state;
    static const char *const names[] = {"htdemucs", "mono_two_stems",
                                        "multi_freqs"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        golden g;
        trial t;
        golden_open(&g, names[n]);
        const size_t size = (size_t)(g.rows * g.run_samples) * sizeof(float);
        trial_open(&t, &g, NULL);
        trial_run(&t);
        float *clean = malloc(size);
        assert_non_null(clean);
        memcpy(clean, t.stems, size);
        const float saved = t.mix[100];
        const float bad[] = {NAN, INFINITY};
        for (int i = 0; i < 2; i++) {
            t.mix[100] = bad[i];
            trial_run(&t);
            assert_true(isnan(t.stems[200]));
            t.mix[100] = saved;
            trial_run(&t);
            assert_memory_equal(t.stems, clean, size);
        }
        free(clean);
        trial_close(&t);
        golden_close(&g);
    }
}

static int cancel(void *user, const char *stage, double fraction)
{
    (void)stage;
    (void)fraction;
    return --*(int *)user == 0;
}

static void test_cancel_and_arguments(void **state)
{
    (void)state;
    golden g;
    trial t;
    int calls = 10;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = &calls, .progress = cancel};
    golden_open(&g, "htdemucs");
    trial_open(&t, &g, NULL);
    assert_int_equal(dmx_engine_run(t.state, t.stems, t.mix, &hooks, &err),
                     DMX_ERROR_CANCELLED);
    trial_run(&t);
    assert_true(error_of(&t, &g) < TOLERANCE);
    char *profile = dmx_engine_profile_json(t.state);
    assert_non_null(profile);
    assert_non_null(strstr(profile, "\"attention\""));
    dmx_free(profile);
    assert_int_equal(dmx_engine_samples(t.engine), g.run_samples);
    assert_int_equal(dmx_engine_inputs(t.engine), g.channels);
    assert_int_equal(dmx_engine_outputs(t.engine), g.rows);
    dmx_engine *none;
    dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
    options.isa = "mmx";
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_engine_open_graph(&none, g.graph, &options, &err),
                     DMX_ERROR_ARGUMENT);
    assert_null(none);
    trial_close(&t);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_nan),
        cmocka_unit_test(test_cancel_and_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
