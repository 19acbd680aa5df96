/* The U-Net of two branches, spectrogram and waveform, that Hybrid Demucs and
 * Hybrid Transformer Demucs share: its arguments, its levels, and its encoders
 * and decoders. What lies between encoders and decoders is specific to each
 * architecture. Source: demucs/hdemucs.py, demucs/htdemucs.py. */
#ifndef DMX_ARCH_UNET_H
#define DMX_ARCH_UNET_H

#include "arch/arguments.h"
#include "arch/layers.h"

#define DMX_UNET_MAX_DEPTH   16
#define DMX_UNET_MAX_BANDS   DMX_LAYER_MAX_BANDS
#define DMX_UNET_MAX_SOURCES 64

/* Every argument of the U-Net that changes inference; names as in the
 * constructors. */
typedef struct dmx_unet {
    int64_t n_source, audio_channels, channels, channels_time;
    double growth;
    int64_t nfft, depth;
    bool rewrite;
    double multi_freqs[DMX_UNET_MAX_BANDS];
    int64_t n_multi_freqs, multi_freqs_depth;
    double freq_emb, emb_scale;
    int64_t kernel_size, stride, time_stride, context, context_enc;
    int64_t norm_starts, norm_groups;
    int64_t dconv_mode, dconv_depth;
    double dconv_comp;
    int64_t dconv_attn, dconv_lstm; /* in levels from this one on */
    bool hybrid;                    /* has a time branch */
    dmx_frames frames;
    bool cac;             /* complex as channels, else magnitudes */
    int64_t wiener_iters; /* negative: soft mask */
    bool wiener_residual;
} dmx_unet;

/* A level beyond every network: dconv_attn and dconv_lstm of networks without.
 */
#define DMX_UNET_NEVER 1000000

/* Parses the complete argument object; refuses configurations that can't be
 * built. */
DMX_MUST_CHECK dmx_status dmx_unet_parse(dmx_unet *out,
                                         const dmx_json *arguments,
                                         dmx_error *err);

/* One encoder level and the mirrored decoder level, with resolved sizes. */
typedef struct dmx_unet_level {
    bool freq;      /* the spectrogram still has rows */
    bool last_freq; /* this level folds all rows into one; time joins */
    bool norm, multi, lstm, attn;
    bool has_time; /* the time branch has this level (freq on entry) */
    int64_t kernel, stride, pad; /* of the spectrogram branch */
    int64_t chin, chout;         /* time branch */
    int64_t chin_z, chout_z;     /* spectrogram branch */
    int64_t dec_out, dec_out_z;  /* channels the decoders return */
    int64_t freqs_out;           /* rows after this level */
} dmx_unet_level;

/* Fills level[0..depth). */
DMX_MUST_CHECK dmx_status dmx_unet_levels(dmx_unet_level *level,
                                          const dmx_unet *config,
                                          dmx_error *err);

/* One build: the levels, and what the encoders save for the decoders. */
typedef struct dmx_unet_build {
    dmx_builder *b;
    const dmx_unet *config;
    dmx_unet_level level[DMX_UNET_MAX_DEPTH];
    dmx_value saved[DMX_UNET_MAX_DEPTH];     /* encoder outputs */
    dmx_value saved_t[DMX_UNET_MAX_DEPTH];   /* of the time branch */
    dmx_length length_t[DMX_UNET_MAX_DEPTH]; /* its inputs' lengths */
    dmx_length length[DMX_UNET_MAX_DEPTH];
} dmx_unet_build;

DMX_MUST_CHECK dmx_status dmx_unet_open(dmx_unet_build *n, dmx_builder *b,
                                        const dmx_unet *config, dmx_error *err);

/* Turns the mixture of `samples` samples (or DMX_ANY) into the encoders'
 * inputs: the spectrogram, or its magnitudes, and the waveform, both
 * standardized. *xt is DMX_NO_VALUE without a time branch. */
typedef struct dmx_unet_input {
    dmx_value mix, spectrogram;
    dmx_value mean, std, mean_t, std_t;
} dmx_unet_input;
void dmx_unet_begin(dmx_unet_input *in, const dmx_unet_build *n,
                    int64_t samples, dmx_value *x, dmx_value *xt);
/* Turns the decoders' outputs into the stems, which become the graph's output.
 */
void dmx_unet_end(const dmx_unet_input *in, const dmx_unet_build *n,
                  dmx_value x, dmx_value xt);

/* Run both branches through all encoders and, after the architecture's own
 * middle part, through all decoders: *x is the spectrogram, *xt the waveform;
 * DMX_NO_VALUE for zeros. */
void dmx_unet_encode(dmx_unet_build *n, dmx_value *x, dmx_value *xt);
void dmx_unet_decode(const dmx_unet_build *n, dmx_value *x, dmx_value *xt);

#endif
