/* The order in which the original's modules register their parameters: that of
 * its state dicts, and of quantized files, which hold no names. */
#ifndef DMX_ARCH_REGISTRATION_H
#define DMX_ARCH_REGISTRATION_H

#include "arch/network.h"

/* Calls each(user, name, rank, dim) for every parameter of such a network, in
 * that order. klass: a class that is registered; kwargs: its constructor
 * arguments. */
DMX_MUST_CHECK dmx_status dmx_network_parameters(
    const char *klass, const dmx_json *kwargs,
    void (*each)(void *user, const char *name, int rank, const int64_t *dim),
    void *user, dmx_error *err);

/* Where the checkpoint is quantized, names its tensors: model->weights becomes
 * the checkpoint with all of them as float32. model->config must be there. */
DMX_MUST_CHECK dmx_status dmx_network_names(struct dmx_model *model,
                                            dmx_assemble *assemble,
                                            dmx_error *err);

#endif
