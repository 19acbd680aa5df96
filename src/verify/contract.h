#ifndef DMX_VERIFY_CONTRACT_H
#define DMX_VERIFY_CONTRACT_H

#include <stdint.h>

/* The input and output shapes of a model file; -1 where a dimension is free. */
typedef struct dmx_contract {
    int64_t batch, sources, channels, samples;
} dmx_contract;

#endif
