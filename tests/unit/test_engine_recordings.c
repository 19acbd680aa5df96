/* The native engine against recordings of Hybrid Demucs and Demucs, every
 * network at several lengths, and of quantized ones, in every container: those
 * of tests/data and, where available, the full ones. */
#include "family.h"

#include "engine/engine.h"
#include "engine/kernels/kernels.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the recording's peak. A network of magnitudes alone is ill-conditioned:
 * PyTorch's own float32 is 6.5e-6 off. */
static double tolerance_of(const char *folder)
{
    return strstr(folder, "magnitude") != NULL ? 1e-5 : 2e-6;
}

/* The largest difference from the recording, of its peak. */
static double error_of(const golden *g, const dmx_engine_options *options)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_engine *engine;
    dmx_engine_state *state;
    float *mix = golden_mix(g);
    assert_ok(dmx_engine_open_graph(&engine, g->graph, options, &err), &err);
    float *stems = calloc((size_t)(dmx_engine_outputs(engine) * g->run_samples),
                          sizeof *stems);
    assert_non_null(stems);
    assert_ok(dmx_engine_state_open(&state, engine, &err), &err);
    assert_ok(dmx_engine_run(state, stems, mix, NULL, &err), &err);
    const double worst = golden_distance(g, stems);
    dmx_engine_state_close(state);
    dmx_engine_close(engine);
    free(mix);
    free(stems);
    return worst;
}

/* Samples of the mixture. */
static int64_t stored(const char *folder)
{
    char path[512];
    int rank;
    int64_t dim[8];
    snprintf(path, sizeof path, "%s/mix.npy", test_data(folder));
    free(test_read_npy(path, &rank, dim));
    return dim[rank - 1];
}

static bool check(golden *g, const char *name)
{
    bool good = true;
    printf("%-40s %7lld", name, (long long)g->samples);
    for (int k = 0; dmx_kernels_name(k) != NULL; k++)
        for (int way = 0; way < (k == 0 && g->samples < 50000 ? 3 : 1); way++) {
            dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
            options.isa = dmx_kernels_name(k);
            options.threads = 2;
            options.unfused = way == 1;
            options.low_memory = way == 2;
            const double error = error_of(g, &options);
            printf("  %s %.1e", way == 0 ? options.isa : "", error);
            good = good && error <= tolerance_of(name);
        }
    printf("\n");
    return good;
}

static int try_one(const char *folder, const char *stems, int64_t first)
{
    golden g;
    const golden_case c = {
        .folder = folder, .file = "model.th", .stems = stems, .first = first};
    golden_open_case(&g, &c);
    const bool good = check(&g, strrchr(folder, '/') + 1);
    golden_close(&g);
    return !good;
}

/* Every stems.npy, and stems_N.npy of the first N samples alone. */
static int try_in(const char *base)
{
    glob_t found;
    char pattern[512];
    int failed = 0;
    snprintf(pattern, sizeof pattern, "%s*demucs*/stems*.npy", test_data(base));
    if (glob(pattern, 0, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *path = found.gl_pathv[i], *file = strrchr(path, '/');
        *file++ = '\0';
        char folder[512];
        snprintf(folder, sizeof folder, "%s%s", base, strrchr(path, '/') + 1);
        long long first = 0;
        sscanf(file, "stems_%lld.npy", &first);
        /* others are about what a checkpoint holds; test_quantized has the
         * quantized ones */
        if (strstr(folder, "training") == NULL &&
            strstr(folder, "_q") == NULL && first <= stored(folder))
            failed += try_one(folder, file, (int64_t)first);
    }
    globfree(&found);
    return failed;
}

static void test_recordings(void **state)
{
    (void)state;
    assert_int_equal(try_in(FAMILY_SHORT), 0);
}

static void test_whole_recordings(void **state)
{
    (void)state;
    assert_int_equal(try_in(FAMILY_WHOLE), 0);
}

static void test_quantized(void **state)
{
    (void)state;
    assert_int_equal(family_each(FAMILY_QUANTIZED, check), 0);
    if (access(test_data(FAMILY_WHOLE "demucs_q"), R_OK) == 0)
        assert_int_equal(family_some(FAMILY_WHOLE, "_q", check), 0);
}

/* Stems of noise at a length; malloc'd. */
static float *stems_of(const golden *g, int64_t samples,
                       dmx_engine_options *options, dmx_engine **engine)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_engine_state *state;
    uint64_t seed = 3;
    assert_ok(dmx_engine_open(engine, g->model, samples, options, &err), &err);
    assert_ok(dmx_engine_state_open(&state, *engine, &err), &err);
    const int64_t n = dmx_engine_samples(*engine);
    float *mix = malloc((size_t)(dmx_engine_inputs(*engine) * n) * sizeof *mix);
    float *stems =
        malloc((size_t)(dmx_engine_outputs(*engine) * n) * sizeof *stems);
    assert_non_null(mix);
    assert_non_null(stems);
    for (int64_t i = 0; i < dmx_engine_inputs(*engine) * n; i++)
        mix[i] = (float)test_normal(&seed);
    assert_ok(dmx_engine_run(state, stems, mix, NULL, &err), &err);
    dmx_engine_state_close(state);
    free(mix);
    return stems;
}

/* An engine for another length shares the weights of the first, has hardly any
 * of its own, and gives the same result as on its own. */
static void test_like(void **state)
{
    (void)state;
    static const char *const folder[] = {"family/hdemucs_odd",
                                         "family/demucs_mdx"};
    static const char *const stems[] = {"stems_8192.npy", "stems_16384.npy"};
    for (int i = 0; i < 2; i++)
        for (int low = 0; low < 2; low++) {
            dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
            dmx_engine *first, *alone, *second;
            golden g;
            golden_open_case(&g, &(golden_case){.folder = folder[i],
                                                .file = "model.th",
                                                .stems = stems[i]});
            options.low_memory = low;
            free(stems_of(&g, 20000, &options, &first));
            float *a = stems_of(&g, 5000, &options, &alone);
            options.like = first;
            float *b = stems_of(&g, 5000, &options, &second);
            assert_memory_equal(a, b,
                                (size_t)(dmx_engine_outputs(alone) *
                                         dmx_engine_samples(alone)) *
                                    sizeof *a);
            assert_true(dmx_engine_weight_bytes(second) <
                        dmx_engine_weight_bytes(alone) / 2);
            printf("%s: %zu of %zu bytes\n", folder[i],
                   dmx_engine_weight_bytes(second),
                   dmx_engine_weight_bytes(alone));
            dmx_engine_close(second);
            dmx_engine_close(first);
            dmx_engine_close(alone);
            free(a);
            free(b);
            golden_close(&g);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings),
        cmocka_unit_test(test_whole_recordings),
        cmocka_unit_test(test_quantized),
        cmocka_unit_test(test_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
