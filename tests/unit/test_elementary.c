/* Elementary functions against the C library's, and their bits, which are the
 * same on every machine. */
#include "base/elementary.h"
#include "base/hash.h"
#include "graph/graph.h"
#include "test_support.h"

#include <math.h>
#include <stdio.h>

enum { STEPS = 20000 };

static void test_values(void **state)
{
    (void)state;
    double worst = 0;
    for (int i = 0; i <= STEPS; i++) {
        const double t = (double)i / STEPS, e = 1400 * t - 700;
        const double x = ldexp(1 + t, i % 40 - 20), wide = (2 * t - 1) * 0x1p24;
        worst = fmax(worst, fabs(dmx_exp(e) / exp(e) - 1));
        worst = fmax(worst, fabs(dmx_ln(x) - log(x)) / fmax(1, fabs(log(x))));
        worst = fmax(worst, fabs(dmx_sin(wide) - sin(wide)));
        worst = fmax(worst, fabs(dmx_cos(wide) - cos(wide)));
        worst = fmax(worst, fabs(dmx_sin(9 * t) - sin(9 * t)));
        worst = fmax(worst, fabs(dmx_cos(9 * t) - cos(9 * t)));
    }
    printf("worst error: %.3g\n", worst);
    assert_true(worst < 0x1p-50);
}

/* Beyond the ranges, whatever the checkpoint says. */
static void test_ends(void **state)
{
    (void)state;
    assert_true(dmx_exp(-800) == 0 && isinf(dmx_exp(800)));
    assert_true(isnan(dmx_exp(NAN)) && isnan(dmx_sin(INFINITY)));
    assert_true(isnan(dmx_cos(NAN)));
    assert_true(fabs(dmx_sin(1e15) - sin(1e15)) < 1e-15);
    assert_true(dmx_exp(0) == 1 && dmx_ln(1) == 0 && dmx_sin(0) == 0 &&
                dmx_cos(0) == 1);
}

/* Of the tables of a full-size network; a change of them changes every file
 * that is exported. */
static void test_bits(void **state)
{
    (void)state;
    enum { FRAMES = 1344, ROWS = 8, WIDTH = 512 };
    static float table[FRAMES * WIDTH], rows[ROWS * WIDTH / 2];
    const dmx_attributes at = {
        .width = WIDTH, .frames = FRAMES, .freqs = ROWS, .max_period = 10000};
    dmx_position_table_1d(table, &at);
    assert_int_equal(dmx_crc32(table, sizeof table), 0x9b27f3ed);
    dmx_position_table_2d(table, rows, &at);
    assert_int_equal(dmx_crc32(table, sizeof table / 2), 0xaf005b3e);
    assert_int_equal(dmx_crc32(rows, sizeof rows), 0x8df7ea16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
