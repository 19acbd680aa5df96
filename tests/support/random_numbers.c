/* Random numbers, the same everywhere; plain C, for WebAssembly too. */
#include "random_numbers.h"

#include <math.h>

uint64_t test_random(uint64_t *state)
{
    uint64_t x = *state != 0 ? *state : 88172645463325252u;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 2685821657736338717u;
}

double test_normal(uint64_t *state)
{
    const double u = ((double)(test_random(state) >> 11) + 1.0) * 0x1p-53;
    const double v = (double)(test_random(state) >> 11) * 0x1p-53;
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}
