/* Infers arguments from the names and shapes of a bare state dict. */
#ifndef DMX_ARCH_INFER_H
#define DMX_ARCH_INFER_H

#include "arch/arch.h"
#include "checkpoint/rename.h"

/* The tensor whose name is fmt, which has one %lld; NULL when there is none. */
const dmx_tensor *dmx_infer_find(const struct dmx_checkpoint *c,
                                 const char *fmt, int64_t index);
/* Is there any tensor whose name starts with the prefix? */
bool dmx_infer_any(const struct dmx_checkpoint *c, const char *prefix);
bool dmx_infer_part(const struct dmx_checkpoint *c, const char *fmt,
                    int64_t index);
/* How many consecutive indices 0, 1, ... exist. */
int64_t dmx_infer_count(const struct dmx_checkpoint *c, const char *fmt);
/* The convolution of encoder level i, and any tensor of level i of a list; of
 * the first band where a level has bands. */
const dmx_tensor *dmx_infer_conv(const struct dmx_checkpoint *c, int64_t i);
const dmx_tensor *dmx_infer_level(const struct dmx_checkpoint *c,
                                  const char *list, int64_t i,
                                  const char *name);

/* Sets an inferred argument unless the user gave one. */
DMX_MUST_CHECK dmx_status dmx_infer_number(struct dmx_model *m,
                                           const char *name, double value,
                                           dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_infer_bool(struct dmx_model *m, const char *name,
                                         bool value, dmx_error *err);
/* A given or inferred number, else a fallback. */
double dmx_infer_known(const struct dmx_model *m, const char *name,
                       double fallback);

/* Assumes the default names for this number of sources. */
#define DMX_INFER_MOST_SOURCES 64
DMX_MUST_CHECK dmx_status dmx_infer_sources(struct dmx_model *m, size_t n,
                                            dmx_error *err);

/* Infer the shared U-Net's arguments. The second function sets sources,
 * norm_groups and samplerate, which are mostly assumed; call it after the
 * architecture's own arguments are set. */
DMX_MUST_CHECK dmx_status dmx_unet_infer(struct dmx_model *m, dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_unet_infer_rest(struct dmx_model *m,
                                              dmx_error *err);

#endif
