/* The architectures that this build knows. */
#ifndef DMX_ARCH_ARCHITECTURES_H
#define DMX_ARCH_ARCHITECTURES_H

#include "arch/arch.h"

extern const struct dmx_architecture dmx_architecture_htdemucs,
    dmx_architecture_hdemucs, dmx_architecture_demucs;

/* Whether checkpoints of this Python class ("HTDemucs") are supported; whether
 * quantized ones are. */
bool dmx_architecture_known(const char *klass_name);
bool dmx_architecture_quantized(const char *klass_name);

/* The architecture of that class, or NULL. */
const struct dmx_architecture *dmx_architecture_find(const char *klass_name);

/* The architecture of that name ("htdemucs"), or NULL. */
const struct dmx_architecture *dmx_architecture_named(const char *name);
/* The one whose weights have such names, or NULL. */
const struct dmx_architecture *
dmx_architecture_recognise(const struct dmx_checkpoint *checkpoint);
/* Writes all classes, as "HTDemucs, HDemucs"; returns text. */
const char *dmx_architecture_classes(char *text, size_t size);

/* dmx_model.draws_position of the architecture with this name ("htdemucs") and
 * these arguments; 0 for an unknown name. */
int64_t dmx_architecture_draws_position(const char *name,
                                        const dmx_json *arguments);
/* Its run_length (arch.h); n itself for an unknown name. */
int64_t dmx_architecture_run_length(const char *name, const dmx_json *arguments,
                                    int64_t n);

#endif
