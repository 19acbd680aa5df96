/* Stems that sum to the mix: the residual spread evenly over them. */
#ifndef DMX_SEPARATE_EXACT_SUM_H
#define DMX_SEPARATE_EXACT_SUM_H

#include <stddef.h>
#include <stdint.h>

/* stems[n][frames] in place: each gets (mix - sum) / n, and the first what
 * rounding leaves over. */
void dmx_exact_sum_float(float *const *stems, size_t n, const float *mix,
                         size_t frames);

/* The same as integers of `bits` bits that sum exactly to the mix at that
 * depth (rounded to nearest even, cut off at full scale). Steps left over from
 * rounding go to the first stems in order; what a stem at full scale can't
 * take goes to the first ones with room. Everything must be finite. Returns
 * how many samples of the mix were cut off. */
int64_t dmx_exact_sum_int(int32_t *const *out, const float *const *stems,
                          size_t n, const float *mix, size_t frames, int bits);

#endif
