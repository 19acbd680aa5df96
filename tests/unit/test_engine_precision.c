/* Integer engines: close to the exact one on every fixture; the promise is
 * proved, stored in a file and, where it does not hold, withdrawn. */
#include "family.h"
#include "random_tensor.h"

#include "api/precision.h"
#include "engine/kernels/kernels.h"
#include "graph/builders.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static dmx_error err = DMX_ERROR_INIT;

/* The precision's plan as if every class of layers were worth it. */
static dmx_precision_plan whole_plan(dmx_engine_precision precision)
{
    static const bool all[DMX_NUMBERS] = {true, true, true};
    dmx_precision_plan plan;
    assert_true(dmx_precision_first(&plan, precision, all) > 0);
    return plan;
}

/* Elements of the output: of all sources, recorded or not. */
static size_t output_count(const golden *g)
{
    const dmx_shape s = dmx_graph_shape(g->graph, g->graph->output);
    return (size_t)dmx_shape_count(&s);
}

/* malloc'd outputs [rows][samples] of g's mixture. */
static float *run_planned(const golden *g, const dmx_precision_plan *plan,
                          const char *isa, int threads, const float *mix)
{
    dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
    dmx_engine *e;
    dmx_engine_state *s;
    float *out = malloc(output_count(g) * sizeof *out);
    assert_non_null(out);
    o.isa = isa;
    o.threads = threads;
    assert_ok(dmx_engine_open_planned(&e, g->graph, &o, plan, &err), &err);
    assert_ok(dmx_engine_state_open(&s, e, &err), &err);
    assert_ok(dmx_engine_run(s, out, mix, NULL, &err), &err);
    dmx_engine_state_close(s);
    dmx_engine_close(e);
    return out;
}

/* Below the promises, as the recordings' mixtures are not the test signals. */
static void check_fixture(const golden *g, const char *isa)
{
    static const double least[] = {
        [DMX_ENGINE_INT16] = 57, [DMX_ENGINE_INT8] = 40};
    const dmx_precision_plan exact = {{DMX_FLOAT32}};
    float *mix = golden_mix(g);
    float *want = run_planned(g, &exact, isa, 2, mix);
    printf("%-18s %-9s", g->name, isa);
    for (int p = DMX_ENGINE_INT16; p <= DMX_ENGINE_INT8; p++) {
        const dmx_engine_precision precision = (dmx_engine_precision)p;
        const dmx_precision_plan plan = whole_plan(precision);
        float *got = run_planned(g, &plan, isa, 2, mix);
        const double snr = golden_snr(g, want, got);
        printf(" %s %.1f dB", dmx_engine_precision_name(precision), snr);
        assert_true(snr >= least[p]);
        free(got);
    }
    printf("\n");
    free(want);
    free(mix);
}

/* What is proved on the test signals holds on the recording's mixture. */
static bool keeps_promise(const golden *g, const char *isa)
{
    const dmx_precision_plan exact = {{DMX_FLOAT32}};
    bool good = true;
    float *mix = golden_mix(g);
    float *want = run_planned(g, &exact, isa, 2, mix);
    for (int p = DMX_ENGINE_INT16; p <= DMX_ENGINE_INT8; p++) {
        dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
        dmx_choice c;
        o.isa = isa;
        o.precision = (dmx_engine_precision)p;
        assert_ok(dmx_precision_prove(&c, g->graph, &o, &err), &err);
        float *got = run_planned(g, &c.plan, isa, 2, mix);
        const double snr = golden_snr(g, want, got);
        printf("%-18s %-9s %s proved %.1f, has %.1f dB\n", g->name,
               isa != NULL ? isa : "best",
               dmx_engine_precision_name(o.precision), c.decibels, snr);
        good = good && snr >= dmx_precision_promise(o.precision);
        free(got);
    }
    free(want);
    free(mix);
    return good;
}

static void test_fixtures(void **state)
{
    (void)state;
    for (size_t i = 0; golden_fixture(i) != NULL; i++) {
        golden g;
        golden_open(&g, golden_fixture(i));
        for (int k = 0; dmx_kernels_name(k) != NULL; k++)
            check_fixture(&g, dmx_kernels_name(k));
        assert_true(keeps_promise(&g, NULL));
        golden_close(&g);
    }
}

static bool keeps_promises(golden *g, const char *name)
{
    bool pays[DMX_NUMBERS];
    (void)name;
    return keeps_promise(g, NULL) &&
           (dmx_engine_integers(pays, "avx2") == NULL ||
            keeps_promise(g, "avx2"));
}

/* Hybrid Demucs, Demucs, quantized checkpoints. */
static void test_family(void **state)
{
    (void)state;
    assert_int_equal(family_each(FAMILY_SHORT, keeps_promises), 0);
    assert_int_equal(family_each(FAMILY_QUANTIZED, keeps_promises), 0);
}

/* A fixture of each class: HTDemucs, HDemucs, Demucs. */
static void open_class(golden *g, int which)
{
    if (which == 0)
        golden_open(g, "htdemucs");
    else
        golden_open_case(g, golden_family(which == 1 ? 3 : 0));
}

static void for_each_class(void (*check)(const golden *g))
{
    for (int i = 0; i < 3; i++) {
        golden g;
        open_class(&g, i);
        check(&g);
        golden_close(&g);
    }
}

static void check_threads(const golden *g)
{
    float *mix = golden_mix(g);
    for (int p = DMX_ENGINE_INT16; p <= DMX_ENGINE_INT8; p++) {
        const dmx_precision_plan plan = whole_plan((dmx_engine_precision)p);
        float *one = run_planned(g, &plan, NULL, 1, mix);
        float *three = run_planned(g, &plan, NULL, 3, mix);
        assert_memory_equal(one, three, output_count(g) * sizeof *one);
        free(one);
        free(three);
    }
    free(mix);
}

/* Bit for bit, whatever the number of threads. */
static void test_threads(void **state)
{
    (void)state;
    for_each_class(check_threads);
}

/* Where the exact engine makes exact zeros of silence, so do integers. */
static void check_silence(const golden *g)
{
    const dmx_precision_plan exact = {{DMX_FLOAT32}};
    const size_t n = output_count(g);
    float *mix = calloc((size_t)(g->channels * g->run_samples), sizeof *mix);
    assert_non_null(mix);
    float *want = run_planned(g, &exact, NULL, 2, mix);
    for (int p = DMX_ENGINE_INT16; p <= DMX_ENGINE_INT8; p++) {
        const dmx_precision_plan plan = whole_plan((dmx_engine_precision)p);
        float *got = run_planned(g, &plan, NULL, 2, mix);
        for (size_t i = 0; i < n; i++)
            assert_true(want[i] != 0.0f || got[i] == 0.0f);
        free(got);
    }
    free(want);
    free(mix);
}

static void test_silence(void **state)
{
    (void)state;
    for_each_class(check_silence);
}

/* NaN and infinity spoil their own segment only. */
static void check_not_finite(const golden *g)
{
    static const float bad[] = {NAN, INFINITY, 3e38f};
    float *mix = golden_mix(g);
    const size_t n = output_count(g);
    float *clean = malloc(n * sizeof *clean), *out = malloc(n * sizeof *out);
    const dmx_precision_plan plan = whole_plan(DMX_ENGINE_INT8);
    dmx_engine *e;
    dmx_engine_state *s;
    assert_true(clean != NULL && out != NULL);
    assert_ok(dmx_engine_open_planned(&e, g->graph, NULL, &plan, &err), &err);
    assert_ok(dmx_engine_state_open(&s, e, &err), &err);
    assert_ok(dmx_engine_run(s, clean, mix, NULL, &err), &err);
    for (int i = 0; i < 3; i++) {
        const float before = mix[7];
        mix[7] = bad[i];
        assert_ok(dmx_engine_run(s, out, mix, NULL, &err), &err);
        assert_true(i == 2 || isnan(out[0]));
        mix[7] = before;
        assert_ok(dmx_engine_run(s, out, mix, NULL, &err), &err);
        assert_memory_equal(out, clean, n * sizeof *out);
    }
    dmx_engine_state_close(s);
    dmx_engine_close(e);
    free(clean);
    free(out);
    free(mix);
}

static void test_not_finite(void **state)
{
    (void)state;
    for_each_class(check_not_finite);
}

/* ---- the promise -------------------------------------------------------- */

static int count_proofs(void *user, const char *stage, double fraction)
{
    (void)fraction;
    *(int *)user += strcmp(stage, "prove") == 0;
    return 0;
}

/* Opens the model's engine; whether it was proved just now. */
static bool open_proved(const golden *g, dmx_engine_precision precision,
                        const char *folder, const char *isa)
{
    int proofs = 0;
    dmx_hooks hooks = DMX_HOOKS_INIT;
    dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
    dmx_engine *e;
    hooks.user = &proofs;
    hooks.progress = count_proofs;
    o.hooks = &hooks;
    o.precision = precision;
    o.choices = folder;
    o.isa = isa;
    assert_ok(dmx_engine_open(&e, g->model, 0, &o, &err), &err);
    const dmx_precision_report *r = dmx_engine_report(e);
    assert_true(r->decibels >= r->promise);
    char *json = dmx_engine_precision_json(e);
    assert_non_null(strstr(json, dmx_engine_precision_name(precision)));
    free(json);
    dmx_engine_close(e);
    return proofs > 0;
}

/* Puts text into every file of the folder; how many there are. */
static int spoil(const char *folder, const char *text)
{
    int count = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        char path[4096 + 256];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        count++;
        if (text == NULL)
            continue;
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
    }
    closedir(d);
    return count;
}

static void test_kept(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "{", "[]", "{\"snr_db\": 99, \"layers\": {}}",
        "{\"snr_db\": 10, \"layers\": {\"feed_forward\": \"int16\","
        "\"queries_keys_values\": \"int16\", \"linear\": \"int16\","
        "\"attention\": \"int16\", \"convolution\": \"int16\","
        "\"transposed_convolution\": \"int16\","
        "\"winograd_convolution\": \"int16\"}}"};
    char folder[4096];
    bool pays[DMX_NUMBERS];
    golden g;
    golden_open(&g, "htdemucs");
    snprintf(folder, sizeof folder, "%s/a/choices", test_folder());
    (void)dmx_engine_integers(pays, NULL);
    if (!pays[DMX_INT16]) {
        assert_false(open_proved(&g, DMX_ENGINE_INT16, folder, NULL));
        golden_close(&g);
        return;
    }
    assert_true(open_proved(&g, DMX_ENGINE_INT16, folder, NULL));
    assert_int_equal(spoil(folder, NULL), 1);
    assert_false(open_proved(&g, DMX_ENGINE_INT16, folder, NULL));
    assert_true(open_proved(&g, DMX_ENGINE_INT8, folder, NULL));
    assert_int_equal(spoil(folder, NULL), 2);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        (void)spoil(folder, wrong[i]);
        assert_true(open_proved(&g, DMX_ENGINE_INT16, folder, NULL));
        assert_false(open_proved(&g, DMX_ENGINE_INT16, folder, NULL));
    }
    char *json = dmx_engine_choices_json(g.model, folder);
    assert_non_null(strstr(json, "\"int16\""));
    free(json);
    golden_close(&g);
}

/* Whether an engine of that length is proved, given the folder and another. */
static bool proves(const golden *g, int64_t samples, const char *folder,
                   const dmx_engine *like, dmx_engine **out)
{
    int proofs = 0;
    dmx_hooks hooks = DMX_HOOKS_INIT;
    dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
    hooks.user = &proofs;
    hooks.progress = count_proofs;
    o.hooks = &hooks;
    o.precision = DMX_ENGINE_INT16;
    o.choices = folder;
    o.like = like;
    assert_ok(dmx_engine_open(out, g->model, samples, &o, &err), &err);
    return proofs > 0;
}

/* Lengths of one octave share a proof; an engine that is like another takes its
 * choice, whatever its length. */
static void test_lengths(void **state)
{
    (void)state;
    char folder[4096];
    bool pays[DMX_NUMBERS];
    dmx_engine *first, *other;
    golden g;
    (void)dmx_engine_integers(pays, NULL);
    if (!pays[DMX_INT16])
        return;
    golden_open_case(&g, golden_family(0));
    snprintf(folder, sizeof folder, "%s/lengths", test_folder());
    assert_true(proves(&g, 9000, folder, NULL, &first));
    assert_false(proves(&g, 16383, folder, NULL, &other));
    dmx_engine_close(other);
    assert_true(proves(&g, 16384, folder, NULL, &other));
    dmx_engine_close(other);
    assert_false(proves(&g, 5000, NULL, first, &other));
    assert_memory_equal(dmx_engine_plan(other), dmx_engine_plan(first),
                        sizeof(dmx_precision_plan));
    assert_true(dmx_engine_report(other)->samples == 9000);
    dmx_engine_close(other);
    dmx_engine_close(first);
    char *json = dmx_engine_choices_json(g.model, folder);
    assert_non_null(strstr(json, "9000"));
    assert_non_null(strstr(json, "16384"));
    free(json);
    golden_close(&g);
}

/* An instruction set that gains nothing runs the exact engine and says so. */
static void test_no_gain(void **state)
{
    (void)state;
    golden g;
    dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
    dmx_engine *e;
    golden_open(&g, "htdemucs");
    o.precision = DMX_ENGINE_INT16;
    o.isa = "portable";
    assert_ok(dmx_engine_open(&e, g.model, 0, &o, &err), &err);
    char *json = dmx_engine_precision_json(e);
    assert_non_null(strstr(json, "gains nothing"));
    dmx_json *root = dmx_json_read(json);
    assert_true(dmx_json_is_true(dmx_json_get(root, "exact")));
    dmx_json_free(root);
    free(json);
    dmx_engine_close(e);
    o.precision = (dmx_engine_precision)9;
    assert_int_equal(dmx_engine_open(&e, g.model, 0, &o, &err),
                     DMX_ERROR_ARGUMENT);
    golden_close(&g);
}

/* A network that 16 bits are too few for: the second convolution takes the
 * small difference of large numbers. */
static dmx_graph *difficult(dmx_arena *arena, double size)
{
    uint64_t seed = 3;
    dmx_graph *g = dmx_graph_open();
    static const dmx_conv_geometry conv;
    assert_non_null(g);
    const dmx_value x = dmx_graph_input(g, 64, 512);
    const dmx_tensor *first = random_tensor(arena, &seed, "a", 0.0, 0.1, 3,
                                            (const int64_t[]){64, 64, 1});
    const dmx_tensor *second = random_tensor(arena, &seed, "b", 0.0, 0.1, 3,
                                             (const int64_t[]){64, 64, 1});
    float *a = (float *)first->data, *b = (float *)second->data;
    for (int i = 0; i < 64; i++)
        for (int j = 0; j < 64; j++) {
            if (i % 2 == 1) /* the same large number in both of a pair */
                a[i * 64 + j] =
                    a[(i - 1) * 64 + j] * 1.0f + a[i * 64 + j] / (float)size;
            if (j % 2 == 1)
                b[i * 64 + j] = -b[i * 64 + j - 1];
        }
    const dmx_value y = dmx_graph_conv(g, "first", x, first, NULL, conv);
    dmx_graph_output(g, dmx_graph_conv(g, "second", y, second, NULL, conv));
    assert_ok(dmx_graph_status(g, &err), &err);
    return g;
}

static void test_missed(void **state)
{
    (void)state;
    static const double size[] = {1, 3000};
    bool pays[DMX_NUMBERS];
    (void)dmx_engine_integers(pays, NULL);
    for (int i = 0; i < 2 && pays[DMX_INT16]; i++) {
        dmx_arena arena = {0};
        dmx_choice c;
        dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
        o.precision = DMX_ENGINE_INT16;
        dmx_graph *g = difficult(&arena, size[i]);
        assert_ok(dmx_precision_prove(&c, g, &o, &err), &err);
        assert_int_equal(c.plan.of[DMX_LAYERS_CONV],
                         i == 0 ? DMX_INT16 : DMX_FLOAT32);
        assert_true(c.decibels >= 60);
        dmx_graph_close(g);
        dmx_arena_free(&arena);
    }
}

static void test_names(void **state)
{
    (void)state;
    dmx_engine_precision p;
    assert_true(dmx_engine_precision_find(&p, "int8"));
    assert_int_equal(p, DMX_ENGINE_INT8);
    assert_false(dmx_engine_precision_find(&p, "int4"));
    assert_null(dmx_engine_precision_name((dmx_engine_precision)3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),   cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_family),  cmocka_unit_test(test_threads),
        cmocka_unit_test(test_silence), cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_kept),    cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_no_gain), cmocka_unit_test(test_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
