/* Weights in 8 bits. */
#include "onnx/int8.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define MOST 127
/* Steps that are tried, from what the largest weight needs to what the largest
 * pair needs. */
#define TRIALS 9

const char *dmx_int8_class(unsigned i)
{
    static const char *const name[] = {"feed_forward", "queries_keys_values",
                                       "attention_results"};
    return i < sizeof name / sizeof name[0] ? name[i] : NULL;
}

static double magnitude(float w)
{
    return isfinite(w) ? fabs((double)w) : 0;
}

static bool one_sign(float a, float b)
{
    return (a < 0) == (b < 0);
}

/* The largest weight, and the largest sum of neighbours of one sign. */
static void find_largest(double most[2], const float *w, int64_t count)
{
    most[0] = most[1] = 0;
    for (int64_t i = 0; i < count; i++)
        most[0] = fmax(most[0], magnitude(w[i]));
    for (int64_t i = 0; i + 1 < count; i += 2)
        if (one_sign(w[i], w[i + 1]))
            most[1] = fmax(most[1], magnitude(w[i]) + magnitude(w[i + 1]));
}

static int rounded(double magnitude, double steps)
{
    const double q = magnitude * steps + 0.5;
    return q < MOST ? (int)q : MOST;
}

/* Magnitudes of the neighbours a and b; steps is 1 / step. What exceeds the
 * bound is taken from both alike. */
static inline void round_pair(int q[2], float a, float b, double steps)
{
    const int limit = one_sign(a, b) ? DMX_INT8_PAIR : 2 * MOST;
    q[0] = rounded(magnitude(a), steps);
    q[1] = rounded(magnitude(b), steps);
    const int excess = q[0] + q[1] - limit;
    const int half = excess > 0 ? excess / 2 : 0;
    q[0] -= half;
    q[1] -= excess > 0 ? excess - half : 0;
}

static double square(double x)
{
    return x * x;
}

static double error_of(const float *w, int64_t count, double step)
{
    double error = 0;
    for (int64_t i = 0; i < count; i += 2) {
        int q[2];
        const float a = w[i], b = i + 1 < count ? w[i + 1] : 0;
        round_pair(q, a, b, 1 / step);
        error += square(magnitude(a) - q[0] * step) +
                 square(magnitude(b) - q[1] * step);
    }
    return error;
}

static double choose_step(const float *w, int64_t count)
{
    double most[2], best = 0, least = INFINITY;
    find_largest(most, w, count);
    const double low = most[0] / MOST, high = most[1] / DMX_INT8_PAIR;
    const int trials = high > low ? TRIALS : 1;
    for (int i = 0; i < trials; i++) {
        const double step = low + (high - low) * i / (TRIALS - 1);
        const double error = step > 0 ? error_of(w, count, step) : INFINITY;
        if (error < least) {
            least = error;
            best = step;
        }
    }
    return best;
}

double dmx_int8_quantise(int8_t *q, const float *w, int64_t count)
{
    const double step = choose_step(w, count);
    for (int64_t i = 0; i < count; i += 2) {
        int pair[2] = {0, 0};
        const float a = w[i], b = i + 1 < count ? w[i + 1] : 0;
        if (step > 0)
            round_pair(pair, a, b, 1 / step);
        q[i] = (int8_t)(a < 0 ? -pair[0] : pair[0]);
        if (i + 1 < count)
            q[i + 1] = (int8_t)(b < 0 ? -pair[1] : pair[1]);
    }
    return step;
}
