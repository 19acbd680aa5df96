/* What every checkpoint target does with its bytes. */
#ifndef DMX_FUZZ_OPEN_H
#define DMX_FUZZ_OPEN_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);
/* libFuzzer's own; the replay program has one that does nothing. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* Opens a copy of the bytes, reads every weight and writes the JSON. Aborts
 * when a promise is broken: an error without a message or of several lines, a
 * weight that can't be found by its name. */
void fuzz_open(const uint8_t *data, size_t size);

#endif
