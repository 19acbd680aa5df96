/* The semantic graph: what a separation network computes, in the field's own
 * terms, independent of how it is computed.
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
 * checkpoint stores them; consumers may widen and fold them.
 *
 * The input's length is fixed or free. If it is free, one graph describes every
 * length, dimensions are rules (length.h), and dmx_graph_at specialises it to
 * one length. Operations are those of operations.def.
 *
 * A graph is built with the functions of builders.h. They infer and check every
 * shape and remember the first error, so that calling code needs no error
 * handling except dmx_graph_status at the end; after an error they return
 * DMX_NO_VALUE and do nothing. */
#ifndef DMX_GRAPH_GRAPH_H
#define DMX_GRAPH_GRAPH_H

#include "base/error.h"
#include "base/memory.h"
#include "base/tensor.h"
#include "graph/length.h"
#include "graph/operation.h"

#define DMX_VALUE_RANK 3

typedef int32_t dmx_value; /* index into dmx_graph.value */
#define DMX_NO_VALUE ((dmx_value)-1)

/* Dimensions for every input length. */
typedef struct dmx_dims {
    int rank; /* 0, 2 or 3 */
    dmx_length dim[DMX_VALUE_RANK];
} dmx_dims;

/* The dimensions at one input length, as numbers. */
typedef struct dmx_shape {
    int rank;
    int64_t dim[DMX_VALUE_RANK];
} dmx_shape;

/* Stands for a number that depends on the input's length, in a graph of any
 * length. */
#define DMX_ANY ((int64_t)-1)

typedef enum dmx_position_kind {
    DMX_POSITION_SIN,     /* create_sin_embedding: [cos | sin] halves */
    DMX_POSITION_CAPE,    /* the same around the mean position */
    DMX_POSITION_LEARNED, /* rows 0..L-1 of weight [max][D], times alpha */
} dmx_position_kind;

/* How an operation over channels and time treats the frequency rows of a signal
 * [C][F][T]. */
typedef enum dmx_rows {
    DMX_ROWS_TOGETHER, /* one more axis of the one signal */
    DMX_ROWS_BATCH, /* F independent signals [C][1][T]: the original folds them
                       into the batch, [B*F, C, T] */
} dmx_rows;

/* Which frames of torch.stft(center=True) a spectrogram has, and which samples
 * its inverse returns. */
typedef enum dmx_frames {
    DMX_FRAMES_HYBRID, /* ceil(N / hop): 3/2 hop reflected around the signal,
                          two frames cut at each end; the inverse undoes it */
    DMX_FRAMES_HYBRID_OLD, /* the same with zeros in place of reflections, and
                              an inverse that does not skip the 3/2 hop: its
                              result is delayed by 3/2 hop, and the end is cut
                              off */
    DMX_FRAMES_CENTRED,    /* 1 + floor(N / hop): all frames; N > nfft / 2 */
} dmx_frames;

/* How the amounts of a PAD or CROP over time are determined. */
typedef enum dmx_fit {
    DMX_FIT_GIVEN,  /* before and after, or start, are given */
    DMX_FIT_END,    /* PAD: the whole difference in length comes after */
    DMX_FIT_CENTRE, /* half of the difference, rounded down, comes before */
} dmx_fit;

/* Index 0 of a pair is frequency, index 1 time. */
typedef struct dmx_conv_geometry {
    int64_t kernel[2];
    int64_t stride[2];
    int64_t padding[2][2]; /* [axis][0 before, 1 after], zeros; CONV only */
    int64_t dilation[2];   /* CONV only */
} dmx_conv_geometry;

/* Only the fields named in the comment are meaningful for an operation; all
 * others are zero. Numbers marked * follow from lengths that may depend on the
 * input's length: in a graph of any length they may be DMX_ANY. */
typedef struct dmx_attributes {
    int axis;              /* PAD CROP CONCAT: 0 channels 1 frequency 2 time */
    dmx_fit fit;           /* PAD CROP */
    int64_t before, after; /* PAD* */
    int64_t start, length; /* CROP*; ISTFT: length* in samples */
    int64_t nfft, hop;     /* STFT ISTFT: samples; hop = nfft / 4 */
    dmx_frames frames_of;  /* STFT ISTFT */
    int64_t up, down;      /* RESAMPLE: ratio of the rates */
    int64_t iterations;    /* WIENER: of expectation-maximization, >= 1 */
    bool residual; /* WIENER: includes one more source, the mixture minus all
                      others */
    int64_t hidden, layers; /* LSTM: units, layers of both directions */
    int64_t chunk;          /* LSTM: a multiple of four, W steps; more than W
                               steps run as chunks (below); 0: as a whole */
    dmx_conv_geometry conv; /* CONV CONV_TRANSPOSE */
    int64_t groups;         /* GROUP_NORM: channel groups */
    dmx_rows rows;          /* GROUP_NORM: per row where they are a batch;
                               CONV: Conv1d, rows are a batch */
    double epsilon;         /* STANDARDIZE GROUP_NORM LAYER_NORM MASK */
    double alpha;           /* ADD BIAS FREQ_EMBEDDING POSITION_1D */
    int64_t heads;          /* ATTENTION LOCAL_ATTENTION */
    double scale;           /* ATTENTION: 1/sqrt(D/heads), times q.k;
                               LOCAL_ATTENTION: 1/sqrt(C/heads) */
    int64_t freqs;          /* UNTOKENS POSITION_2D: rows F */
    int64_t frames;         /* POSITION_1D: length L*; POSITION_2D: T* */
    int64_t width;          /* POSITION_*: D */
    double max_period;      /* POSITION_1D POSITION_2D */
    dmx_position_kind position;
    bool mean_normalize; /* POSITION_1D cape */
    dmx_length extent;   /* the rule: CROP ISTFT length, POSITION_* frames,
                            PAD the result's where fit asks for it */
    dmx_dims dims;       /* INPUT RESHAPE: the result's */
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

/* Operand i of a node, in its operation's order, or NULL if absent. */
static inline const dmx_tensor *dmx_operand(const dmx_node *node, int i)
{
    return i < node->n_operand ? node->operand[i] : NULL;
}

/* The weight is the first operand of most operations and the bias the second;
 * BIAS has only a bias, first. */
static inline const dmx_tensor *dmx_weight_of(const dmx_node *node)
{
    return dmx_operand(node, 0);
}

static inline const dmx_tensor *dmx_bias_of(const dmx_node *node)
{
    return dmx_operand(node, 1);
}

typedef struct dmx_value_info {
    dmx_shape shape;  /* DMX_ANY where dims depend on the input's length */
    dmx_dims dims;    /* for every input length */
    int32_t producer; /* index of the node that produces it */
} dmx_value_info;

typedef struct dmx_graph {
    dmx_node *node;
    size_t n_node, node_capacity;
    dmx_value_info *value;
    size_t n_value, value_capacity;
    dmx_value input, output;
    bool any_length; /* the input's length is free */
    dmx_arena arena; /* paths, tensor views, input lists */
    dmx_error error; /* the first one */
} dmx_graph;

/* An empty graph, or NULL when memory is short. The tensors passed to it, and
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
bool dmx_shape_same(const dmx_shape *a, const dmx_shape *b);

/* Dimensions of a value for every input length, and one of them; 0 after an
 * error. */
dmx_dims dmx_graph_dims(const dmx_graph *g, dmx_value v);
dmx_length dmx_graph_length(const dmx_graph *g, dmx_value v, int axis);

/* Shape of a value at one input length, in a graph of any length. */
dmx_shape dmx_graph_shape_at(const dmx_graph *g, dmx_value v, int64_t samples);

/* Specialises g, a graph of any length, to one length: every number is known,
 * paddings that add nothing are removed, and all rules are checked again with
 * these numbers. g's weights and lists of operands are shared: g must outlive
 * *out, which is closed with dmx_graph_close. Fails with MODEL (the input is
 * too short), LIMIT, ARGUMENT or MEMORY. */
DMX_MUST_CHECK dmx_status dmx_graph_at(dmx_graph **out, const dmx_graph *g,
                                       int64_t samples, dmx_error *err);

/* The shortest input, from 1 to `enough` samples, that a graph of any length
 * accepts: 1 for nearly every graph. It must accept `enough`. */
int64_t dmx_graph_shortest(const dmx_graph *g, int64_t enough);

/* Whether any node is an `op`. */
bool dmx_graph_uses(const dmx_graph *g, dmx_op op);

/* The first check of every consumer: no error was recorded, and input and
 * output exist; for consumers that need numbers, also that the length is known.
 */
DMX_MUST_CHECK dmx_status dmx_graph_complete(const dmx_graph *g,
                                             dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_graph_ready(const dmx_graph *g, dmx_error *err);

/* How an LSTM runs T steps (demucs.demucs.BLSTM): as a whole if T <= chunk,
 * else as `count` chunks of `width` steps that start `hop` steps apart from
 * step 0. Each chunk starts from a zero state in both directions; steps from T
 * on are zeros. The result consists of steps [0, width - hop / 2) of the first
 * chunk, [hop / 2, width - hop / 2) of the others and [hop / 2, width) of the
 * last, cut to T steps. */
typedef struct dmx_chunks {
    int64_t count, width, hop;
} dmx_chunks;
dmx_chunks dmx_lstm_chunks(int64_t chunk, int64_t steps);

/* A copy of a tensor view in the graph's own memory. */
const dmx_tensor *dmx_graph_tensor(dmx_graph *g, dmx_tensor t);
/* A formatted path in the graph's own memory. */
const char *dmx_graph_path(dmx_graph *g, const char *fmt, ...) DMX_PRINTF(2, 3);

/* One line per node, as `inspect --graph` shows it:
 *   %12 [48][512][336] = conv(%11) encoder.0.conv kernel 8x1 stride 4x1 ... */
void dmx_graph_print(const dmx_graph *g, void (*line)(void *, const char *),
                     void *user);

/* Removes nodes whose results are unused and renumbers values. */
void dmx_graph_prune(dmx_graph *g);

/* The position tables, with every float32 step as PyTorch takes it (float64
 * tables differ by up to 1e-4): row-major [L][D]. The 2-D table is separable:
 * columns [0, D/2) depend on the frame, [D/2, D) on the row, so it comes as
 * [T][D/2] and [F][D/2]; D is a multiple of 4. */
void dmx_position_table_1d(float *out, const dmx_attributes *at);
void dmx_position_table_2d(float *by_frame, float *by_row,
                           const dmx_attributes *at);
/* The divisors [D/2], or factors [D/4], applied to positions before sine and
 * cosine. */
void dmx_position_divisors_1d(float *out, const dmx_attributes *at);
void dmx_position_factors_2d(float *out, const dmx_attributes *at);

/* The periodic Hann window of both transforms, out[nfft], as the original
 * computes it: float32 arithmetic puts it up to 2e-7 off the formula, which
 * networks with `cac` false amplify to 3e-6 of their output's peak. */
void dmx_hann_window(float *out, int64_t nfft);

/* How a DMX_FRAMES_HYBRID STFT pads a signal of n samples before framing it
 * (the original's pad1d): by reflection, `before` samples in front and `behind`
 * samples after it. A signal too short to be reflected is first extended by
 * `zeros` zeros, which count among those behind and are reflected too. False
 * where there is no rule. */
typedef struct dmx_stft_padding {
    dmx_amount before, behind, zeros;
} dmx_stft_padding;
bool dmx_stft_padding_of(dmx_stft_padding *out, int64_t nfft, dmx_length n);

#endif
