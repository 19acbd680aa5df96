/* Every allocation of opening a checkpoint fails once: the answer is an error,
 * not a crash and not a leak. The linker sends the library's calls here. */
#include "checkpoint_case.h"
#include "failing_memory.h"
#include "test_support.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Fails the first, second, ... allocation until a run needs no more; later
 * ones, which repeat, in steps. */
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
            /* cJSON does not tell bad JSON from no memory. */
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

int main(void)
{
    /* cJSON's own allocations as well. */
    cJSON_Hooks hooks = {__wrap_malloc, free};
    cJSON_InitHooks(&hooks);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zip),
        cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_safetensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
