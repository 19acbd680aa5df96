/* HTDemucs: constructor arguments, and what follows from them. */
#ifndef DMX_ARCH_HTDEMUCS_CONFIG_H
#define DMX_ARCH_HTDEMUCS_CONFIG_H

#include "arch/arch.h"
#include "arch/arguments.h"

#define DMX_HTDEMUCS_MAX_DEPTH   16
#define DMX_HTDEMUCS_MAX_BANDS   8
#define DMX_HTDEMUCS_MAX_LAYERS  128
#define DMX_HTDEMUCS_MAX_SOURCES 64

/* Every argument that changes inference; names as in the constructor. */
typedef struct dmx_htdemucs {
    int64_t n_source, audio_channels, channels, channels_time;
    double growth;
    int64_t nfft, depth;
    bool rewrite;
    double multi_freqs[DMX_HTDEMUCS_MAX_BANDS];
    int64_t n_multi_freqs, multi_freqs_depth;
    double freq_emb, emb_scale;
    int64_t kernel_size, stride, time_stride, context, context_enc;
    int64_t norm_starts, norm_groups;
    int64_t dconv_mode, dconv_depth;
    double dconv_comp;
    int64_t bottom_channels;
    int64_t t_layers;
    double t_hidden_scale;
    int64_t t_heads, t_max_positions;
    dmx_position_kind t_emb;
    bool t_norm_in;
    int64_t t_norm_in_group, t_group_norm;
    bool t_norm_first;
    int64_t t_norm_out; /* groups of the closing norm, 0: none */
    double t_max_period;
    bool t_layer_scale, t_gelu;
    double t_weight_pos_embed;
    bool t_cape_mean_normalize, t_cross_first;
} dmx_htdemucs;

extern const dmx_argument dmx_htdemucs_arguments[]; /* ends with NULL */

/* Parses the complete argument object; refuses what can't be built. */
DMX_MUST_CHECK dmx_status dmx_htdemucs_parse(dmx_htdemucs *out,
                                             const dmx_json *arguments,
                                             const dmx_hooks *hooks,
                                             dmx_error *err);

/* Adds to `arguments`, where absent, all that the weights of a bare state dict
 * prove; `sources` and `segment` get their usual values. Names that the
 * weights leave open are appended to the model's list of assumptions. */
DMX_MUST_CHECK dmx_status dmx_htdemucs_infer(struct dmx_model *model,
                                             dmx_error *err);

/* True when the names are those of an HTDemucs. */
bool dmx_htdemucs_recognise(const struct dmx_checkpoint *checkpoint);

/* One encoder level and the decoder level that undoes it, sizes resolved. */
typedef struct dmx_htdemucs_level {
    bool freq;      /* the spectrogram still has rows */
    bool last_freq; /* this level folds all rows into one; time joins */
    bool norm, multi;
    bool has_time;               /* a time-branch twin exists (freq on entry) */
    int64_t kernel, stride, pad; /* of the spectrogram branch */
    int64_t chin, chout;         /* time branch */
    int64_t chin_z, chout_z;     /* spectrogram branch */
    int64_t dec_out, dec_out_z;  /* channels the decoders return */
    int64_t freqs_out;           /* rows after this level */
} dmx_htdemucs_level;

/* Fills level[0..depth). */
DMX_MUST_CHECK dmx_status dmx_htdemucs_levels(dmx_htdemucs_level *level,
                                              const dmx_htdemucs *config,
                                              dmx_error *err);

#endif
