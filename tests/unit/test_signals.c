/* The test signals are the same bits everywhere, and what they claim to be. */
#include "base/hash.h"
#include "test_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 343980

static float *make(const char *name)
{
    float *x = malloc(2 * SAMPLES * sizeof *x);
    assert_non_null(x);
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_test_signal(x, name, 2, SAMPLES, &err), &err);
    return x;
}

static void assert_hash(const float *x, const char *expected)
{
    /* Little-endian bytes; every machine we build for is. */
    char hex[DMX_SHA256_HEX];
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_sha256_hex(hex, x, 2 * SAMPLES * sizeof *x, &err), &err);
    assert_string_equal(hex, expected);
}

static void noise_is_normal(void **state)
{
    (void)state;
    float *x = make("noise");
    double sum = 0, square = 0, fourth = 0, both = 0;
    for (size_t i = 0; i < 2 * SAMPLES; i++) {
        const double v = x[i];
        sum += v;
        square += v * v;
        fourth += v * v * v * v;
    }
    for (size_t i = 0; i < SAMPLES; i++)
        both += (double)x[i] * (double)x[SAMPLES + i];
    const double n = 2 * SAMPLES;
    assert_true(fabs(sum / n) < 0.005);
    assert_true(fabs(square / n - 1) < 0.01);
    assert_true(fabs(fourth / n - 3) < 0.06);
    assert_true(fabs(both / SAMPLES) < 0.01);
    assert_hash(
        x, "3801c2c3ea33e056db2784f5a121497b29fde317e22ec43f23b87095d9ec1c69");
    free(x);
}

static double peak(const float *x, size_t from, size_t to)
{
    double largest = 0;
    for (size_t i = from; i < to; i++)
        largest = fmax(largest, fabs((double)x[i]));
    return largest;
}

static void music_has_its_parts(void **state)
{
    (void)state;
    float *x = make("music");
    const size_t part = SAMPLES / 16;
    const float *right = x + SAMPLES;
    assert_true(peak(x, 0, part) == 0 && peak(x, 15 * part + 16, SAMPLES) == 0);
    assert_true(peak(x, 2 * part, 6 * part) == 1); /* transients */
    const double quiet = peak(x, 6 * part + 16, 8 * part);
    assert_true(quiet > 0.0002 && quiet < 0.003);
    double mean = 0;
    for (size_t i = 8 * part + 16; i < 10 * part; i++)
        mean += (double)x[i];
    mean /= (double)(2 * part - 16);
    assert_true(mean > 0.2 && mean < 0.3);
    assert_true(peak(x, 10 * part + 16, 12 * part) > 0.1);
    assert_true(peak(right, 10 * part + 16, 12 * part) == 0);
    assert_true(peak(x, 12 * part + 16, 13 * part) == 0);
    assert_true(peak(right, 12 * part + 16, 13 * part) > 0.1);
    assert_hash(
        x, "2a6c18f4727c6607d86b1a7d40ca870c771775992925c0ccb3b1fa5272966620");
    free(x);
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    float x[2];
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(dmx_test_signal(x, "silence", 1, 2, &err),
                     DMX_ERROR_ARGUMENT);
    assert_int_equal(dmx_test_signal(x, "noise", 0, 2, &err),
                     DMX_ERROR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_normal),
        cmocka_unit_test(music_has_its_parts),
        cmocka_unit_test(bad_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
