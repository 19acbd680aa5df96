#include "onnx/emit_weights.h"
#include "onnx/usual.h"

/* "b c f t -> b (t f) c": the data is permuted, not the positions. */
void dmx_usual_tokens(dmx_walk *w, const dmx_node *n)
{
    const int64_t *d = dmx_walk_dim(w, n->in[0]);
    dmx_name x = dmx_usual_plain(w, n->in[0]);
    x = dmx_emit_transpose(&w->e, x, DMX_DIMS(0, 3, 2, 1));
    dmx_walk_set(w, n,
                 dmx_emit_reshape(&w->e, x, DMX_DIMS(1, d[1] * d[2], d[0])));
}

void dmx_usual_untokens(dmx_walk *w, const dmx_node *n)
{
    const int64_t *d = dmx_walk_dim(w, n->out[0]);
    dmx_name x = dmx_walk_tokens(w, n->in[0], 1);
    x = dmx_emit_reshape(&w->e, x, DMX_DIMS(1, d[2], d[1], d[0]));
    dmx_walk_set(w, n, dmx_emit_transpose(&w->e, x, DMX_DIMS(0, 3, 2, 1)));
}

void dmx_usual_linear(dmx_walk *w, const dmx_node *n)
{
    dmx_walk_set(w, n,
                 dmx_emit_linear(&w->e, dmx_walk_tokens(w, n->in[0], 1),
                                 n->weight, n->bias, NULL, 1.0));
}

/* torch.nn.MultiheadAttention: (length, heads, size) turned to (heads, length,
 * size), all queries at once. */
static dmx_name heads(dmx_walk *w, dmx_value v, int64_t n_head, bool keys)
{
    const int64_t *d = dmx_walk_dim(w, v);
    const dmx_name x = dmx_emit_reshape(&w->e, dmx_walk_tokens(w, v, 1),
                                        DMX_DIMS(d[0], n_head, d[1] / n_head));
    return keys ? dmx_emit_transpose(&w->e, x, DMX_DIMS(1, 2, 0))
                : dmx_emit_transpose(&w->e, x, DMX_DIMS(1, 0, 2));
}

void dmx_usual_attention(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const int64_t *d = dmx_walk_dim(w, n->in[0]);
    dmx_name q = heads(w, n->in[0], n->at.heads, false);
    q = dmx_emit_mul_scalar(e, q, n->at.scale);
    const dmx_name k = heads(w, n->in[1], n->at.heads, true);
    const dmx_name v = heads(w, n->in[2], n->at.heads, false);
    dmx_name y = dmx_emit_1(e, "Softmax", dmx_emit_2(e, "MatMul", q, k));
    dmx_attribute_int(e, "axis", -1);
    y = dmx_emit_transpose(e, dmx_emit_2(e, "MatMul", y, v), DMX_DIMS(1, 0, 2));
    dmx_walk_set(w, n, dmx_emit_reshape(e, y, DMX_DIMS(1, d[0], d[1])));
}

/* MyGroupNorm: channels first, normalise, and back. */
void dmx_usual_token_norm(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const int64_t *d = dmx_walk_dim(w, n->in[0]);
    const int64_t first[] = {1, d[1], d[0]}, column[] = {d[1], 1};
    dmx_name x = dmx_emit_transpose(e, dmx_walk_tokens(w, n->in[0], 1),
                                    DMX_DIMS(0, 2, 1));
    x = dmx_usual_instance_norm(e, x, 1, n->at.groups, first, 3, n->at.epsilon);
    x = dmx_emit_2(e, "Mul", x,
                   dmx_weight_vector(e, n->weight, 1.0, column, 2));
    x = dmx_emit_2(e, "Add", x, dmx_weight_vector(e, n->bias, 1.0, column, 2));
    dmx_walk_set(w, n, dmx_emit_transpose(e, x, DMX_DIMS(0, 2, 1)));
}

/* The whole table, as a trace records it. */
void dmx_usual_position(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const int64_t f = n->at.freqs, t = n->at.frames, half = n->at.width / 2;
    float *frames = dmx_emitter_buffer(e, (size_t)(t * half), sizeof *frames);
    float *rows = dmx_emitter_buffer(e, (size_t)(f * half), sizeof *rows);
    float *all = dmx_emitter_buffer(e, (size_t)(2 * f * t * half), sizeof *all);
    if (frames == NULL || rows == NULL || all == NULL)
        return;
    dmx_position_table_2d(frames, rows, &n->at);
    for (int64_t i = 0; i < f * t; i++)
        for (int64_t k = 0; k < half; k++) {
            all[(2 * i) * half + k] = frames[i / f * half + k];
            all[(2 * i + 1) * half + k] = rows[i % f * half + k];
        }
    dmx_walk_set(
        w, n,
        dmx_constant_f32(e, "position_2d", all, DMX_DIMS(1, f * t, 2 * half)));
}
