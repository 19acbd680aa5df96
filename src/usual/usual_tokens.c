#include "onnx/emit_weights.h"
#include "usual/usual.h"

#include <string.h>

/* "b c f t -> b (t f) c": the data is permuted, not the positions. */
void dmx_usual_tokens(dmx_walk *w, const dmx_node *n)
{
    const dmx_extent *d = dmx_walk_dim(w, n->in[0]);
    dmx_name x = dmx_usual_plain(w, n->in[0]);
    x = dmx_emit_transpose(&w->e, x, DMX_DIMS(0, 3, 2, 1));
    dmx_walk_set(w, n,
                 dmx_emit_reshape(&w->e, x, DMX_DIMS(1, d[1] * d[2], d[0])));
}

void dmx_usual_untokens(dmx_walk *w, const dmx_node *n)
{
    const dmx_extent *d = dmx_walk_dim(w, n->out[0]);
    dmx_name x = dmx_walk_tokens(w, n->in[0], 1);
    x = dmx_emit_reshape(&w->e, x, DMX_DIMS(1, d[2], d[1], d[0]));
    dmx_walk_set(w, n, dmx_emit_transpose(&w->e, x, DMX_DIMS(0, 3, 2, 1)));
}

/* The attention that consumes a node's result, or NULL. */
static const dmx_node *attention_after(const dmx_walk *w, const dmx_node *n)
{
    const int32_t user = dmx_sole_consumer(&w->a, n->out[0]);
    const dmx_node *next = user >= 0 ? &w->g->node[user] : NULL;
    return next != NULL && next->op == DMX_OP_ATTENTION ? next : NULL;
}

/* Projections are emitted with the attention: they are part of that module. */
void dmx_usual_linear(dmx_walk *w, const dmx_node *n)
{
    if (attention_after(w, n) != NULL)
        dmx_walk_skip(w, n);
    else
        dmx_walk_set(w, n,
                     dmx_emit_linear(&w->e, dmx_walk_tokens(w, n->in[0], 1),
                                     dmx_weight_of(n), dmx_bias_of(n), NULL,
                                     1.0));
}

/* ---- torch.nn.MultiheadAttention ----------------------------------------- */
/* The pending projection that produces input k, or NULL. */
static const dmx_node *projection(const dmx_walk *w, const dmx_node *n, int k)
{
    const dmx_node *p = &w->g->node[w->g->value[n->in[k]].producer];
    const bool waits =
        p->op == DMX_OP_LINEAR && w->value[n->in[k]].name == NULL;
    return waits ? p : NULL;
}

/* batch_first is undone: (1, L, D) to (L, 1, D). */
static dmx_name length_first(dmx_emitter *e, dmx_name x)
{
    return dmx_emit_transpose(e, x, DMX_DIMS(1, 0, 2));
}

/* Three matrices [D][D] packed as one [D][3 D], as in the module. */
static dmx_name packed_weight(dmx_emitter *e, const dmx_node *const p[3])
{
    const int64_t out = dmx_weight_of(p[0])->dim[0],
                  in = dmx_weight_of(p[0])->dim[1];
    float *all = dmx_emitter_buffer(e, (size_t)(3 * out * in), sizeof *all);
    for (int k = 0; k < 3; k++) {
        float *w = dmx_weight_floats(e, dmx_weight_of(p[k]));
        if (w == NULL || all == NULL)
            return "";
        for (int64_t o = 0; o < out; o++)
            for (int64_t i = 0; i < in; i++)
                all[(3 * i + k) * out + o] = w[o * in + i];
        dmx_emitter_drop_buffer(e, w);
    }
    return dmx_constant_f32(e, "in_proj", all, DMX_DIMS(in, 3 * out));
}

static dmx_name packed_bias(dmx_emitter *e, const dmx_node *const p[3])
{
    const int64_t out = dmx_bias_of(p[0])->dim[0];
    double *all = dmx_emitter_alloc(e, (size_t)(3 * out), sizeof *all);
    for (int k = 0; k < 3; k++) {
        double *b = dmx_weight_doubles(e, dmx_bias_of(p[k]));
        if (b == NULL || all == NULL)
            return "";
        memcpy(all + k * out, b, (size_t)out * sizeof *b);
        dmx_emitter_drop_buffer(e, b);
    }
    return dmx_constant_f64(e, "in_proj_bias", all, DMX_DIMS(3 * out));
}

/* Self-attention projects once and splits the result in three. */
static void project_at_once(dmx_walk *w, const dmx_node *const p[3],
                            dmx_name out[3])
{
    dmx_emitter *e = &w->e;
    dmx_name x = length_first(e, dmx_walk_tokens(w, p[0]->in[0], 1));
    x = dmx_emit_2(e, "MatMul", x, packed_weight(e, p));
    x = dmx_emit_2(e, "Add", x, packed_bias(e, p));
    dmx_usual_split_in(e, x, -1, out, 3);
}

/* Cross-attention has two sources and three projections. */
static void project_apart(dmx_walk *w, const dmx_node *n,
                          const dmx_node *const p[3], dmx_name out[3])
{
    dmx_emitter *e = &w->e;
    dmx_name source = "";
    for (int k = 0; k < 3; k++) {
        const dmx_value v = p[k] != NULL ? p[k]->in[0] : n->in[k];
        const bool again = k == 2 && p[1] != NULL && p[1]->in[0] == v;
        if (!again)
            source = length_first(e, dmx_walk_tokens(w, v, 1));
        out[k] = p[k] != NULL ? dmx_emit_linear(e, source, dmx_weight_of(p[k]),
                                                dmx_bias_of(p[k]), NULL, 1.0)
                              : source;
    }
}

static void project(dmx_walk *w, const dmx_node *n, dmx_name out[3])
{
    const dmx_node *p[3];
    bool at_once = true;
    for (int k = 0; k < 3; k++) {
        p[k] = projection(w, n, k);
        at_once = at_once && p[k] != NULL && dmx_bias_of(p[k]) != NULL &&
                  p[k]->in[0] == p[0]->in[0];
    }
    if (at_once)
        project_at_once(w, p, out);
    else
        project_apart(w, n, p, out);
}

/* (L, 1, D) to (heads, L, size). */
static dmx_name heads(dmx_emitter *e, dmx_name x, const int64_t *d, int64_t h)
{
    x = dmx_emit_reshape(e, x, DMX_DIMS(d[0], h, d[1] / h));
    return dmx_emit_transpose(e, x, DMX_DIMS(1, 0, 2));
}

/* All queries at once; the keys are transposed a second time. */
static dmx_name attend(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    dmx_name x[3];
    project(w, n, x);
    for (int k = 0; k < 3; k++)
        x[k] = heads(e, x[k], dmx_walk_dim(w, n->in[k]), n->at.heads);
    x[0] = dmx_emit_mul_scalar(e, x[0], n->at.scale);
    x[1] = dmx_emit_transpose(e, x[1], DMX_DIMS(0, 2, 1));
    dmx_name y = dmx_emit_1(e, "Softmax", dmx_emit_2(e, "MatMul", x[0], x[1]));
    dmx_attribute_int(e, "axis", -1);
    return dmx_emit_transpose(e, dmx_emit_2(e, "MatMul", y, x[2]),
                              DMX_DIMS(1, 0, 2));
}

/* The output projection is a Gemm on (L, D) within the module. */
static dmx_name project_back(dmx_emitter *e, dmx_name x, const dmx_node *n)
{
    const dmx_name in[] = {
        x, dmx_weight_as_is(e, dmx_weight_of(n), dmx_weight_of(n)->dim, 2),
        dmx_bias_of(n) != NULL
            ? dmx_weight_vector(e, dmx_bias_of(n), 1.0, dmx_bias_of(n)->dim, 1)
            : NULL};
    const dmx_name y = dmx_emit(e, "Gemm", in, dmx_bias_of(n) != NULL ? 3 : 2);
    dmx_attribute_int(e, "transB", 1);
    return y;
}

void dmx_usual_attention(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *d = dmx_walk_dim(w, n->in[0]);
    const dmx_node *back = dmx_next_op(&w->a, n, DMX_OP_LINEAR);
    if (back != NULL && attention_after(w, back) != NULL)
        back = NULL;
    const dmx_node *last = back != NULL ? back : n;
    const int64_t width = dmx_walk_dim(w, last->out[0])[1];
    dmx_name y = dmx_emit_reshape(e, attend(w, n), DMX_DIMS(d[0], d[1]));
    if (back != NULL)
        y = project_back(e, y, back);
    y = dmx_emit_reshape(e, y, DMX_DIMS(d[0], 1, width));
    dmx_walk_skip(w, n);
    dmx_walk_set(w, last, dmx_emit_transpose(e, y, DMX_DIMS(1, 0, 2)));
}

/* MyGroupNorm: channels first, normalise, and back. */
void dmx_usual_token_norm(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *d = dmx_walk_dim(w, n->in[0]);
    const int64_t first[] = {1, d[1], d[0]}, column[] = {d[1], 1};
    dmx_name x = dmx_emit_transpose(e, dmx_walk_tokens(w, n->in[0], 1),
                                    DMX_DIMS(0, 2, 1));
    x = dmx_usual_instance_norm(e, x, 1, n->at.groups, first, 3, n->at.epsilon);
    x = dmx_emit_2(e, "Mul", x,
                   dmx_weight_vector(e, dmx_weight_of(n), 1.0, column, 2));
    x = dmx_emit_2(e, "Add", x,
                   dmx_weight_vector(e, dmx_bias_of(n), 1.0, column, 2));
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
