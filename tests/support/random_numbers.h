/* Random numbers, the same everywhere. */
#ifndef DMX_RANDOM_NUMBERS_H
#define DMX_RANDOM_NUMBERS_H

#include <stdint.h>

/* xorshift64*, and N(0,1) by Box and Muller. */
uint64_t test_random(uint64_t *state);
double test_normal(uint64_t *state);

#endif
