#include "onnx/turn.h"

#include <stdbool.h>

/* Taylor series, |x| <= pi/4: the first term left out is below 2^-60. */
static double small_sin(double x)
{
    const double s = x * x;
    double term = x, sum = x;
    for (int k = 1; k <= 9; k++) {
        term *= -s / (double)(2 * k * (2 * k + 1));
        sum += term;
    }
    return sum;
}

static double small_cos(double x)
{
    const double s = x * x;
    double term = 1.0, sum = 1.0;
    for (int k = 1; k <= 10; k++) {
        term *= -s / (double)(2 * k * (2 * k - 1));
        sum += term;
    }
    return sum;
}

/* The angle is reduced to an eighth of a turn exactly, in integers. */
double dmx_cos_turn(int64_t i, int64_t n)
{
    const double pi = 3.14159265358979323846;
    int64_t m = i % n;
    if (m < 0)
        m += n;
    if (2 * m > n)
        m = n - m; /* cos(-x) = cos(x) */
    const bool negative = 4 * m > n;
    if (negative) /* cos(pi - x) = -cos(x); now in half steps of n */
        m = n - 2 * m;
    else
        m = 2 * m;
    /* the angle is pi m / n, 0 <= m / n <= 1/2 */
    const double y =
        4 * m <= n ? small_cos(pi * (double)m / (double)n)
                   : small_sin(pi * (double)(n - 2 * m) / (double)(2 * n));
    return negative ? -y : y;
}

double dmx_sin_turn(int64_t i, int64_t n)
{
    /* sin(x) = cos(x - a quarter turn) */
    return dmx_cos_turn(4 * (i % n) - n, 4 * n);
}
