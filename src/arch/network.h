/* What every architecture does with its network: building it, checking that
 * each weight is there, and setting the model's public fields. */
#ifndef DMX_ARCH_NETWORK_H
#define DMX_ARCH_NETWORK_H

#include "arch/arch.h"
#include "arch/layers.h"

/* Appends the network for `samples` samples (or DMX_ANY) to b->g and fetches
 * every weight from b->w. */
typedef dmx_status dmx_assemble(const struct dmx_model *model, int64_t samples,
                                dmx_builder *b, dmx_error *err);

/* As dmx_architecture.build: an error becomes the graph's status. */
void dmx_network_build(const struct dmx_model *model, int64_t samples,
                       dmx_graph *g, dmx_assemble *assemble);

/* Checks that all weights exist with the right shapes, and no others. */
DMX_MUST_CHECK dmx_status dmx_network_check(const struct dmx_model *model,
                                            dmx_assemble *assemble,
                                            dmx_error *err);

/* Sets model->source from the argument `sources`. */
DMX_MUST_CHECK dmx_status dmx_network_sources(struct dmx_model *model,
                                              dmx_error *err);
/* Sets samplerate, segment, training_samples and use_train_segment from the
 * arguments of these names. */
DMX_MUST_CHECK dmx_status dmx_network_segment(struct dmx_model *model,
                                              dmx_error *err);

#endif
