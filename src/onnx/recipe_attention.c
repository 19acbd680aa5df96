/* Attention: softmax(q k') v per head, the queries in chunks. */
#include "onnx/walk.h"

/* Scores of one chunk, all heads: a few megabytes more than a core's caches
 * hold cost more than the extra nodes. */
#define CHUNK_BYTES ((int64_t)36 << 20)
#define MAX_CHUNKS  32

/* [1, L, D] -> [1, H, L, d], or [1, H, d, L] for keys. */
static dmx_name heads(dmx_emitter *e, dmx_name x, int64_t length, int64_t heads,
                      int64_t size, bool keys)
{
    x = dmx_emit_reshape(e, x, DMX_DIMS(1, length, heads, size));
    return keys ? dmx_emit_transpose(e, x, DMX_DIMS(0, 2, 3, 1))
                : dmx_emit_transpose(e, x, DMX_DIMS(0, 2, 1, 3));
}

static dmx_name attend(dmx_emitter *e, dmx_name q, dmx_name k, dmx_name v)
{
    const dmx_name p = dmx_emit_1(e, "Softmax", dmx_emit_2(e, "MatMul", q, k));
    dmx_attribute_int(e, "axis", -1);
    return dmx_emit_2(e, "MatMul", p, v);
}

static int64_t chunk_count(int64_t n_head, int64_t queries, int64_t keys)
{
    const int64_t bytes = n_head * queries * keys * (int64_t)sizeof(float);
    int64_t count = (bytes + CHUNK_BYTES - 1) / CHUNK_BYTES;
    if (count > MAX_CHUNKS)
        count = MAX_CHUNKS;
    return count < queries ? count : queries;
}

static dmx_name attend_in_chunks(dmx_emitter *e, dmx_name q, dmx_name k,
                                 dmx_name v, int64_t queries, int64_t count)
{
    dmx_name part[MAX_CHUNKS];
    if (count <= 1)
        return attend(e, q, k, v);
    for (int64_t i = 0; i < count; i++) {
        const int64_t start = queries * i / count;
        const int64_t end = queries * (i + 1) / count;
        part[i] = attend(e, dmx_emit_slice(e, q, 2, start, end), k, v);
    }
    return dmx_emit_concat(e, part, (size_t)count, 2);
}

/* Whether the linear layer before has the scale in its weights. */
static bool query_is_scaled(const dmx_walk *w, const dmx_node *n)
{
    const dmx_node *q = &w->g->node[w->g->value[n->in[0]].producer];
    return q->op == DMX_OP_LINEAR && dmx_walk_next(w, q, DMX_OP_ATTENTION) == n;
}

void dmx_recipe_attention(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const int64_t *dq = dmx_walk_dim(w, n->in[0]);
    const int64_t *dk = dmx_walk_dim(w, n->in[1]);
    const int64_t h = n->at.heads, size = dq[1] / h;
    const int64_t key_rows = dmx_walk_rows(w, n->in[1]);
    dmx_name q = dmx_walk_in(w, n, 0);
    if (!query_is_scaled(w, n))
        q = dmx_emit_mul_scalar(e, q, n->at.scale);
    q = heads(e, q, dq[0], h, size, false);
    const dmx_name k = heads(e, dmx_walk_in(w, n, 1), dk[0], h, size, true);
    const dmx_name v =
        heads(e, dmx_walk_tokens(w, n->in[2], key_rows), dk[0], h, size, false);
    dmx_name y =
        attend_in_chunks(e, q, k, v, dq[0], chunk_count(h, dq[0], dk[0]));
    y = dmx_emit_transpose(e, y, DMX_DIMS(0, 2, 1, 3));
    y = dmx_emit_reshape(e, y, DMX_DIMS(1, dq[0], dq[1]));
    dmx_walk_set_tokens(w, n, y, dmx_walk_rows(w, n->in[0]));
}
