/* Exact fractions as people and Python write them. */
#ifndef DMX_BASE_RATIO_H
#define DMX_BASE_RATIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The whole text is "39/5", "7.8", "10", "-1/2": numerator and denominator, not
 * reduced. False where it is none, has more than nine decimals in a part or
 * does not fit. */
bool dmx_ratio_parse(int64_t ratio[2], const char *text, size_t size);

/* Divides a ratio above 0 by the greatest common divisor. */
void dmx_ratio_reduce(int64_t ratio[2]);

/* floor(ratio * rate) of a ratio above 0; 0 where it is not, or beyond 2^62. */
int64_t dmx_ratio_samples(const int64_t ratio[2], int64_t rate);

#endif
