/* The architectures that this build knows. */
#ifndef DMX_ARCH_ARCHITECTURES_H
#define DMX_ARCH_ARCHITECTURES_H

#include "arch/arch.h"

extern const struct dmx_architecture dmx_architecture_htdemucs;

/* Whether checkpoints of this Python class ("HTDemucs") can be handled. */
bool dmx_architecture_known(const char *klass_name);

#endif
