/* Messages for unsupported models. */
#ifndef DMX_ARCH_UNSUPPORTED_H
#define DMX_ARCH_UNSUPPORTED_H

#include "checkpoint/checkpoint.h"

/* "ConvTasNet: " for a known class of the family, else "". */
const char *dmx_architecture_described(const char *klass_name);

/* Lists the first unrecognised names of weights and suggests what may help. */
const char *dmx_weights_hint(char *text, size_t size,
                             const struct dmx_checkpoint *checkpoint);

#endif
