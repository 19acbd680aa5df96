/* HDemucs: inference of arguments from a bare state dict, and torchaudio's
 * names. */
#ifndef DMX_ARCH_HDEMUCS_INFER_H
#define DMX_ARCH_HDEMUCS_INFER_H

#include "arch/arch.h"

/* True when the names are those of an HDemucs, the original's or
 * torchaudio's. */
bool dmx_hdemucs_recognise(const struct dmx_checkpoint *checkpoint);
/* As dmx_architecture.rename. */
const char *dmx_hdemucs_rename(char *text,
                               const struct dmx_checkpoint *checkpoint,
                               const char *name);
DMX_MUST_CHECK dmx_status dmx_hdemucs_infer(struct dmx_model *model,
                                            dmx_error *err);

#endif
