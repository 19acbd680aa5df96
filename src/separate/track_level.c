#include "separate/track_level.h"

#include <math.h>

static void add(double sum[2], double x)
{
    const double t = sum[0] + x;
    if (fabs(sum[0]) >= fabs(x))
        sum[1] += (sum[0] - t) + x;
    else
        sum[1] += (x - t) + sum[0];
    sum[0] = t;
}

void dmx_track_level_add(dmx_track_level *level, const float *const *planes,
                         size_t channels, size_t frames)
{
    for (size_t i = 0; i < frames; i++) {
        float sum = 0;
        for (size_t c = 0; c < channels; c++)
            sum += planes[c][i];
        const double mono = (double)(sum / (float)channels);
        add(level->sum, mono);
        add(level->square, mono * mono); /* exact: 24 bits each */
    }
    level->frames += (int64_t)frames;
}

/* sum -= a * b, including the product's rounding error. */
static void subtract_product(double sum[2], double a, double b)
{
    const double product = a * b;
    add(sum, -product);
    sum[1] -= fma(a, b, -product);
}

/* Sum of (x - m)^2 = square - m (2 sum - n m): for a quiet sound on a large DC
 * offset this cancels many orders of magnitude. */
static double square_around(const dmx_track_level *level, double m)
{
    double twice[2] = {2 * level->sum[0], 2 * level->sum[1]};
    double square[2] = {level->square[0], level->square[1]};
    subtract_product(twice, (double)level->frames, m);
    subtract_product(square, m, twice[0]);
    return square[0] + (square[1] - m * twice[1]);
}

void dmx_track_level_get(const dmx_track_level *level, double *mean,
                         double *std)
{
    const double n = (double)level->frames;
    *mean = n > 0 ? (double)(float)((level->sum[0] + level->sum[1]) / n) : 0;
    const double square = n > 1 ? square_around(level, *mean) : 0;
    *std = square > 0 ? (double)(float)sqrt(square / (n - 1)) : 0;
}
