/* Every fixture against its recording, a float64 pass of the original. */
#include "golden.h"

#include "reference/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rounding of the recording to float32 alone is 6e-8 of the peak. */
#define TOLERANCE 2e-7

static void test_fixtures(void **state)
{
    (void)state;
    int failed = 0;
    for (size_t i = 0; golden_fixture(i) != NULL; i++) {
        golden g;
        golden_open(&g, golden_fixture(i));
        const double error = golden_error(&g);
        printf("%-16s %.2e of the peak\n", g.name, error);
        failed += error > TOLERANCE;
        golden_close(&g);
    }
    assert_int_equal(failed, 0);
}

typedef struct watch {
    size_t nodes, calls;
    double last;
    int cancel_at; /* calls until cancellation; 0: never */
} watch;

static void observe(void *user, const dmx_node *node, dmx_value value,
                    const dmx_shape *shape, const double *data)
{
    watch *w = user;
    assert_true(value == node->out[0] || value == node->out[1]);
    assert_true(dmx_shape_count(shape) > 0);
    assert_non_null(data);
    w->nodes++;
}

static int progress(void *user, const char *stage, double fraction)
{
    watch *w = user;
    assert_string_equal(stage, "reference");
    assert_true(fraction >= w->last && fraction <= 1.0 + 1e-9);
    w->last = fraction;
    return ++w->calls == (size_t)w->cancel_at;
}

/* The same bits from any number of threads; observer, progress, limits. */
static void test_options(void **state)
{
    (void)state;
    golden g;
    dmx_error err = DMX_ERROR_INIT;
    size_t bytes = 0;
    watch w = {0};
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = &w, .progress = progress};
    golden_open(&g, "htdemucs");
    const size_t size = (size_t)(g.rows * g.run_samples) * sizeof(double);
    double *other = malloc(size);
    assert_non_null(other);
    dmx_reference_options options = {.threads = 1,
                                     .hooks = &hooks,
                                     .observe = observe,
                                     .user = &w,
                                     .peak_bytes = &bytes};
    assert_ok(dmx_reference_run(g.out, g.graph, g.mix, &options, &err), &err);
    assert_int_equal(w.nodes, g.graph->n_value);
    assert_true(bytes > size && bytes < (size_t)64 << 20);
    assert_true(w.last == 1.0);
    assert_ok(dmx_reference_run(other, g.graph, g.mix,
                                &(dmx_reference_options){.threads = 5}, &err),
              &err);
    assert_memory_equal(other, g.out, size);
    w = (watch){.cancel_at = 20};
    assert_int_equal(dmx_reference_run(g.out, g.graph, g.mix, &options, &err),
                     DMX_ERROR_CANCELLED);
    options = (dmx_reference_options){.max_bytes = bytes - 1};
    err.code = DMX_OK;
    assert_int_equal(dmx_reference_run(g.out, g.graph, g.mix, &options, &err),
                     DMX_ERROR_LIMIT);
    assert_non_null(strstr(err.message, "float64 reference needs"));
    free(other);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
