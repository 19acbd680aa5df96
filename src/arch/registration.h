/* The order in which the original's modules register their parameters: that of
 * its state dicts, and of quantized files, which hold no names. */
#ifndef DMX_ARCH_REGISTRATION_H
#define DMX_ARCH_REGISTRATION_H

#include "arch/network.h"

/* Where the checkpoint is quantized, names its tensors: model->weights becomes
 * the checkpoint with all of them as float32. model->config must be there. */
DMX_MUST_CHECK dmx_status dmx_network_names(struct dmx_model *model,
                                            dmx_assemble *assemble,
                                            dmx_error *err);

#endif
