#include "separate/exact_sum.h"

#include <math.h>

/* (mix - sum of stems) / n at one frame. */
static double share_at(const float *const *stems, size_t n, const float *mix,
                       size_t t)
{
    double residual = (double)mix[t];
    for (size_t s = 0; s < n; s++)
        residual -= (double)stems[s][t];
    return residual / (double)n;
}

void dmx_exact_sum_float(float *const *stems, size_t n, const float *mix,
                         size_t frames)
{
    for (size_t t = 0; t < frames; t++) {
        const double share = share_at((const float *const *)stems, n, mix, t);
        double rest = (double)mix[t];
        for (size_t s = 1; s < n; s++) {
            stems[s][t] = (float)((double)stems[s][t] + share);
            rest -= (double)stems[s][t];
        }
        stems[0][t] = (float)rest;
    }
}

static int32_t to_integer(double value, double unit)
{
    const double x = nearbyint(value * unit);
    return (int32_t)(x < -unit ? -unit : x > unit - 1 ? unit - 1 : x);
}

/* Moves as much of *left to *value as its range allows, at most `most`. */
static void distribute(int32_t *value, int64_t *left, int64_t unit,
                       int64_t most)
{
    int64_t step = *left > most ? most : *left < -most ? -most : *left;
    if (step > unit - 1 - *value)
        step = unit - 1 - *value;
    if (step < -unit - *value)
        step = -unit - *value;
    *value = (int32_t)(*value + step);
    *left -= step;
}

int64_t dmx_exact_sum_int(int32_t *const *out, const float *const *stems,
                          size_t n, const float *mix, size_t frames, int bits)
{
    const int64_t full = (int64_t)1 << (bits - 1);
    const double unit = (double)full;
    int64_t beyond = 0;
    for (size_t t = 0; t < frames; t++) {
        const double share = share_at(stems, n, mix, t);
        const double exact = nearbyint((double)mix[t] * unit);
        int64_t left = to_integer((double)mix[t], unit);
        beyond += exact > unit - 1 || exact < -unit;
        for (size_t s = 0; s < n; s++) {
            out[s][t] = to_integer((double)stems[s][t] + share, unit);
            left -= out[s][t];
        }
        for (size_t s = 0; s < n && left != 0; s++)
            distribute(&out[s][t], &left, full, 1);
        for (size_t s = 0; s < n && left != 0; s++)
            distribute(&out[s][t], &left, full, INT32_MAX);
    }
    return beyond;
}
