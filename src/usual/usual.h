/* The usual way to export these networks to ONNX, for measurements only and not
 * part of the library: a PyTorch trace with the Fourier transforms written as
 * dense convolutions. It reproduces the artefacts of a trace: rows folded into
 * the batch and back around each DConv, InstanceNormalization on reshaped
 * tensors, Split, three dimensions in the time branch, attention in one piece
 * and length first, a cosine and a sine convolution of all bins over a signal
 * padded twice, and a window envelope in double precision, built frame by frame
 * with two ScatterND each. */
#ifndef DMX_USUAL_USUAL_H
#define DMX_USUAL_USUAL_H

#include "onnx/walk.h"

/* A signal as [1, C, F, T] or, folded, as [F, C, T]. */
dmx_name dmx_usual_plain(dmx_walk *w, dmx_value v);
dmx_name dmx_usual_folded(dmx_walk *w, dmx_value v);
void dmx_usual_set_folded(dmx_walk *w, const dmx_node *n, dmx_name name);

/* InstanceNormalization of [1, groups, -1], back to dim. */
dmx_name dmx_usual_instance_norm(dmx_emitter *e, dmx_name x, int64_t batch,
                                 int64_t groups, const int64_t *dim,
                                 size_t rank, double epsilon);
/* Splits an axis into equal parts; into two halves. */
void dmx_usual_split_in(dmx_emitter *e, dmx_name x, int64_t axis,
                        dmx_name *part, size_t count);
void dmx_usual_split(dmx_emitter *e, dmx_name x, int64_t axis,
                     dmx_name half[2]);
/* An integer list as a Constant node. */
dmx_name dmx_usual_constant(dmx_emitter *e, const int64_t *value, size_t n);

dmx_recipe dmx_usual_stft, dmx_usual_istft;
dmx_recipe dmx_usual_tokens, dmx_usual_untokens, dmx_usual_linear;
dmx_recipe dmx_usual_attention, dmx_usual_token_norm, dmx_usual_position;

#endif
