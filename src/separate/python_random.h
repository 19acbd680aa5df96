/* The part of Python's `random` module that random shifts need: the same seed
 * yields the same numbers. */
#ifndef DMX_SEPARATE_PYTHON_RANDOM_H
#define DMX_SEPARATE_PYTHON_RANDOM_H

#include <stdint.h>

/* Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998). */
typedef struct dmx_python_random {
    uint32_t state[624];
    int next;
} dmx_python_random;

/* random.seed(seed) for an int: the generator is initialised from the array of
 * 32-bit digits of |seed|. */
void dmx_python_seed(dmx_python_random *random, int64_t seed);

/* random.randint(0, high), high in [0, 2^32 - 2]: by rejection sampling of
 * getrandbits. */
uint32_t dmx_python_randint(dmx_python_random *random, uint32_t high);

#endif
