/* Makes stems sum exactly to the mix by spreading the residual evenly over
 * them. */
#ifndef DMX_SEPARATE_EXACT_SUM_H
#define DMX_SEPARATE_EXACT_SUM_H

#include <stddef.h>
#include <stdint.h>

/* Changes stems[n][frames] in place: adds (mix - sum) / n to each, and the
 * remaining rounding error to the first. */
void dmx_exact_sum_float(float *const *stems, size_t n, const float *mix,
                         size_t frames);

/* The same for integers of `bits` bits that sum exactly to the mix at that
 * depth (rounded to nearest even, clipped at full scale). Quantisation steps
 * left over from rounding go to the first stems in order; what would clip a
 * stem goes to the first stems with headroom. Everything must be finite.
 * Returns how many samples of the mix were clipped. */
int64_t dmx_exact_sum_int(int32_t *const *out, const float *const *stems,
                          size_t n, const float *mix, size_t frames, int bits);

#endif
