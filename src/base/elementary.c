#include "base/elementary.h"

#include <math.h> /* frexp, ldexp, rint and fabs are exact */
#include <stdint.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* gcc has it off in ISO C */
#endif

/* ln x = e ln 2 + 2 artanh((m - 1) / (m + 1)) with m in [1/2, 1), shifted to
 * [sqrt 1/2, sqrt 2); the first omitted term of the series is below 1e-17. */
double dmx_ln(double x)
{
    int exponent;
    double m = frexp(x, &exponent);
    if (m < 0.70710678118654757) {
        m *= 2;
        exponent--;
    }
    const double z = (m - 1) / (m + 1), z2 = z * z;
    double sum = 0;
    for (int k = 21; k >= 1; k -= 2)
        sum = sum * z2 + 1.0 / k;
    return exponent * 0.69314718055994531 + 2 * z * sum;
}

/* e^x = 2^k e^r with k = round(x / ln 2) and |r| <= ln(2) / 2, where the first
 * omitted term of the series is below 1e-17. */
double dmx_exp(double x)
{
    if (!(fabs(x) <= 700)) /* or not a number */
        return exp(x);
    /* The top 32 bits of ln 2, so that k times it is exact, and the rest. */
    const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    const double k = rint(x * 1.4426950408889634074);
    const double r = x - k * ln2_high - k * ln2_low;
    double sum = 1;
    for (int n = 14; n >= 1; n--)
        sum = 1 + sum * (r * (1.0 / n));
    return ldexp(sum, (int)k);
}

/* Series for |r| <= pi / 4: the first omitted term is below 1e-18. */
static double small_sin(double r)
{
    const double r2 = r * r;
    double sum = 1;
    for (int n = 17; n >= 3; n -= 2)
        sum = 1 - sum * (r2 * (1.0 / (n * (n - 1))));
    return r * sum;
}

static double small_cos(double r)
{
    const double r2 = r * r;
    double sum = 1;
    for (int n = 18; n >= 2; n -= 2)
        sum = 1 - sum * (r2 * (1.0 / (n * (n - 1))));
    return sum;
}

/* cos(x - turns pi / 2), the angle reduced to within a quarter of pi. */
static double turned(double x, int64_t turns)
{
    /* pi / 2 = 1.5707963267948966192313216916397514421 in parts of 29, 29 and
     * 53 bits, so that k times either of the first two is exact. */
    const double high = 0x1.921fb54p+0, middle = 0x1.10b4611p-30,
                 low = 0x1.4c4c6628b80dcp-59;
    const double k = rint(x * 0.63661977236758134308); /* 2 / pi */
    const double r = x - k * high - k * middle - k * low;
    switch (((int64_t)k - turns) & 3) {
    case 0:
        return small_cos(r);
    case 1:
        return -small_sin(r);
    case 2:
        return -small_cos(r);
    default:
        return small_sin(r);
    }
}

double dmx_sin(double x)
{
    return fabs(x) <= 0x1p24 ? turned(x, 1) : sin(x);
}

double dmx_cos(double x)
{
    return fabs(x) <= 0x1p24 ? turned(x, 0) : cos(x);
}
