/* The runners of real models. */
#ifndef DMX_SEPARATE_RUNNERS_H
#define DMX_SEPARATE_RUNNERS_H

#include "arch/arch.h"
#include "separate/runner.h"

/* The float64 reference: slow, and what the others are measured by. samples
 * 0: the training segment. The model must outlive the runner. threads 0: all
 * cores. */
DMX_MUST_CHECK dmx_status dmx_runner_reference(dmx_runner *out,
                                               const struct dmx_model *model,
                                               int64_t samples, int threads,
                                               dmx_error *err);

#endif
