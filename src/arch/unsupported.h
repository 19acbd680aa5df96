/* Words for models that can't be handled. */
#ifndef DMX_ARCH_UNSUPPORTED_H
#define DMX_ARCH_UNSUPPORTED_H

#include "checkpoint/checkpoint.h"

/* "ConvTasNet: " for a class of the family that is known, else "". */
const char *dmx_architecture_described(const char *klass_name);

/* The first names of weights that nobody recognises, and what may help. */
const char *dmx_weights_hint(char *text, size_t size,
                             const struct dmx_checkpoint *checkpoint);

#endif
