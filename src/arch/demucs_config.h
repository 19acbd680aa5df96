/* Demucs (v3, time only): constructor arguments, and what follows from them. */
#ifndef DMX_ARCH_DEMUCS_CONFIG_H
#define DMX_ARCH_DEMUCS_CONFIG_H

#include "arch/arch.h"

#define DMX_DEMUCS_MAX_DEPTH   16
#define DMX_DEMUCS_MAX_SOURCES 64

/* Every argument that changes inference; names as in the constructor. */
typedef struct dmx_demucs {
    int64_t n_source, audio_channels, channels;
    double growth;
    int64_t depth;
    bool rewrite;
    int64_t lstm_layers, kernel_size, stride, context;
    bool gelu, glu;
    int64_t norm_starts, norm_groups;
    int64_t dconv_mode, dconv_depth;
    double dconv_comp;
    int64_t dconv_attn, dconv_lstm;
    bool normalize, resample;
} dmx_demucs;

extern const dmx_argument dmx_demucs_arguments[]; /* ends with NULL */

/* Parses the complete argument object; refuses configurations that can't be
 * built. */
DMX_MUST_CHECK dmx_status dmx_demucs_parse(dmx_demucs *out,
                                           const dmx_json *arguments,
                                           dmx_error *err);

/* The number of channels after each encoder level, into width[depth]. */
DMX_MUST_CHECK dmx_status dmx_demucs_widths(int64_t *width, const dmx_demucs *d,
                                            dmx_error *err);

/* The original's valid_length: the length to which an input of n samples is
 * padded, so that no convolution leaves samples over. False where no rule
 * describes it. */
bool dmx_demucs_valid_length(dmx_length *out, const dmx_demucs *d,
                             dmx_length n);

/* True when the names are those of a Demucs. The other function: the arguments
 * that follow from the weights. */
bool dmx_demucs_recognise(const struct dmx_checkpoint *checkpoint);
/* As dmx_architecture.rename. */
const char *dmx_demucs_rename(char *text,
                              const struct dmx_checkpoint *checkpoint,
                              const char *name);
DMX_MUST_CHECK dmx_status dmx_demucs_infer(struct dmx_model *model,
                                           dmx_error *err);

#endif
