/* The semantic graph: what a separation network computes, in the field's own
 * words, before anybody decides how.
 *
 * Values are real tensors without a batch axis:
 *   signals      [C][F][T]  channels, frequency rows, time; a waveform and the
 *                           whole time branch have F = 1
 *   token lists  [L][D]     sequence, width
 *   scalars      []         statistics of one input
 * The graph input is the mixture [audio_channels][1][samples]; the graph
 * output is [sources * audio_channels][1][samples], source-major.
 *
 * Nodes are in topological order: a node's inputs come from earlier nodes.
 * Weights are not values but tensors attached to the node, exactly as the
 * checkpoint stores them; consumers widen and fold them as they like.
 *
 * A graph is built with the dmx_graph_<op> functions. They infer and check
 * every shape and remember the first error, so that a builder can be written
 * without error handling and asks dmx_graph_status at the end; after an error
 * they return DMX_NO_VALUE and do nothing. */
#ifndef DMX_GRAPH_GRAPH_H
#define DMX_GRAPH_GRAPH_H

#include "base/error.h"
#include "base/memory.h"
#include "base/tensor.h"

#define DMX_VALUE_RANK 3

typedef int32_t dmx_value; /* index into dmx_graph.value */
#define DMX_NO_VALUE ((dmx_value)-1)

typedef struct dmx_shape {
    int rank; /* 0, 2 or 3 */
    int64_t dim[DMX_VALUE_RANK];
} dmx_shape;

typedef enum dmx_op {
    DMX_OP_INPUT,          /* () -> [C][1][N]: the mixture */
    DMX_OP_PAD,            /* (x) zeros before and after, along axis */
    DMX_OP_CROP,           /* (x) [start, start + length) of axis */
    DMX_OP_CONCAT,         /* (x...) along axis */
    DMX_OP_RESHAPE,        /* (x) same elements, row-major, another shape */
    DMX_OP_STFT,           /* ([C][1][N]) -> [2C][nfft/2][ceil(N/hop)] */
    DMX_OP_ISTFT,          /* ([2C][nfft/2][T]) -> [C][1][length] */
    DMX_OP_STATISTICS,     /* (x) -> mean, unbiased std, both [] */
    DMX_OP_STANDARDIZE,    /* (x, mean, std) -> (x - mean) / (eps + std) */
    DMX_OP_UNSTANDARDIZE,  /* (x, mean, std) -> x * std + mean */
    DMX_OP_CONV,           /* (x) weight [Co][Ci][kf][kt], bias [Co] */
    DMX_OP_CONV_TRANSPOSE, /* (x) weight [Ci][Co][kf][kt], bias; no cropping */
    DMX_OP_GROUP_NORM,     /* (x) weight, bias [C] */
    DMX_OP_LAYER_NORM,     /* ([L][D]) over D; weight, bias [D] */
    DMX_OP_GELU,           /* (x) exact: x/2 (1 + erf(x/sqrt 2)) */
    DMX_OP_RELU,           /* (x) */
    DMX_OP_GLU,            /* ([2C][F][T]) -> first half * sigmoid(second) */
    DMX_OP_SCALE,          /* (x) weight [C]: times a factor per channel */
    DMX_OP_BIAS,           /* (x) plus alpha * bias[channel] */
    DMX_OP_ADD,            /* (a, b) -> a + alpha * b; b may broadcast */
    DMX_OP_LINEAR,         /* ([L][in]) weight [out][in], bias [out] */
    DMX_OP_ATTENTION,      /* (q [Lq][D], k [Lk][D], v [Lk][D]) -> [Lq][D] */
    DMX_OP_TOKENS,         /* ([C][F][T]) -> [T*F][C], time major */
    DMX_OP_UNTOKENS,       /* ([T*F][C]) -> [C][F][T] */
    DMX_OP_FREQ_EMBEDDING, /* () weight [F][C] -> [C][F][1], times alpha */
    DMX_OP_POSITION_1D,    /* () -> [L][D] sinusoidal, or learned */
    DMX_OP_POSITION_2D,    /* () -> [T*F][D] sinusoidal, time major */
    DMX_OP_COUNT,
} dmx_op;

typedef enum dmx_position_kind {
    DMX_POSITION_SIN,     /* create_sin_embedding: [cos | sin] halves */
    DMX_POSITION_CAPE,    /* the same around the mean position */
    DMX_POSITION_LEARNED, /* rows 0..L-1 of weight [max][D], times alpha */
} dmx_position_kind;

/* Only the fields named in the comment are meaningful for an operation; all
 * others are zero. Index 0 of a pair is frequency, index 1 time. */
typedef struct dmx_attributes {
    int axis;              /* PAD CROP CONCAT: 0 channels 1 frequency 2 time */
    int64_t before, after; /* PAD */
    int64_t start, length; /* CROP; ISTFT: length in samples */
    int64_t nfft, hop;     /* STFT ISTFT: samples; hop = nfft / 4 */
    int64_t kernel[2];     /* CONV CONV_TRANSPOSE */
    int64_t stride[2];     /* CONV CONV_TRANSPOSE */
    int64_t padding[2][2]; /* CONV: [axis][0 before, 1 after], zeros */
    int64_t dilation[2];   /* CONV */
    int64_t groups;        /* GROUP_NORM: channel groups */
    bool per_row;          /* GROUP_NORM of a signal: statistics per
                              frequency row (DConv folds rows in the batch) */
    double epsilon;        /* STANDARDIZE GROUP_NORM LAYER_NORM */
    double alpha;          /* ADD BIAS FREQ_EMBEDDING POSITION_1D */
    int64_t heads;         /* ATTENTION */
    double scale;          /* ATTENTION: 1/sqrt(D/heads), times q.k */
    int64_t freqs;         /* UNTOKENS POSITION_2D: rows F */
    int64_t frames;        /* POSITION_1D: length L; POSITION_2D: T */
    int64_t width;         /* POSITION_*: D */
    double max_period;     /* POSITION_1D POSITION_2D */
    dmx_position_kind position;
    bool mean_normalize; /* POSITION_1D cape */
} dmx_attributes;

typedef struct dmx_node {
    dmx_op op;
    int n_in, n_out;
    const dmx_value *in;
    dmx_value out[2];
    const char *path; /* PyTorch module path, "encoder.0.dconv.layers.1.3" */
    const dmx_tensor *const *operand; /* weights, in the operation's order */
    int n_operand;
    dmx_attributes at;
} dmx_node;

/* Weight i of a node in its operation's order, or NULL where it has none. */
static inline const dmx_tensor *dmx_operand(const dmx_node *node, int i)
{
    return i < node->n_operand ? node->operand[i] : NULL;
}

/* Of most operations the first operand is the weight, the second the bias. */
static inline const dmx_tensor *dmx_weight_of(const dmx_node *node)
{
    return dmx_operand(node, 0);
}

static inline const dmx_tensor *dmx_bias_of(const dmx_node *node)
{
    return dmx_operand(node, 1);
}

typedef struct dmx_value_info {
    dmx_shape shape;
    int32_t producer; /* index of the node that makes it */
} dmx_value_info;

typedef struct dmx_graph {
    dmx_node *node;
    size_t n_node, node_capacity;
    dmx_value_info *value;
    size_t n_value, value_capacity;
    dmx_value input, output;
    dmx_arena arena; /* paths, tensor views, input lists */
    dmx_error error; /* the first one */
} dmx_graph;

/* An empty graph, or NULL when memory is short. The tensors given to it, and
 * the memory they point into, must outlive it. */
dmx_graph *dmx_graph_open(void);
void dmx_graph_close(dmx_graph *g);

/* DMX_OK, or the first error of any builder call. */
DMX_MUST_CHECK dmx_status dmx_graph_status(const dmx_graph *g, dmx_error *err);

/* Records an error found by the caller; always returns DMX_NO_VALUE. */
dmx_value dmx_graph_fail(dmx_graph *g, dmx_status code, const char *fmt, ...)
    DMX_PRINTF(3, 4);

/* Shape of a value; a zero shape after an error. */
dmx_shape dmx_graph_shape(const dmx_graph *g, dmx_value v);
int64_t dmx_shape_count(const dmx_shape *s);

/* A copy of a tensor view in the graph's own memory. */
const dmx_tensor *dmx_graph_tensor(dmx_graph *g, dmx_tensor t);
/* A formatted path in the graph's own memory. */
const char *dmx_graph_path(dmx_graph *g, const char *fmt, ...) DMX_PRINTF(2, 3);

/* Lower-case name of an operation ("conv_transpose"). */
const char *dmx_op_name(dmx_op op);

/* One line a node, as "demucs-onnx inspect --graph" shows it:
 *   %12 [48][512][336] = conv(%11) encoder.0.conv kernel 8x1 stride 4x1 ...
 */
void dmx_graph_print(const dmx_graph *g, void (*line)(void *, const char *),
                     void *user);

/* Removes nodes whose results nobody uses and renumbers values. */
void dmx_graph_prune(dmx_graph *g);

/* ---- builders; x is [C][F][T] unless said otherwise -------------------- */
dmx_value dmx_graph_input(dmx_graph *g, int64_t channels, int64_t samples);
dmx_value dmx_graph_pad(dmx_graph *g, const char *path, dmx_value x, int axis,
                        int64_t before, int64_t after);
dmx_value dmx_graph_crop(dmx_graph *g, const char *path, dmx_value x, int axis,
                         int64_t start, int64_t length);
dmx_value dmx_graph_concat(dmx_graph *g, const char *path, const dmx_value *x,
                           int count, int axis);
dmx_value dmx_graph_reshape(dmx_graph *g, const char *path, dmx_value x,
                            dmx_shape shape);
dmx_value dmx_graph_stft(dmx_graph *g, const char *path, dmx_value x,
                         int64_t nfft);
dmx_value dmx_graph_istft(dmx_graph *g, const char *path, dmx_value x,
                          int64_t nfft, int64_t length);
void dmx_graph_statistics(dmx_graph *g, const char *path, dmx_value x,
                          dmx_value *mean, dmx_value *std);
dmx_value dmx_graph_standardize(dmx_graph *g, const char *path, dmx_value x,
                                dmx_value mean, dmx_value std, double epsilon);
dmx_value dmx_graph_unstandardize(dmx_graph *g, const char *path, dmx_value x,
                                  dmx_value mean, dmx_value std);

typedef struct dmx_conv_geometry {
    int64_t stride[2];     /* 0 means 1 */
    int64_t padding[2][2]; /* conv only */
    int64_t dilation[2];   /* 0 means 1; conv only */
} dmx_conv_geometry;

/* Weights may be [Co][Ci][kt] (a Conv1d), then kf is 1. */
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
                               int64_t groups, bool per_row, double epsilon);
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
dmx_value dmx_graph_tokens(dmx_graph *g, const char *path, dmx_value x);
dmx_value dmx_graph_untokens(dmx_graph *g, const char *path, dmx_value x,
                             int64_t freqs);
dmx_value dmx_graph_freq_embedding(dmx_graph *g, const char *path,
                                   const dmx_tensor *weight, double alpha);
/* SIN and CAPE */
dmx_value dmx_graph_position_1d(dmx_graph *g, const char *path,
                                dmx_position_kind kind, int64_t length,
                                int64_t width, double max_period,
                                bool mean_normalize);
dmx_value dmx_graph_position_learned(dmx_graph *g, const char *path,
                                     const dmx_tensor *weight, int64_t length,
                                     double alpha);
dmx_value dmx_graph_position_2d(dmx_graph *g, const char *path, int64_t freqs,
                                int64_t frames, int64_t width,
                                double max_period);
void dmx_graph_output(dmx_graph *g, dmx_value x);

/* The positional tables, in float32 step by step as PyTorch computes them
 * (float64 tables differ by up to 1e-4): row-major [L][D]. The 2-D table is
 * separable: columns [0, D/2) depend on the frame, [D/2, D) on the row, so it
 * comes as [T][D/2] and [F][D/2]; D is a multiple of 4. */
void dmx_position_table_1d(float *out, const dmx_attributes *at);
void dmx_position_table_2d(float *by_frame, float *by_row,
                           const dmx_attributes *at);

#endif
