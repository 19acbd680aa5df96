/* The window of the transforms as PyTorch's float32 arithmetic makes it.
 * Source: torch.hann_window, ATen's hamming_window with alpha = beta = 0.5; its
 * vectorized cosine is SLEEF's (cosf within 1.0 unit in the last place), which
 * differs from the correctly rounded cosine for one number in twenty. With the
 * latter, networks with `cac` false are off by 1e-6 in nearly silent passages.
 */
#include "graph/graph.h"

#include <math.h>

/* An angle minus an odd multiple of pi / 2, as two floats. */
typedef struct remainder_of {
    float high, low;
    bool negative; /* the cosine is minus the sine of the remainder */
} remainder_of;

/* Subtracts the multiple of pi in three parts; each product and sum is rounded
 * to float32 and its rounding error kept. */
static remainder_of reduce(float x)
{
    const double half[] = {-0.5 * 3.1414794921875,
                           -0.5 * 0.00011315941810607910156};
    const float rest = -0.5f * 1.9841872589410058936e-09f;
    const float quarters =
        2.0f * rintf(fmaf(x, 0.318309886183790671538f, -0.5f)) + 1.0f;
    remainder_of r = {.high = x};
    for (int k = 0; k < 2; k++) {
        const double exact = (double)r.high + (double)quarters * half[k];
        r.high = (float)exact;
        r.low = (float)(exact - (double)r.high) + r.low;
    }
    const float last = quarters * rest;
    const float high = r.high + last;
    r.low += (float)((double)r.high + (double)last - (double)high);
    r.high = high;
    r.negative = ((int)quarters & 2) == 0;
    return r;
}

/* r (1 + s (c1 + s (c2 + s (c3 + s c4)))), s = r^2; the inner terms are
 * float32, the outer ones more than twice as precise. */
static float cosine(float x)
{
    const remainder_of t = reduce(x);
    const double r = (double)t.high + (double)t.low, s = r * r;
    const float square = t.high * t.high;
    float inner = 2.6083159809786593541503e-06f;
    inner = fmaf(inner, square, -0.0001981069071916863322258f);
    inner = fmaf(inner, square, 0.00833307858556509017944336f);
    inner *= square;
    const double outer = (double)-0.166666597127914428710938f + (double)inner;
    const double sine = r * (1.0 + outer * s);
    return (float)(t.negative ? -sine : sine);
}

/* The step is a Python float that is rounded once; the product with the
 * float32 arange and what follows are float32. */
void dmx_hann_window(float *out, int64_t nfft)
{
    const float step = (float)(6.283185307179586476925286766559 / (double)nfft);
    for (int64_t i = 0; i < nfft; i++)
        out[i] = cosine((float)i * step) * -0.5f + 0.5f;
}
