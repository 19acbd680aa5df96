/* The stored filters against the formula of julius.resample_frac. */
#include "test_support.h"

#include "arch/resample_taps.h"

#include <math.h>

#define PI 3.14159265358979323846

/* Tap n of phase i of the ratio to / from, before the sum is divided out. */
static double tap(int n, int i, int from, int to)
{
    const double rate = 0.945 * (from < to ? from : to), zeros = 24.0;
    const double t =
        fmin(fmax(((double)n / from - (double)i / to) * rate, -zeros), zeros) *
        PI;
    const double window = cos(t / (2.0 * zeros));
    return (t == 0.0 ? 1.0 : sin(t) / t) * window * window;
}

static void check(const dmx_tensor *t, int from, int to, int width)
{
    const float *stored = t->data;
    const int taps = 2 * width + from;
    assert_int_equal(t->dim[0], to);
    assert_int_equal(t->dim[1], taps);
    for (int i = 0; i < to; i++) {
        double sum = 0.0;
        for (int k = 0; k < taps; k++)
            sum += tap(k - width, i, from, to);
        for (int k = 0; k < taps; k++)
            assert_true(fabs(tap(k - width, i, from, to) / sum -
                             (double)stored[i * taps + k]) < 2e-7);
    }
}

static void test_filters(void **state)
{
    (void)state;
    check(&dmx_resample_up, 1, 2, 26);
    check(&dmx_resample_down, 2, 1, 51);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
