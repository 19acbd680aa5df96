/* Builders of the graph, one for each operation (graph.h). x is [C][F][T]
 * unless said otherwise; after an error they return DMX_NO_VALUE. */
#ifndef DMX_GRAPH_BUILDERS_H
#define DMX_GRAPH_BUILDERS_H

#include "graph/graph.h"

/* The mixture: of a fixed length, or of any. */
dmx_value dmx_graph_input(dmx_graph *g, int64_t channels, int64_t samples);
dmx_value dmx_graph_input_any(dmx_graph *g, int64_t channels);
dmx_value dmx_graph_pad(dmx_graph *g, const char *path, dmx_value x, int axis,
                        int64_t before, int64_t after);
/* Appends zeros along time up to the next multiple; x itself where a fixed
 * length needs none. */
dmx_value dmx_graph_pad_to(dmx_graph *g, const char *path, dmx_value x,
                           int64_t multiple);
/* Centres x in `length` samples along time, with zeros on both sides; an odd
 * sample goes to the end. x itself where fixed lengths are equal. */
dmx_value dmx_graph_pad_around(dmx_graph *g, const char *path, dmx_value x,
                               dmx_length length);
dmx_value dmx_graph_crop(dmx_graph *g, const char *path, dmx_value x, int axis,
                         int64_t start, int64_t length);
/* [start, start + length) of time. */
dmx_value dmx_graph_crop_to(dmx_graph *g, const char *path, dmx_value x,
                            int64_t start, dmx_length length);
/* The central part along time (the original's center_trim); x itself where it
 * has that length. */
dmx_value dmx_graph_crop_centre(dmx_graph *g, const char *path, dmx_value x,
                                dmx_length length);
dmx_value dmx_graph_concat(dmx_graph *g, const char *path, const dmx_value *x,
                           int count, int axis);
/* A dimension of DMX_ANY keeps x's own on that axis. */
dmx_value dmx_graph_reshape(dmx_graph *g, const char *path, dmx_value x,
                            dmx_shape shape);
dmx_value dmx_graph_stft(dmx_graph *g, const char *path, dmx_value x,
                         int64_t nfft, dmx_frames frames);
dmx_value dmx_graph_istft(dmx_graph *g, const char *path, dmx_value x,
                          int64_t nfft, dmx_frames frames, dmx_length length);
dmx_value dmx_graph_magnitude(dmx_graph *g, const char *path, dmx_value z);
dmx_value dmx_graph_mask(dmx_graph *g, const char *path, dmx_value m,
                         dmx_value z, double epsilon);
dmx_value dmx_graph_wiener(dmx_graph *g, const char *path, dmx_value m,
                           dmx_value z, int64_t iterations, bool residual);
dmx_value dmx_graph_mono(dmx_graph *g, const char *path, dmx_value x);
/* weight: the filters of the `up` phases, [up][taps]. */
dmx_value dmx_graph_resample(dmx_graph *g, const char *path, dmx_value x,
                             const dmx_tensor *weight, int64_t down);
void dmx_graph_statistics(dmx_graph *g, const char *path, dmx_value x,
                          dmx_value *mean, dmx_value *std);
dmx_value dmx_graph_standardize(dmx_graph *g, const char *path, dmx_value x,
                                dmx_value mean, dmx_value std, double epsilon);
dmx_value dmx_graph_unstandardize(dmx_graph *g, const char *path, dmx_value x,
                                  dmx_value mean, dmx_value std);

/* Stride and dilation 0 mean 1; the kernel size is the weight's. A weight
 * [Co][Ci][kt] is a Conv1d, which treats rows as a batch. */
dmx_value dmx_graph_conv(dmx_graph *g, const char *path, dmx_value x,
                         const dmx_tensor *weight, const dmx_tensor *bias,
                         dmx_conv_geometry geometry);
dmx_value dmx_graph_conv_transpose(dmx_graph *g, const char *path, dmx_value x,
                                   const dmx_tensor *weight,
                                   const dmx_tensor *bias,
                                   dmx_conv_geometry geometry);
/* x: a signal, or tokens [L][D] (statistics over all L and a group of D). */
dmx_value dmx_graph_group_norm(dmx_graph *g, const char *path, dmx_value x,
                               const dmx_tensor *weight, const dmx_tensor *bias,
                               int64_t groups, dmx_rows rows, double epsilon);
dmx_value dmx_graph_layer_norm(dmx_graph *g, const char *path, dmx_value x,
                               const dmx_tensor *weight, const dmx_tensor *bias,
                               double epsilon);
/* GELU, RELU or GLU; any shape (GLU: signals only). */
dmx_value dmx_graph_activation(dmx_graph *g, const char *path, dmx_op op,
                               dmx_value x);
/* Per channel of a signal, per column of tokens. */
dmx_value dmx_graph_scale(dmx_graph *g, const char *path, dmx_value x,
                          const dmx_tensor *weight);
dmx_value dmx_graph_bias(dmx_graph *g, const char *path, dmx_value x,
                         const dmx_tensor *bias, double alpha);
dmx_value dmx_graph_add(dmx_graph *g, const char *path, dmx_value a,
                        dmx_value b, double alpha);
dmx_value dmx_graph_linear(dmx_graph *g, const char *path, dmx_value x,
                           const dmx_tensor *weight, const dmx_tensor *bias);
dmx_value dmx_graph_attention(dmx_graph *g, const char *path, dmx_value q,
                              dmx_value k, dmx_value v, int64_t heads);
/* weight: 8 tensors a layer (operations.def); chunk: steps, or 0. */
dmx_value dmx_graph_lstm(dmx_graph *g, const char *path, dmx_value x,
                         const dmx_tensor *const *weight, int count,
                         int64_t chunk);
/* in: query, key, content and query_decay, signals each. */
dmx_value dmx_graph_local_attention(dmx_graph *g, const char *path,
                                    const dmx_value in[4], int64_t heads);
dmx_value dmx_graph_tokens(dmx_graph *g, const char *path, dmx_value x);
dmx_value dmx_graph_untokens(dmx_graph *g, const char *path, dmx_value x,
                             int64_t freqs);
dmx_value dmx_graph_freq_embedding(dmx_graph *g, const char *path,
                                   const dmx_tensor *weight, double alpha);
/* SIN and CAPE */
dmx_value dmx_graph_position_1d(dmx_graph *g, const char *path,
                                dmx_position_kind kind, dmx_length length,
                                int64_t width, double max_period,
                                bool mean_normalize);
dmx_value dmx_graph_position_learned(dmx_graph *g, const char *path,
                                     const dmx_tensor *weight,
                                     dmx_length length, double alpha);
dmx_value dmx_graph_position_2d(dmx_graph *g, const char *path, int64_t freqs,
                                dmx_length frames, int64_t width,
                                double max_period);
void dmx_graph_output(dmx_graph *g, dmx_value x);

#endif
