#include "audio/quantise.h"

#include <math.h>

/* Uniform in [0, 1): SplitMix64 (Steele, Lea, Flood 2014). */
static double uniform(dmx_dither *dither)
{
    uint64_t z = dither->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

int64_t dmx_quantise(int32_t *out, const float *in, size_t count, int bits,
                     dmx_dither *dither)
{
    const double scale = ldexp(1, bits - 1);
    int64_t clipped = 0;
    for (size_t i = 0; i < count; i++) {
        double x = in[i] * scale;
        if (isnan(x))
            x = 0;
        if (dither != NULL)
            x += uniform(dither) - uniform(dither);
        x = rint(x); /* half to even: the default rounding mode */
        if (x > scale - 1 || x < -scale) {
            x = x > 0 ? scale - 1 : -scale;
            clipped++;
        }
        out[i] = (int32_t)x;
    }
    return clipped;
}

int64_t dmx_clamp_integers(int32_t *out, const int32_t *in, size_t count,
                           int bits)
{
    const int32_t top = (int32_t)(((int64_t)1 << (bits - 1)) - 1);
    int64_t clipped = 0;
    for (size_t i = 0; i < count; i++) {
        const int32_t x = in[i];
        out[i] = x > top ? top : x < -top - 1 ? -top - 1 : x;
        clipped += out[i] != x;
    }
    return clipped;
}
