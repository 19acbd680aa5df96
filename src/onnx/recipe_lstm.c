/* LSTMs in both directions as ONNX's operator, over whole signals or in the
 * chunks of demucs.demucs.BLSTM.
 *
 * Steps come first: [T, N, C], N the inputs, frequency rows and chunks at once.
 * A chunk consists of two adjacent runs of half its length, as a frame of the
 * STFT consists of four. A free number of steps may also be too small for
 * chunks: then only the first one is used, and the operator gets its length, so
 * that the reverse direction starts at the last step. */
#include "onnx/emit_shape.h"
#include "onnx/emit_weights.h"
#include "onnx/walk.h"

#include <string.h>

/* torch.nn.LSTM's gates are i f g o, ONNX's i o f g. */
static const int64_t gate_of[4] = {0, 3, 1, 2};

/* A weight of both directions, [2][4H][columns], gates in ONNX's order; which:
 * 0 of the input, 1 of the state. */
static dmx_name lstm_weight(dmx_walk *w, const dmx_node *n, int64_t layer,
                            int which)
{
    dmx_emitter *e = &w->e;
    const int64_t h = n->at.hidden;
    const dmx_tensor *const *of = n->operand + 8 * layer + which;
    const int64_t columns = of[0]->dim[1], part = h * columns;
    float *all = dmx_emitter_buffer(e, (size_t)(8 * part), sizeof *all);
    if (all == NULL)
        return "";
    for (int way = 0; way < 2; way++) {
        float *one = dmx_weight_floats(e, of[4 * way]);
        if (one == NULL)
            return "";
        for (int64_t g = 0; g < 4; g++)
            memcpy(all + (way * 4 + g) * part, one + gate_of[g] * part,
                   (size_t)part * sizeof *all);
        dmx_emitter_drop_buffer(e, one);
    }
    return dmx_weight_constant(e, of[0]->name, all,
                               DMX_DIMS(2, 4 * h, columns));
}

/* [2][8H]: the biases of input and state, of both directions. */
static dmx_name lstm_bias(dmx_walk *w, const dmx_node *n, int64_t layer)
{
    dmx_emitter *e = &w->e;
    const int64_t h = n->at.hidden;
    const dmx_tensor *const *of = n->operand + 8 * layer;
    float *all = dmx_emitter_buffer(e, (size_t)(16 * h), sizeof *all);
    if (all == NULL)
        return "";
    for (int k = 0; k < 4; k++) {
        float *one = dmx_weight_floats(e, of[4 * (k / 2) + 2 + k % 2]);
        if (one == NULL)
            return "";
        for (int64_t g = 0; g < 4; g++)
            memcpy(all + (k * 4 + g) * h, one + gate_of[g] * h,
                   (size_t)h * sizeof *all);
        dmx_emitter_drop_buffer(e, one);
    }
    return dmx_constant_f32(e, of[2]->name, all, DMX_DIMS(2, 8 * h));
}

/* All layers over x [steps, sequences, C] -> [steps, sequences, 2H]; `lengths`
 * holds the length of each sequence; NULL: all steps. */
static dmx_name layers(dmx_walk *w, const dmx_node *n, dmx_name x,
                       dmx_extent steps, dmx_extent sequences, dmx_name lengths)
{
    dmx_emitter *e = &w->e;
    const int64_t h = n->at.hidden;
    for (int64_t i = 0; i < n->at.layers; i++) {
        const dmx_name in[] = {x, lstm_weight(w, n, i, 0),
                               lstm_weight(w, n, i, 1), lstm_bias(w, n, i),
                               lengths};
        (void)dmx_emit(e, "LSTM", in, lengths != NULL ? 5 : 4);
        dmx_attribute_text(e, "direction", "bidirectional");
        dmx_attribute_int(e, "hidden_size", h);
        x = dmx_emitter_shaped(e, DMX_DIMS(steps, 2, sequences, h));
        x = dmx_emit_transpose(e, x, DMX_DIMS(0, 2, 1, 3));
        x = dmx_emit_reshape(e, x, DMX_DIMS(steps, sequences, 2 * h));
    }
    return x;
}

/* ---- chunks -------------------------------------------------------------- */
typedef struct chunking {
    dmx_extent steps, count, padded; /* T; of chunks; steps they need */
    dmx_extent rows;                 /* sequences of a chunk */
    int64_t hop, width;
} chunking;

/* x [T, rows, C] as chunks [width, count * rows, C]. */
static dmx_name cut(dmx_emitter *e, const chunking *k, dmx_name x,
                    int64_t channels)
{
    const dmx_extent runs = dmx_extent_plus(e, k->count, 1);
    dmx_name half[2];
    x = dmx_emit_pad_to(e, x, 3, 0, k->steps, k->padded);
    x = dmx_emit_reshape(e, x, DMX_DIMS(runs, k->hop, k->rows, channels));
    half[0] = dmx_emit_slice(e, x, 0, 0, k->count);
    half[1] = dmx_emit_slice(e, x, 0, 1, runs);
    x = dmx_emit_concat(e, half, 2, 1);
    x = dmx_emit_transpose(e, x, DMX_DIMS(1, 0, 2, 3));
    return dmx_emit_reshape(
        e, x,
        DMX_DIMS(k->width, dmx_extent_product(e, k->rows, k->count), channels));
}

/* The chunk that step t is taken from is (t - hop / 2) / hop, and 0 before;
 * with T <= width steps, all come from the first chunk. In the concatenated
 * chunks it is row t + chunk * hop. */
static dmx_name places(dmx_emitter *e, const chunking *k)
{
    const int64_t zero = 0, one = 1, half = k->hop / 2;
    const dmx_name t = dmx_extent_count(e, k->steps);
    const dmx_name longer = dmx_extent_missing(e, k->steps, k->width);
    const dmx_name beyond =
        dmx_integer_op(e, "Min", dmx_constant_i64(e, &one, 1), longer);
    dmx_name chunk = dmx_emit_2(e, "Sub", t, dmx_constant_i64(e, &half, 1));
    chunk = dmx_emit_2(e, "Max", chunk, dmx_constant_i64(e, &zero, 1));
    chunk = dmx_emit_2(e, "Div", chunk, dmx_constant_i64(e, &k->hop, 1));
    chunk = dmx_emit_2(e, "Mul", chunk, beyond);
    chunk = dmx_emit_2(e, "Mul", chunk, dmx_constant_i64(e, &k->hop, 1));
    return dmx_emit_2(e, "Add", t, chunk);
}

/* [width, count * rows, C] -> [T, rows, C] */
static dmx_name join_free(dmx_emitter *e, const chunking *k, dmx_name x,
                          int64_t channels)
{
    const dmx_extent all = dmx_extent_times(e, k->count, k->width);
    x = dmx_emit_reshape(e, x, DMX_DIMS(k->width, k->count, k->rows, channels));
    x = dmx_emit_transpose(e, x, DMX_DIMS(1, 0, 2, 3));
    x = dmx_emit_reshape(e, x, DMX_DIMS(all, k->rows, channels));
    (void)dmx_emit_2(e, "Gather", x, places(e, k));
    dmx_attribute_int(e, "axis", 0);
    return dmx_emitter_shaped(e, DMX_DIMS(k->steps, k->rows, channels));
}

/* The first half hop of the first chunk, then the middle hop of every one. */
static dmx_name join_fixed(dmx_emitter *e, const chunking *k, dmx_name x,
                           int64_t channels)
{
    const int64_t half = k->hop / 2;
    dmx_name part[2];
    x = dmx_emit_reshape(e, x, DMX_DIMS(k->width, k->count, k->rows, channels));
    x = dmx_emit_transpose(e, x, DMX_DIMS(1, 0, 2, 3));
    part[0] = dmx_emit_slice(e, x, 0, 0, 1);
    part[0] = dmx_emit_slice(e, part[0], 1, 0, half);
    part[0] = dmx_emit_reshape(e, part[0], DMX_DIMS(half, k->rows, channels));
    part[1] = dmx_emit_slice(e, x, 1, half, half + k->hop);
    part[1] = dmx_emit_reshape(
        e, part[1],
        DMX_DIMS(dmx_extent_times(e, k->count, k->hop), k->rows, channels));
    return dmx_emit_slice(e, dmx_emit_concat(e, part, 2, 0), 0, 0, k->steps);
}

/* min(T, width) for every sequence, int32. */
static dmx_name lengths(dmx_emitter *e, const chunking *k)
{
    const dmx_name width = dmx_constant_i64(e, &k->width, 1);
    const dmx_name least =
        dmx_integer_op(e, "Min", dmx_extent_operand(e, k->steps), width);
    dmx_name y = dmx_emit_1(e, "Cast", least);
    dmx_attribute_int(e, "to", ONNX__TENSOR_PROTO__DATA_TYPE__INT32);
    return dmx_emit_expand(e, y,
                           DMX_DIMS(dmx_extent_product(e, k->rows, k->count)));
}

static dmx_name in_chunks(dmx_walk *w, const dmx_node *n, dmx_name x,
                          dmx_extent steps, dmx_extent rows)
{
    dmx_emitter *e = &w->e;
    const int64_t width = n->at.chunk, channels = 2 * n->at.hidden;
    chunking k = {
        .steps = steps, .rows = rows, .hop = width / 2, .width = width};
    k.count = dmx_extent_ceil(e, steps, k.hop);
    k.padded = dmx_extent_times(e, dmx_extent_plus(e, k.count, 1), k.hop);
    const bool free = dmx_extent_is_free(steps);
    x = cut(e, &k, x, dmx_walk_dim(w, n->in[0])[0]);
    const dmx_name each = free ? lengths(e, &k) : NULL;
    x = layers(w, n, x, width, dmx_extent_product(e, rows, k.count), each);
    return free ? join_free(e, &k, x, channels)
                : join_fixed(e, &k, x, channels);
}

void dmx_recipe_lstm(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *dim = dmx_walk_dim(w, n->in[0]);
    const dmx_extent steps = dim[2], f = dim[1];
    const dmx_extent rows = dmx_extent_times(e, e->batch, f);
    const int64_t out = 2 * n->at.hidden;
    const bool whole =
        n->at.chunk == 0 || (!dmx_extent_is_free(steps) &&
                             dmx_lstm_chunks(n->at.chunk, steps).count == 1);
    dmx_name x =
        dmx_emit_transpose(e, dmx_walk_in(w, n, 0), DMX_DIMS(3, 0, 2, 1));
    x = dmx_emit_reshape(e, x, DMX_DIMS(steps, rows, dim[0]));
    x = whole ? layers(w, n, x, steps, rows, NULL)
              : in_chunks(w, n, x, steps, rows);
    x = dmx_emit_reshape(e, x, DMX_DIMS(steps, e->batch, f, out));
    dmx_walk_set(w, n, dmx_emit_transpose(e, x, DMX_DIMS(1, 3, 2, 0)));
}
