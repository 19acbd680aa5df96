/* The STFT of Demucs and its inverse in plain operators. */
#ifndef DMX_ONNX_FOURIER_H
#define DMX_ONNX_FOURIER_H

#include "graph/graph.h"
#include "onnx/emit_ops.h"

typedef struct dmx_transform {
    int64_t n, n1, n2; /* points and their factors */
    int64_t hop;
    int64_t channels;
    dmx_frames frames_of;
    dmx_extent frames, length;
    const float *window; /* PyTorch's own, [n]; NULL: the formula */
    int64_t left;        /* samples before the signal, reflected or zeros */
} dmx_transform;

/* Chooses the factors; false records an error. */
bool dmx_transform_open(dmx_emitter *e, dmx_transform *t, int64_t nfft,
                        dmx_frames frames_of, int64_t channels,
                        dmx_extent length);

/* [1, C, 1, L] -> [1, 2C, N/2, T] */
dmx_name dmx_emit_stft(dmx_emitter *e, const dmx_transform *t, dmx_name x);
/* [1, 2C, N/2, T] -> [1, C, 1, L]. Every bin but the first must already be
 * doubled: each stands for its mirror image too. */
dmx_name dmx_emit_istft(dmx_emitter *e, const dmx_transform *t, dmx_name x);
/* 1 for the first bin, 2 for the rest: [1, 1, N/2, 1]. */
dmx_name dmx_emit_bin_weights(dmx_emitter *e, int64_t bins);

#endif
