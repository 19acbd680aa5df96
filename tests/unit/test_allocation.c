/* Each allocation made while opening a checkpoint fails once: the result is an
 * error, neither a crash nor a leak. The linker sends the library's calls
 * here. */
#include "checkpoint_case.h"
#include "failing_memory.h"
#include "test_support.h"

#include "arch/arch.h"
#include "base/memory.h"
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

/* Fails the first, second, ... allocation until a run makes fewer; later ones,
 * which repeat, in steps. */
static void exhaust(const char *path, long step)
{
    long n = 1;
    for (;; n += n < 250 ? 1 : step) {
        dmx_checkpoint *c = NULL;
        dmx_error err = DMX_ERROR_INIT;
        failed = false;
        countdown = n;
        const dmx_status status = dmx_checkpoint_open(&c, path, NULL, &err);
        char *json = status == DMX_OK ? dmx_checkpoint_json(c) : NULL;
        countdown = 0;
        assert_int_equal(status, err.code);
        if (status != DMX_OK) {
            assert_null(c);
            /* dmx_json_read does not distinguish bad JSON from a lack of
             * memory. */
            assert_true(failed && (status == DMX_ERROR_MEMORY ||
                                   status == DMX_ERROR_FORMAT));
        } else {
            assert_true(failed || json != NULL);
        }
        dmx_free(json);
        dmx_checkpoint_close(c);
        if (!failed)
            break;
    }
    assert_true(n > 10);
}

static void test_zip(void **state)
{
    (void)state;
    exhaust(test_data("no_rewrite/model.th"), 17);
}

static void test_legacy(void **state)
{
    (void)state;
    exhaust(test_data("legacy_container/model.th"), 29);
}

static void test_safetensors(void **state)
{
    (void)state;
    exhaust(test_data("safetensors/htdemucs.safetensors"), 101);
}

/* Compiling a model for the native engine, and a state for it. */
static void test_engine(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *c;
    dmx_model *m;
    dmx_graph *g;
    assert_ok(
        dmx_checkpoint_open(&c, test_data("nfft_2048/model.th"), NULL, &err),
        &err);
    assert_ok(dmx_model_open(&m, c, NULL, &err), &err);
    assert_ok(dmx_model_graph(&g, m, 0, &err), &err);
    for (long n = 1; n == 1 || failed; n += n < 500 ? 1 : 37) {
        dmx_engine *e = NULL;
        dmx_engine_state *s = NULL;
        err = (dmx_error)DMX_ERROR_INIT;
        failed = false;
        countdown = n;
        dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
        options.threads = 2;
        options.low_memory = n % 2 == 0;
        dmx_status status = dmx_engine_open_graph(&e, g, &options, &err);
        if (status == DMX_OK)
            status = dmx_engine_state_open(&s, e, &err);
        countdown = 0;
        assert_int_equal(status, err.code);
        assert_true(status == DMX_OK ||
                    (failed && status == DMX_ERROR_MEMORY && s == NULL));
        dmx_engine_state_close(s);
        dmx_engine_close(e);
    }
    dmx_graph_close(g);
    dmx_model_close(m);
    dmx_checkpoint_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zip),
        cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_safetensors),
        cmocka_unit_test(test_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
