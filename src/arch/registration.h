/* The order in which the original's modules register their parameters: that of
 * its state dicts, and of quantized files, which hold no names. */
#ifndef DMX_ARCH_REGISTRATION_H
#define DMX_ARCH_REGISTRATION_H

#include "arch/network.h"

/* Calls each(user, name, rank, dim) for every parameter of a network, in that
 * order. klass: a supported class; kwargs: its constructor arguments. */
DMX_MUST_CHECK dmx_status dmx_network_parameters(
    const char *klass, const dmx_json *kwargs,
    void (*each)(void *user, const char *name, int rank, const int64_t *dim),
    void *user, dmx_error *err);

/* Names the tensors of a quantized checkpoint: model->weights becomes a
 * checkpoint with all tensors as float32. Does nothing for other checkpoints.
 * Requires model->config. */
DMX_MUST_CHECK dmx_status dmx_network_names(struct dmx_model *model,
                                            dmx_assemble *assemble,
                                            dmx_error *err);

#endif
