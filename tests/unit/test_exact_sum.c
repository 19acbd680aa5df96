/* Stems that sum to the mix: exactly in integers, closely in float. */
#include "separate/exact_sum.h"
#include "separate/song_queue.h"
#include "test_support.h"

#include <math.h>
#include <string.h>

enum { STEMS = 4, FRAMES = 5000 };

typedef struct scene {
    float stem[STEMS][FRAMES], mix[FRAMES];
    int32_t out[STEMS][FRAMES];
} scene;

static scene s;

/* loud: stems far beyond full scale that nearly cancel. */
static void make(uint64_t seed, float loud)
{
    uint64_t random = seed;
    for (int t = 0; t < FRAMES; t++) {
        const double x = 0.4 * test_normal(&random);
        s.mix[t] = (float)(x > 0.999 ? 0.999 : x < -1 ? -1 : x);
        for (int k = 0; k < STEMS; k++)
            s.stem[k][t] = (float)(loud * test_normal(&random));
    }
}

static int64_t integer(float x, int bits)
{
    const double full = (double)((int64_t)1 << (bits - 1));
    const double v = nearbyint((double)x * full);
    return (int64_t)fmin(fmax(v, -full), full - 1);
}

static void check_integers(int bits, float loud)
{
    const float *stem[STEMS];
    int32_t *out[STEMS];
    for (int k = 0; k < STEMS; k++) {
        stem[k] = s.stem[k];
        out[k] = s.out[k];
    }
    make(11, loud);
    dmx_exact_sum_int(out, stem, STEMS, s.mix, FRAMES, bits);
    const int64_t full = (int64_t)1 << (bits - 1);
    for (int t = 0; t < FRAMES; t++) {
        int64_t sum = 0;
        for (int k = 0; k < STEMS; k++) {
            assert_in_range(s.out[k][t] + full, 0, 2 * full - 1);
            sum += s.out[k][t];
        }
        assert_int_equal(sum, integer(s.mix[t], bits));
    }
}

static void test_integers(void **state)
{
    (void)state;
    check_integers(16, 0.1f);
    check_integers(24, 0.1f);
    check_integers(16, 3.0f);
    check_integers(24, 50.0f);
}

/* Quiet stems move by their even share and one rounding step, no more. */
static void test_evenly(void **state)
{
    (void)state;
    check_integers(16, 0.01f);
    for (int t = 0; t < FRAMES; t++) {
        double share = (double)s.mix[t];
        for (int k = 0; k < STEMS; k++)
            share -= (double)s.stem[k][t];
        share /= STEMS;
        for (int k = 0; k < STEMS; k++) {
            const double wanted = ((double)s.stem[k][t] + share) * 32768;
            assert_true(fabs(wanted - s.out[k][t]) <= 1.5 + 1e-6);
        }
    }
}

static void test_float(void **state)
{
    (void)state;
    float *stem[STEMS];
    for (int k = 0; k < STEMS; k++)
        stem[k] = s.stem[k];
    make(12, 0.3f);
    dmx_exact_sum_float(stem, STEMS, s.mix, FRAMES);
    for (int t = 0; t < FRAMES; t++) {
        double sum = 0;
        for (int k = 0; k < STEMS; k++)
            sum += (double)s.stem[k][t];
        assert_true(fabs(sum - (double)s.mix[t]) <= 0x1p-22);
    }
}

static void test_queue(void **state)
{
    (void)state;
    dmx_song_queue q = {.channels = 1};
    float in[1000], out[1000];
    size_t put = 0, taken = 0;
    uint64_t random = 3;
    for (int round = 0; round < 2000; round++) {
        const size_t n = test_random(&random) % 1000;
        for (size_t i = 0; i < n; i++)
            in[i] = (float)((put + i) % 100003);
        const float *from[] = {in};
        assert_ok(dmx_song_queue_put(&q, from, n, NULL), NULL);
        put += n;
        size_t m = test_random(&random) % 1000;
        m = m < put - taken ? m : put - taken;
        float *to[] = {out};
        dmx_song_queue_take(&q, to, m);
        for (size_t i = 0; i < m; i++)
            assert_true(out[i] == (float)((taken + i) % 100003));
        taken += m;
    }
    dmx_song_queue_free(&q);
    float *to[] = {out};
    q.channels = 1;
    dmx_song_queue_take(&q, to, 3);
    assert_true(out[0] == 0 && out[2] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_evenly),
        cmocka_unit_test(test_float),
        cmocka_unit_test(test_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
