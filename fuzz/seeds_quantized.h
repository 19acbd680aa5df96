/* A small network quantized in each way that DiffQ knows. */
#ifndef DMX_FUZZ_SEEDS_QUANTIZED_H
#define DMX_FUZZ_SEEDS_QUANTIZED_H

#include "checkpoint_case.h"

enum { QUANTIZED_KINDS = 5, QUANTIZED_STORAGES = 4 };

/* A package in pieces: its pickle, and storages "0", "1", ... of these numbers
 * of elements. */
typedef struct quantized_seed {
    bytes pickle, storage[QUANTIZED_STORAGES];
    size_t count[QUANTIZED_STORAGES];
    size_t storages;
} quantized_seed;

void quantized_seed_open(quantized_seed *seed, int kind);
void quantized_seed_close(quantized_seed *seed);

/* As Demucs 4.1 stores such a state: a structure in JSON next to flat
 * tensors. */
void quantized_safetensors(bytes *file, int kind);

#endif
