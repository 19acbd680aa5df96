/* Structs of callers built against another header. */
#include "base/options.h"
#include "test_support.h"

#include <string.h>

typedef struct sample {
    size_t size;
    int a;
    int pad;
    double b;
} sample;

static const sample defaults = {sizeof(sample), 1, 0, 2.5};

static void test_older(void **context)
{
    (void)context;
    const sample old = {offsetof(sample, b), 7, 0, 99};
    sample out = defaults;
    assert_int_equal(DMX_OPTIONS_TAKE(&out, &old, sample, NULL), DMX_OK);
    assert_int_equal(out.a, 7);
    assert_true(out.b == 2.5); /* the caller knows of no b */
    assert_int_equal(out.size, sizeof out);
}

static void test_newer(void **context)
{
    (void)context;
    struct {
        sample known;
        double unknown[4];
    } newer = {{sizeof newer, 3, 0, 4}, {5, 5, 5, 5}};
    sample out[2] = {defaults, defaults};
    assert_int_equal(DMX_OPTIONS_TAKE(out, &newer, sample, NULL), DMX_OK);
    assert_int_equal(out[0].a, 3);
    assert_true(out[0].b == 4);
    assert_memory_equal(&out[1], &defaults, sizeof defaults);
}

static void test_none(void **context)
{
    (void)context;
    sample out = defaults;
    assert_int_equal(DMX_OPTIONS_TAKE(&out, NULL, sample, NULL), DMX_OK);
    assert_memory_equal(&out, &defaults, sizeof defaults);
    const sample unset = {0};
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(DMX_OPTIONS_TAKE(&out, &unset, sample, &err),
                     DMX_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "sample: size is not set"));
}

static void test_report(void **context)
{
    (void)context;
    const sample full = {sizeof full, 5, 0, 6};
    sample old = {offsetof(sample, b), 0, 0, -1};
    dmx_report_give(&old, &full, sizeof full);
    assert_int_equal(old.a, 5);
    assert_true(old.b == -1); /* beyond what the caller has */
    assert_int_equal(old.size, offsetof(sample, b));
    dmx_report_give(NULL, &full, sizeof full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_older),
        cmocka_unit_test(test_newer),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
