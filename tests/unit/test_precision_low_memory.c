/* Integers with low_memory: fewer bytes of weights, other products of the same
 * layers, and so a proof of their own. */
#include "golden.h"

#include "api/precision.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dmx_error err = DMX_ERROR_INIT;

static int count_proofs(void *user, const char *stage, double fraction)
{
    (void)fraction;
    *(int *)user += strcmp(stage, "prove") == 0;
    return 0;
}

/* Opens an engine; whether it was proved just now. */
static bool proves(dmx_engine **out, const golden *g,
                   const dmx_engine_options *options)
{
    int proofs = 0;
    dmx_hooks hooks = DMX_HOOKS_INIT;
    dmx_engine_options o = *options;
    hooks.user = &proofs;
    hooks.progress = count_proofs;
    o.hooks = &hooks;
    assert_ok(dmx_engine_open(out, g->model, g->run_samples, &o, &err), &err);
    return proofs > 0;
}

/* Whether an engine with these options needs no new proof. */
static bool is_known(const golden *g, const dmx_engine_options *o)
{
    dmx_engine *e;
    const bool proved = proves(&e, g, o);
    dmx_engine_close(e);
    return !proved;
}

static float *separate(const golden *g, const dmx_engine *e)
{
    const dmx_shape s = dmx_graph_shape(g->graph, g->graph->output);
    float *mix = golden_mix(g);
    float *out = malloc((size_t)dmx_shape_count(&s) * sizeof *out);
    dmx_engine_state *state;
    assert_non_null(out);
    assert_ok(dmx_engine_state_open(&state, e, &err), &err);
    assert_ok(dmx_engine_run(state, out, mix, NULL, &err), &err);
    dmx_engine_state_close(state);
    free(mix);
    return out;
}

/* With a plan, without a proof. */
static dmx_engine *planned(const golden *g, const dmx_precision_plan *plan,
                           int low_memory, int threads)
{
    dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
    dmx_engine *e;
    o.low_memory = low_memory;
    o.threads = threads;
    assert_ok(dmx_engine_open_planned(&e, g->graph, &o, plan, &err), &err);
    return e;
}

/* Compares with the exact engine as it is by default, at one and three threads;
 * returns how many bytes of weights there are. */
static size_t check_plan(const golden *g, const dmx_precision_plan *plan,
                         double least)
{
    const dmx_precision_plan float32 = {{DMX_FLOAT32}};
    const dmx_shape s = dmx_graph_shape(g->graph, g->graph->output);
    dmx_engine *exact = planned(g, &float32, 0, 1);
    dmx_engine *one = planned(g, plan, 1, 1), *three = planned(g, plan, 1, 3);
    float *want = separate(g, exact), *got = separate(g, one);
    float *again = separate(g, three);
    const size_t bytes = dmx_engine_weight_bytes(one);
    const double snr = golden_snr(g, want, got);
    printf("%-18s %.1f dB, %zu bytes\n", g->name, snr, bytes);
    assert_true(snr >= least);
    assert_memory_equal(got, again, (size_t)dmx_shape_count(&s) * sizeof *got);
    free(want);
    free(got);
    free(again);
    dmx_engine_close(exact);
    dmx_engine_close(one);
    dmx_engine_close(three);
    return bytes;
}

static size_t default_bytes(const golden *g, const dmx_precision_plan *plan)
{
    dmx_engine *e = planned(g, plan, 0, 1);
    const size_t bytes = dmx_engine_weight_bytes(e);
    dmx_engine_close(e);
    return bytes;
}

/* As near to exact as without low_memory, and smaller. */
static void test_smaller(void **state)
{
    (void)state;
    static const bool all[DMX_NUMBERS] = {true, true, true};
    static const double least[] = {
        [DMX_ENGINE_INT16] = 57, [DMX_ENGINE_INT8] = 40};
    golden g;
    golden_open(&g, "htdemucs");
    for (int p = DMX_ENGINE_INT16; p <= DMX_ENGINE_INT8; p++) {
        dmx_precision_plan plan;
        assert_true(dmx_precision_first(&plan, (dmx_engine_precision)p, all) >
                    0);
        assert_true(check_plan(&g, &plan, least[p]) < default_bytes(&g, &plan));
    }
    golden_close(&g);
}

/* A proof of one form is none of the other, in files as of engines. */
static void test_proofs(void **state)
{
    (void)state;
    char folder[4096];
    bool pays[DMX_NUMBERS];
    golden g;
    dmx_engine *first;
    dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
    (void)dmx_engine_integers(pays, NULL);
    if (!pays[DMX_INT8])
        return;
    golden_open(&g, "htdemucs");
    snprintf(folder, sizeof folder, "%s/forms", test_folder());
    o.precision = DMX_ENGINE_INT8;
    o.choices = folder;
    o.low_memory = 1;
    assert_true(proves(&first, &g, &o));
    assert_true(is_known(&g, &o));
    o.low_memory = 0;
    assert_false(is_known(&g, &o));
    assert_true(is_known(&g, &o));
    o.unfused = 1;
    assert_false(is_known(&g, &o));
    o = (dmx_engine_options)DMX_ENGINE_OPTIONS_INIT;
    o.precision = DMX_ENGINE_INT8;
    o.like = first;
    assert_false(is_known(&g, &o));
    o.low_memory = 1;
    assert_true(is_known(&g, &o));
    dmx_engine_close(first);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_smaller),
                                       cmocka_unit_test(test_proofs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
