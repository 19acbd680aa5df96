/* The steps of opening a model (model.c). */
#ifndef DMX_ARCH_MODEL_STEPS_H
#define DMX_ARCH_MODEL_STEPS_H

#include "arch/arch.h"

/* m->implementation and m->architecture, by the checkpoint's class, its
 * training run's configuration or the names of its weights. */
DMX_MUST_CHECK dmx_status dmx_model_choose(struct dmx_model *m, dmx_error *err);

/* m->arguments, completed and checked against the constructor's table; what was
 * concluded from weights is in m->assumed. */
DMX_MUST_CHECK dmx_status dmx_model_take_arguments(
    struct dmx_model *m, const dmx_model_options *options, dmx_error *err);

#endif
