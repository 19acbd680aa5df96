/* Emits nodes that are not part of a unit, as one step each. */
#include "engine/plan/planner.h"

#include <stdlib.h>

static dmx_buf in_of(const dmx_planner *p, const dmx_node *n, int i)
{
    return p->buf[n->in[i]];
}

/* Pads, crops and concatenations are moves of parts to their offsets. */
static dmx_status emit_move(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    static const int order[] = {1, 0, 2}; /* channels, frequency, time */
    int64_t at = 0;
    dmx_buf out;
    if (p->join_of[n - p->g->node] >= 0)
        return dmx_emit_join(p, n, err);
    if (p->fuse && !p->e->limits.copies && n->op == DMX_OP_CROP &&
        n->at.axis == 1)
        return dmx_emit_crop_rows(p, n, err);
    DMX_FORWARD(dmx_plan_output(&out, p, n->out[0], DMX_NO_VALUE, 0, err));
    for (int i = 0; i < n->n_in; i++) {
        int64_t shift[3] = {0, 0, 0};
        shift[order[n->at.axis]] = n->op == DMX_OP_PAD    ? -n->at.before
                                   : n->op == DMX_OP_CROP ? n->at.start
                                                          : -at;
        DMX_FORWARD(dmx_step_shift(p->e, dmx_op_name(n->op), n->path,
                                   in_of(p, n, i), out, shift,
                                   n->op == DMX_OP_PAD, err));
        at += dmx_shape_at(p, n->in[i])->dim[n->at.axis];
    }
    return DMX_OK;
}

static dmx_status add_norm(dmx_planner *p, const dmx_node *n, const float *w,
                           const float *b, dmx_error *err)
{
    const bool group = n->op == DMX_OP_GROUP_NORM;
    dmx_buf out;
    DMX_FORWARD(
        dmx_plan_output(&out, p, n->out[0], n->in[0], group ? 1 : 0, err));
    return group
               ? dmx_step_group_norm(p->e, n->path, in_of(p, n, 0), out, w, b,
                                     n->at.groups, n->at.rows == DMX_ROWS_BATCH,
                                     n->at.epsilon, err)
               : dmx_step_layer_norm(p->e, n->path, in_of(p, n, 0), out, w, b,
                                     n->at.epsilon, err);
}

static dmx_status emit_norm(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    float *w = NULL, *b = NULL;
    dmx_status status = dmx_plan_elements(&w, dmx_weight_of(n), 0, err);
    if (status == DMX_OK)
        status = dmx_plan_elements(&b, dmx_bias_of(n), 0, err);
    if (status == DMX_OK)
        status = add_norm(p, n, w, b, err);
    free(w);
    free(b);
    return status;
}

/* One gain, or one offset times alpha, for each channel. */
static dmx_status emit_affine(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    const bool bias = n->op == DMX_OP_BIAS;
    const dmx_tensor *t = dmx_operand(n, 0);
    const int64_t count = (int64_t)dmx_tensor_count(t);
    dmx_buf out;
    float *w;
    DMX_FORWARD(dmx_plan_output(&out, p, n->out[0], n->in[0], 1, err));
    DMX_FORWARD(dmx_plan_elements(&w, t, 0, err));
    for (int64_t i = 0; bias && i < count; i++)
        w[i] *= (float)n->at.alpha;
    const dmx_status status =
        dmx_step_channel_affine(p->e, n->path, in_of(p, n, 0), out,
                                bias ? NULL : w, bias ? w : NULL, err);
    free(w);
    return status;
}

static dmx_status emit_standardize(dmx_planner *p, const dmx_node *n,
                                   dmx_error *err)
{
    dmx_buf out;
    DMX_FORWARD(dmx_plan_output(&out, p, n->out[0], n->in[0], 1, err));
    return dmx_step_standardize(p->e, n->path, in_of(p, n, 0), in_of(p, n, 1),
                                in_of(p, n, 2), out, n->at.epsilon,
                                n->op == DMX_OP_UNSTANDARDIZE, err);
}

static dmx_status emit_statistics(dmx_planner *p, const dmx_node *n,
                                  dmx_error *err)
{
    for (int i = 0; i < 2; i++)
        DMX_FORWARD(dmx_program_buffer(&p->buf[n->out[i]], p->e,
                                       dmx_plane_make(1, 1, 1), err));
    return dmx_step_statistics(p->e, n->path, in_of(p, n, 0), p->buf[n->out[0]],
                               p->buf[n->out[1]], err);
}

static dmx_status emit_add(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    const int64_t rows = dmx_token_rows(&p->a, n->out[0]);
    dmx_buf a, b, out;
    DMX_FORWARD(dmx_plan_ordered(&a, p, n->in[0], rows, err));
    DMX_FORWARD(dmx_plan_ordered(&b, p, n->in[1], rows, err));
    const bool in_place = a == in_of(p, n, 0) && n->in[0] != n->in[1];
    DMX_FORWARD(
        dmx_plan_output(&out, p, n->out[0], n->in[0], in_place ? 1 : 0, err));
    return dmx_step_add(p->e, n->path, a, b, out, (float)n->at.alpha, err);
}

/* Whether keys or values may be replaced by packed ones: attention is their
 * only consumer. */
static bool is_only_use(const dmx_planner *p, dmx_value v, dmx_buf buf)
{
    return p->fuse && dmx_sole_consumer(&p->a, v) >= 0 && !p->shared[v] &&
           buf == p->buf[v];
}

static dmx_status emit_attention(dmx_planner *p, const dmx_node *n,
                                 dmx_error *err)
{
    const dmx_buf k = in_of(p, n, 1);
    dmx_buf v, out;
    DMX_FORWARD(dmx_plan_ordered(&v, p, n->in[2],
                                 dmx_token_rows(&p->a, n->in[1]), err));
    /* a task overwrites only what that task itself has read */
    DMX_FORWARD(dmx_plan_output(&out, p, n->out[0], n->in[0], 1, err));
    return dmx_step_attention(p->e, n->path, in_of(p, n, 0),
                              (dmx_head_input){k, is_only_use(p, n->in[1], k)},
                              (dmx_head_input){v, is_only_use(p, n->in[2], v)},
                              out, n->at.heads, n->at.scale, err);
}

/* With one frequency row, a signal and its tokens are the same plane. */
static dmx_status emit_tokens(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    const bool from = n->op == DMX_OP_UNTOKENS;
    const int64_t rows = from ? n->at.freqs : dmx_shape_at(p, n->in[0])->dim[1];
    dmx_buf in = p->buf[n->in[0]], out;
    if (from)
        DMX_FORWARD(dmx_plan_ordered(&in, p, n->in[0], rows, err));
    if (rows == 1) {
        p->buf[n->out[0]] = in;
        p->shared[n->out[0]] = dmx_use_count(&p->a, n->in[0]) > 1 ||
                               p->shared[n->in[0]] || in != in_of(p, n, 0);
        return DMX_OK;
    }
    DMX_FORWARD(dmx_plan_output(&out, p, n->out[0], DMX_NO_VALUE, 0, err));
    return dmx_step_tokens(p->e, n->path, in, out, err);
}

static dmx_status emit_activation(dmx_planner *p, const dmx_node *n,
                                  dmx_error *err)
{
    const dmx_activation act = dmx_activation_of(n->op);
    dmx_buf out;
    DMX_FORWARD(dmx_plan_output(&out, p, n->out[0], n->in[0],
                                act == DMX_ACT_GLU ? 0 : 1, err));
    return dmx_step_activation(p->e, n->path, act, in_of(p, n, 0), out, err);
}

/* ---- constants ---------------------------------------------------------- */

/* Adds a constant for v; *data is where to write it, *plane its layout. */
static dmx_status add_constant(float **data, dmx_plane *plane, dmx_planner *p,
                               dmx_value v, dmx_error *err)
{
    dmx_buf *b = &p->buf[v];
    *plane = dmx_plane_of_shape(dmx_shape_at(p, v));
    DMX_FORWARD(dmx_program_buffer(b, p->e, *plane, err));
    DMX_FORWARD(dmx_program_floats(data, p->e, p->e->buffer[*b].floats, err));
    p->e->buffer[*b].constant = *data;
    return DMX_OK;
}

static dmx_status emit_freq_embedding(dmx_planner *p, const dmx_node *n,
                                      dmx_error *err)
{
    float *table, *data;
    dmx_plane plane;
    DMX_FORWARD(add_constant(&data, &plane, p, n->out[0], err));
    DMX_FORWARD(dmx_plan_elements(&table, dmx_weight_of(n), 0, err));
    for (int64_t i = 0; i < plane.rows * plane.channels; i++)
        data[i * plane.stride] = table[i] * (float)n->at.alpha;
    free(table);
    return DMX_OK;
}

/* Transposes row-major [L][D] into the channels of a plane, tokens in the
 * graph's order. */
static void transpose(float *data, const dmx_plane *plane, const float *table,
                      float alpha)
{
    for (int64_t t = 0; t < plane->cols; t++)
        for (int64_t c = 0; c < plane->channels; c++)
            data[c * plane->stride + t] =
                table[t * plane->channels + c] * alpha;
}

static dmx_status position_table(float *table, const dmx_node *n,
                                 dmx_error *err)
{
    if (dmx_weight_of(n) == NULL) {
        dmx_position_table_1d(table, &n->at);
        return DMX_OK;
    }
    const dmx_tensor rows =
        dmx_tensor_slice(dmx_weight_of(n), 0, 0, n->at.frames);
    return dmx_tensor_read_f32(table, &rows, err);
}

static dmx_status emit_position(dmx_planner *p, const dmx_node *n,
                                dmx_error *err)
{
    float *table, *data;
    dmx_plane plane;
    DMX_FORWARD(add_constant(&data, &plane, p, n->out[0], err));
    DMX_FORWARD(
        dmx_plan_elements(&table, NULL, plane.cols * plane.channels, err));
    const dmx_status status = position_table(table, n, err);
    if (status == DMX_OK)
        transpose(data, &plane, table,
                  dmx_weight_of(n) != NULL ? (float)n->at.alpha : 1.0f);
    free(table);
    return status;
}

static dmx_status emit_position_2d(dmx_planner *p, const dmx_node *n,
                                   dmx_error *err)
{
    const int64_t T = n->at.frames, F = n->at.freqs, half = n->at.width / 2;
    float *table;
    dmx_buf out;
    DMX_FORWARD(dmx_plan_output(&out, p, n->out[0], DMX_NO_VALUE, 0, err));
    DMX_FORWARD(dmx_plan_elements(&table, NULL, (T + F) * half, err));
    float *by_row = table + T * half;
    dmx_position_table_2d(table, by_row, &n->at);
    const dmx_status status =
        dmx_step_position(p->e, n->path, out, table, T, by_row, F, err);
    free(table);
    return status;
}

/* ---- dispatch ----------------------------------------------------------- */

static dmx_status emit_reshape(dmx_planner *p, const dmx_node *n,
                               dmx_error *err)
{
    dmx_buf out;
    DMX_FORWARD(dmx_plan_output(&out, p, n->out[0], DMX_NO_VALUE, 0, err));
    return dmx_step_reshape(p->e, n->path, in_of(p, n, 0), out, err);
}

/* The input of a transform may be needed again (plan/family.c). */
static dmx_status emit_stft(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    dmx_buf out;
    p->shared[n->in[0]] |= n->op == DMX_OP_STFT;
    DMX_FORWARD(dmx_plan_output(&out, p, n->out[0], DMX_NO_VALUE, 0, err));
    return (n->op == DMX_OP_STFT ? dmx_step_stft : dmx_step_istft)(
        p->e, n->path, in_of(p, n, 0), out, n->at.nfft, n->at.frames_of, err);
}

static dmx_status emit_input(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    return dmx_plan_output(&p->e->input, p, n->out[0], DMX_NO_VALUE, 0, err);
}

/* Operations that share a function. */
#define emit_pad           emit_move
#define emit_crop          emit_move
#define emit_concat        emit_move
#define emit_istft         emit_stft
#define emit_unstandardize emit_standardize
#define emit_group_norm    emit_norm
#define emit_layer_norm    emit_norm
#define emit_gelu          emit_activation
#define emit_relu          emit_activation
#define emit_glu           emit_activation
#define emit_scale         emit_affine
#define emit_bias          emit_affine
#define emit_untokens      emit_tokens
#define emit_position_1d   emit_position

/* Operations that always lead a unit (match.c). */
#define emit_conv           NULL
#define emit_conv_transpose NULL
#define emit_linear         NULL

/* Operations of plan/family.c. */
#define emit_magnitude       dmx_emit_magnitude
#define emit_mask            dmx_emit_mask
#define emit_wiener          dmx_emit_wiener
#define emit_mono            dmx_emit_mono
#define emit_resample        dmx_emit_resample
#define emit_lstm            dmx_emit_lstm
#define emit_local_attention dmx_emit_local_attention

/* Operations that this engine lacks would be listed here as NULL: a graph with
 * one is refused with its name. */

static dmx_emit *const emitters[DMX_OP_COUNT] = {
#define DMX_OPERATION(NAME, name, ...) [DMX_OP_##NAME] = emit_##name,
#include "graph/operations.def"
#undef DMX_OPERATION
};

dmx_status dmx_emit_node(dmx_planner *p, int32_t index, dmx_error *err)
{
    const dmx_node *n = &p->g->node[index];
    DMX_RETURN_IF(n->op >= DMX_OP_COUNT || emitters[n->op] == NULL, err,
                  DMX_ERROR_UNSUPPORTED,
                  "%s: the native engine has no %s; use ONNX Runtime", n->path,
                  dmx_op_name(n->op));
    const dmx_status status = emitters[n->op](p, n, err);
    if (status != DMX_OK)
        dmx_error_prefix(err, "%s", n->path);
    return status;
}
