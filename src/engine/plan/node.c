/* Nodes that stand alone: one step each. */
#include "engine/plan/planner.h"

#include <stdlib.h>

static const dmx_shape *shape_of(const dmx_planner *p, dmx_value v)
{
    return &p->g->value[v].shape;
}

static dmx_buf in_of(const dmx_planner *p, const dmx_node *n, int i)
{
    return p->buf[n->in[i]];
}

static float *elements(const dmx_tensor *t)
{
    float *p = t == NULL ? NULL : malloc(dmx_tensor_count(t) * sizeof *p + 1);
    if (p != NULL)
        dmx_tensor_to_f32(p, t);
    return p;
}

/* Pads, crops and joins are one move: each part at its place. */
static bool emit_move(dmx_planner *p, const dmx_node *n)
{
    static const int order[] = {1, 0, 2}; /* channels, frequency, time */
    const dmx_buf out = dmx_plan_output(p, n->out[0], DMX_NO_VALUE, 0);
    int64_t at = 0;
    if (out < 0)
        return false;
    for (int i = 0; i < n->n_in; i++) {
        int64_t shift[3] = {0, 0, 0};
        shift[order[n->at.axis]] = n->op == DMX_OP_PAD    ? -n->at.before
                                   : n->op == DMX_OP_CROP ? n->at.start
                                                          : -at;
        if (!dmx_step_shift(p->e, dmx_op_name(n->op), n->path, in_of(p, n, i),
                            out, shift, n->op == DMX_OP_PAD))
            return false;
        at += shape_of(p, n->in[i])->dim[n->at.axis];
    }
    return true;
}

static bool emit_norm(dmx_planner *p, const dmx_node *n)
{
    float *w = elements(dmx_weight_of(n)), *b = elements(dmx_bias_of(n));
    const dmx_buf out = dmx_plan_output(p, n->out[0], n->in[0],
                                        n->op == DMX_OP_GROUP_NORM ? 1 : 0);
    bool ok = w != NULL && b != NULL && out >= 0;
    if (ok && n->op == DMX_OP_GROUP_NORM)
        ok = dmx_step_group_norm(p->e, n->path, in_of(p, n, 0), out, w, b,
                                 n->at.groups, n->at.per_row, n->at.epsilon);
    else if (ok)
        ok = dmx_step_layer_norm(p->e, n->path, in_of(p, n, 0), out, w, b,
                                 n->at.epsilon);
    free(w);
    free(b);
    return ok;
}

static bool emit_affine(dmx_planner *p, const dmx_node *n)
{
    const bool bias = n->op == DMX_OP_BIAS;
    float *w = elements(dmx_operand(n, 0));
    const dmx_buf out = dmx_plan_output(p, n->out[0], n->in[0], 1);
    const int64_t count = (int64_t)dmx_tensor_count(dmx_operand(n, 0));
    for (int64_t i = 0; w != NULL && bias && i < count; i++)
        w[i] *= (float)n->at.alpha;
    const bool ok = w != NULL && out >= 0 &&
                    dmx_step_channel_affine(p->e, n->path, in_of(p, n, 0), out,
                                            bias ? NULL : w, bias ? w : NULL);
    free(w);
    return ok;
}

static bool emit_standardize(dmx_planner *p, const dmx_node *n)
{
    const dmx_buf out = dmx_plan_output(p, n->out[0], n->in[0], 1);
    return out >= 0 &&
           dmx_step_standardize(p->e, n->path, in_of(p, n, 0), in_of(p, n, 1),
                                in_of(p, n, 2), out, n->at.epsilon,
                                n->op == DMX_OP_UNSTANDARDIZE);
}

static bool emit_statistics(dmx_planner *p, const dmx_node *n)
{
    const dmx_plane one = dmx_plane_make(1, 1, 1);
    for (int i = 0; i < 2; i++)
        if ((p->buf[n->out[i]] = dmx_engine_buffer(p->e, one)) < 0)
            return false;
    return dmx_step_statistics(p->e, n->path, in_of(p, n, 0), p->buf[n->out[0]],
                               p->buf[n->out[1]]);
}

static bool emit_add(dmx_planner *p, const dmx_node *n)
{
    const int64_t rows = p->order[n->out[0]];
    const dmx_buf a = dmx_plan_ordered(p, n->in[0], rows);
    const dmx_buf b = dmx_plan_ordered(p, n->in[1], rows);
    const dmx_buf out =
        dmx_plan_output(p, n->out[0], n->in[0],
                        a == in_of(p, n, 0) && n->in[0] != n->in[1] ? 1 : 0);
    return a >= 0 && b >= 0 && out >= 0 &&
           dmx_step_add(p->e, n->path, a, b, out, (float)n->at.alpha);
}

/* A packed order may replace keys or values that nobody else needs. */
static bool only_here(const dmx_planner *p, dmx_value v, dmx_buf buf)
{
    return p->fuse && p->uses[v] == 1 && !p->shared[v] && v != p->g->output &&
           buf == p->buf[v];
}

static bool emit_attention(dmx_planner *p, const dmx_node *n)
{
    const dmx_buf k = in_of(p, n, 1);
    const dmx_buf v = dmx_plan_ordered(p, n->in[2], p->order[n->in[1]]);
    /* what a task writes only that task has read */
    const dmx_buf out = dmx_plan_output(p, n->out[0], n->in[0], 1);
    return v >= 0 && out >= 0 &&
           dmx_step_attention(p->e, n->path, in_of(p, n, 0),
                              (dmx_head_input){k, only_here(p, n->in[1], k)},
                              (dmx_head_input){v, only_here(p, n->in[2], v)},
                              out, n->at.heads, n->at.scale);
}

/* With one frequency row, a signal and its tokens are the same plane. */
static bool emit_tokens(dmx_planner *p, const dmx_node *n)
{
    const bool from = n->op == DMX_OP_UNTOKENS;
    const int64_t rows = from ? n->at.freqs : shape_of(p, n->in[0])->dim[1];
    const dmx_buf in =
        from ? dmx_plan_ordered(p, n->in[0], rows) : p->buf[n->in[0]];
    if (in < 0)
        return false;
    if (rows == 1) {
        p->buf[n->out[0]] = in;
        p->shared[n->out[0]] = p->uses[n->in[0]] > 1 || p->shared[n->in[0]] ||
                               in != in_of(p, n, 0);
        return true;
    }
    const dmx_buf out = dmx_plan_output(p, n->out[0], DMX_NO_VALUE, 0);
    return out >= 0 && dmx_step_tokens(p->e, n->path, in, out);
}

static bool emit_activation(dmx_planner *p, const dmx_node *n)
{
    const dmx_activation act = n->op == DMX_OP_GELU   ? DMX_ACT_GELU
                               : n->op == DMX_OP_RELU ? DMX_ACT_RELU
                                                      : DMX_ACT_GLU;
    const dmx_buf out =
        dmx_plan_output(p, n->out[0], n->in[0], act == DMX_ACT_GLU ? 0 : 1);
    return out >= 0 &&
           dmx_step_activation(p->e, n->path, act, in_of(p, n, 0), out);
}

/* ---- constants ---------------------------------------------------------- */

static dmx_buf constant(dmx_planner *p, dmx_value v, float **data)
{
    const dmx_buf b =
        dmx_engine_buffer(p->e, dmx_plane_of_shape(shape_of(p, v)));
    if (b < 0)
        return -1;
    *data = dmx_engine_floats(p->e, p->e->buffer[b].floats);
    p->e->buffer[b].constant = *data;
    return *data == NULL ? -1 : b;
}

static bool emit_freq_embedding(dmx_planner *p, const dmx_node *n)
{
    float *table = elements(dmx_weight_of(n)), *data;
    const dmx_buf b = constant(p, n->out[0], &data);
    p->buf[n->out[0]] = b;
    if (table != NULL && b >= 0) {
        const dmx_plane *plane = &p->e->buffer[b].plane;
        for (int64_t i = 0; i < plane->rows * plane->channels; i++)
            data[i * plane->stride] = table[i] * (float)n->at.alpha;
    }
    free(table);
    return table != NULL && b >= 0;
}

/* Row-major [L][D] into channels of a plane, tokens as in the graph. */
static void transpose(float *data, const dmx_plane *plane, const float *table,
                      float alpha)
{
    for (int64_t t = 0; t < plane->cols; t++)
        for (int64_t c = 0; c < plane->channels; c++)
            data[c * plane->stride + t] =
                table[t * plane->channels + c] * alpha;
}

static void position_table(float *table, const dmx_node *n)
{
    if (dmx_weight_of(n) == NULL) {
        dmx_position_table_1d(table, &n->at);
        return;
    }
    const dmx_tensor rows =
        dmx_tensor_slice(dmx_weight_of(n), 0, 0, n->at.frames);
    dmx_tensor_to_f32(table, &rows);
}

static bool emit_position(dmx_planner *p, const dmx_node *n)
{
    const dmx_shape *s = shape_of(p, n->out[0]);
    float *table = malloc((size_t)(s->dim[0] * s->dim[1]) * sizeof *table),
          *data;
    const dmx_buf b = constant(p, n->out[0], &data);
    p->buf[n->out[0]] = b;
    const bool ok = table != NULL && b >= 0;
    if (ok) {
        position_table(table, n);
        transpose(data, &p->e->buffer[b].plane, table,
                  dmx_weight_of(n) != NULL ? (float)n->at.alpha : 1.0f);
    }
    free(table);
    return ok;
}

static bool emit_position_2d(dmx_planner *p, const dmx_node *n)
{
    const int64_t T = n->at.frames, F = n->at.freqs, half = n->at.width / 2;
    float *table = malloc((size_t)((T + F) * half) * sizeof *table);
    const dmx_buf out = dmx_plan_output(p, n->out[0], DMX_NO_VALUE, 0);
    bool ok = table != NULL && out >= 0;
    if (ok) {
        dmx_position_table_2d(table, table + T * half, &n->at);
        ok = dmx_step_position(p->e, n->path, out, table, T, table + T * half,
                               F);
    }
    free(table);
    p->order[n->out[0]] = F;
    return ok;
}

/* ---- dispatch ----------------------------------------------------------- */

static bool emit_reshape(dmx_planner *p, const dmx_node *n)
{
    const dmx_buf out = dmx_plan_output(p, n->out[0], DMX_NO_VALUE, 0);
    return out >= 0 && dmx_step_reshape(p->e, n->path, in_of(p, n, 0), out);
}

static bool emit_stft(dmx_planner *p, const dmx_node *n)
{
    const dmx_buf out = dmx_plan_output(p, n->out[0], DMX_NO_VALUE, 0);
    if (out < 0)
        return false;
    return n->op == DMX_OP_STFT
               ? dmx_step_stft(p->e, n->path, in_of(p, n, 0), out, n->at.nfft)
               : dmx_step_istft(p->e, n->path, in_of(p, n, 0), out, n->at.nfft);
}

static bool emit_input(dmx_planner *p, const dmx_node *n)
{
    p->e->input = dmx_plan_output(p, n->out[0], DMX_NO_VALUE, 0);
    return p->e->input >= 0;
}

static bool (*const emitters[DMX_OP_COUNT])(dmx_planner *, const dmx_node *) = {
    [DMX_OP_INPUT] = emit_input,
    [DMX_OP_PAD] = emit_move,
    [DMX_OP_CROP] = emit_move,
    [DMX_OP_CONCAT] = emit_move,
    [DMX_OP_RESHAPE] = emit_reshape,
    [DMX_OP_STFT] = emit_stft,
    [DMX_OP_ISTFT] = emit_stft,
    [DMX_OP_STATISTICS] = emit_statistics,
    [DMX_OP_STANDARDIZE] = emit_standardize,
    [DMX_OP_UNSTANDARDIZE] = emit_standardize,
    [DMX_OP_GROUP_NORM] = emit_norm,
    [DMX_OP_LAYER_NORM] = emit_norm,
    [DMX_OP_GELU] = emit_activation,
    [DMX_OP_RELU] = emit_activation,
    [DMX_OP_GLU] = emit_activation,
    [DMX_OP_SCALE] = emit_affine,
    [DMX_OP_BIAS] = emit_affine,
    [DMX_OP_ADD] = emit_add,
    [DMX_OP_ATTENTION] = emit_attention,
    [DMX_OP_TOKENS] = emit_tokens,
    [DMX_OP_UNTOKENS] = emit_tokens,
    [DMX_OP_FREQ_EMBEDDING] = emit_freq_embedding,
    [DMX_OP_POSITION_1D] = emit_position,
    [DMX_OP_POSITION_2D] = emit_position_2d,
};

dmx_status dmx_emit_node(dmx_planner *p, int32_t index, dmx_error *err)
{
    const dmx_node *n = &p->g->node[index];
    DMX_RETURN_IF(n->op >= DMX_OP_COUNT || emitters[n->op] == NULL, err,
                  DMX_ERROR_UNSUPPORTED,
                  "%s: the native engine has no %s; use ONNX Runtime", n->path,
                  dmx_op_name(n->op));
    DMX_RETURN_IF(!emitters[n->op](p, n), err, DMX_ERROR_MEMORY,
                  "%s: out of memory while planning", n->path);
    return DMX_OK;
}
