#include "audio/spectrum.h"

#include <math.h>

#define N         DMX_SPECTRUM_SIZE
#define TWO_PI    6.283185307179586
#define LOWEST    35.0
#define HIGHEST   20000.0
#define WINDOW_DC 0.5 /* mean of the Hann window */

void dmx_spectrum_init(dmx_spectrum *s, int rate)
{
    for (int i = 0; i < N; i++)
        s->window[i] = (float)(0.5 - 0.5 * cos(TWO_PI * i / N));
    for (int i = 0; i < N / 2; i++) {
        s->cosine[i] = (float)cos(TWO_PI * i / N);
        s->sine[i] = (float)-sin(TWO_PI * i / N);
    }
    s->high = fmin(HIGHEST, rate / 2.0);
    s->low = fmin(LOWEST, s->high / 2);
    for (int b = 0; b <= DMX_SPECTRUM_BANDS; b++) {
        const double t = (double)b / DMX_SPECTRUM_BANDS;
        s->edge[b] = (float)(s->low * pow(s->high / s->low, t) * N / rate);
    }
}

/* Input order of the decimation-in-time transform. */
static unsigned reversed(unsigned i)
{
    unsigned r = 0;
    for (unsigned bit = 1; bit < N; bit <<= 1, i >>= 1)
        r = r << 1 | (i & 1);
    return r;
}

static void butterflies(const dmx_spectrum *s, float *re, float *im)
{
    for (int half = 1; half < N; half *= 2) {
        const int step = N / (2 * half);
        for (int start = 0; start < N; start += 2 * half)
            for (int k = 0; k < half; k++) {
                const int a = start + k, b = a + half;
                const float c = s->cosine[k * step], d = s->sine[k * step];
                const float x = re[b] * c - im[b] * d;
                const float y = re[b] * d + im[b] * c;
                re[b] = re[a] - x;
                im[b] = im[a] - y;
                re[a] += x;
                im[a] += y;
            }
    }
}

/* Mean of the power between two fractional bins, linear between them. */
static float band_power(const float *power, float from, float to)
{
    const int first = (int)ceilf(from), last = (int)floorf(to);
    if (last < first) {
        const float middle = (from + to) / 2;
        const int i = (int)middle;
        const float t = middle - (float)i;
        return power[i] * (1 - t) + power[i + 1] * t;
    }
    float sum = 0;
    for (int i = first; i <= last; i++)
        sum += power[i];
    return sum / (float)(last - first + 1);
}

void dmx_spectrum_add(const dmx_spectrum *s, float *power,
                      const float samples[DMX_SPECTRUM_SIZE])
{
    float re[N], im[N] = {0}, bins[N / 2 + 2] = {0};
    for (unsigned i = 0; i < N; i++)
        re[reversed(i)] = samples[i] * s->window[i];
    butterflies(s, re, im);
    const float scale = (float)(2.0 / (N * WINDOW_DC));
    for (int i = 0; i <= N / 2; i++)
        bins[i] = (re[i] * re[i] + im[i] * im[i]) * scale * scale;
    for (int b = 0; b < DMX_SPECTRUM_BANDS; b++)
        power[b] += band_power(bins, s->edge[b], s->edge[b + 1]);
}

double dmx_spectrum_position(const dmx_spectrum *s, double hertz)
{
    return DMX_SPECTRUM_BANDS * log(hertz / s->low) / log(s->high / s->low);
}
