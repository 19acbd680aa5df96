/* Attention over time with a distance penalty (demucs.demucs.LocalState), in
 * pieces of queries: the full score matrix would be by far the largest tensor
 * of the model. */
#include "onnx/emit_shape.h"
#include "onnx/walk.h"

#include <math.h>

/* Scores of one piece, and how many pieces at most. */
#define PIECE_BYTES ((int64_t)16 << 20)
#define MAX_PIECES  32
#define FIRST_TAG   2

typedef struct local {
    dmx_name query, key, content; /* [N, h, S, d], [N, h, d, T], [N, h, T, d] */
    dmx_name slope;               /* [N, h, S, 1] */
    dmx_name place, key_place;    /* [S, 1], [1, T]: 0, 1, ... */
    int64_t heads;
    int64_t tag; /* of the names of pieces */
} local;

/* [B, h * size, F, T] as [B * F, h, size, T]. */
static dmx_name heads_of(dmx_walk *w, const dmx_node *n, int i, int64_t size)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *dim = dmx_walk_dim(w, n->in[i]);
    dmx_name x = dmx_walk_in(w, n, i);
    if (dim[1] != 1)
        x = dmx_emit_transpose(e, x, DMX_DIMS(0, 2, 1, 3));
    return dmx_emit_reshape(e, x,
                            DMX_DIMS(dmx_extent_times(e, e->batch, dim[1]),
                                     n->at.heads, size, dim[2]));
}

static dmx_name swap_last(dmx_emitter *e, dmx_name x)
{
    return dmx_emit_transpose(e, x, DMX_DIMS(0, 1, 3, 2));
}

/* The penalty per time step of distance: [N, h, T, 1]. */
static dmx_name slopes(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const int64_t count = dmx_walk_dim(w, n->in[3])[0] / n->at.heads;
    double *factor = dmx_emitter_alloc(e, (size_t)count, sizeof *factor);
    if (factor == NULL)
        return "";
    for (int64_t i = 0; i < count; i++)
        factor[i] = (double)(i + 1) / 2.0 / sqrt((double)count);
    dmx_name y = dmx_emit_1(e, "Sigmoid", heads_of(w, n, 3, count));
    y = dmx_emit_2(
        e, "Mul", y,
        dmx_constant_f64(e, "decay", factor, DMX_DIMS(1, 1, count, 1)));
    return swap_last(e, dmx_emit_reduce(e, "ReduceSum", y, 2));
}

/* 0, 1, ... below x as [x, 1]. */
static dmx_name ramp(dmx_emitter *e, dmx_extent x)
{
    if (dmx_extent_is_free(x))
        return dmx_extent_ramp(e, x);
    double *v = dmx_emitter_alloc(e, (size_t)x, sizeof *v);
    for (int64_t i = 0; v != NULL && i < x; i++)
        v[i] = (double)i;
    return v != NULL ? dmx_constant_f64(e, "ramp", v, DMX_DIMS(x, 1)) : "";
}

/* softmax(q k - |t - s| slope, -100 where t = s) content */
static dmx_name attend(dmx_emitter *e, const local *l)
{
    const dmx_name zero = dmx_constant_scalar(e, 0.0);
    const dmx_name away =
        dmx_emit_1(e, "Abs", dmx_emit_2(e, "Sub", l->key_place, l->place));
    dmx_name score = dmx_emit_2(e, "MatMul", l->query, l->key);
    score = dmx_emit_2(e, "Sub", score, dmx_emit_2(e, "Mul", l->slope, away));
    const dmx_name itself = dmx_emit_2(e, "Equal", away, zero);
    const dmx_name in[] = {itself, dmx_constant_scalar(e, -100.0), score};
    const dmx_name p = dmx_emit_1(e, "Softmax", dmx_emit(e, "Where", in, 3));
    dmx_attribute_int(e, "axis", -1);
    return dmx_emit_2(e, "MatMul", p, l->content);
}

/* The number of pieces of queries that keeps the scores small; with a free
 * number of queries, their length must have a rule. */
static int64_t piece_count(dmx_emitter *e, dmx_extent *each, int64_t heads,
                           dmx_extent queries)
{
    const int64_t t = dmx_extent_typical(e, queries);
    const int64_t bytes = heads * t * t * (int64_t)sizeof(float);
    int64_t count = (bytes + PIECE_BYTES - 1) / PIECE_BYTES;
    dmx_length y;
    count = count > MAX_PIECES ? MAX_PIECES : count < 1 ? 1 : count;
    while (count > 1 && dmx_extent_is_free(queries) &&
           !dmx_length_ceil(&y, dmx_extent_rule(e, queries).length, count))
        count--;
    *each = dmx_extent_ceil(e, queries, count);
    return count;
}

/* With a name of its own for its length, as in recipe_attention.c. */
static dmx_name chunk(dmx_emitter *e, const local *l, dmx_name x, int axis,
                      dmx_extent from, dmx_extent to)
{
    return dmx_emitter_apart(e, dmx_emit_slice(e, x, axis, from, to), axis,
                             l->tag);
}

static dmx_name attend_in_pieces(dmx_emitter *e, const local *l,
                                 dmx_extent queries)
{
    dmx_name part[MAX_PIECES];
    dmx_extent each;
    const int64_t count = piece_count(e, &each, l->heads, queries);
    const dmx_extent padded = dmx_extent_times(e, each, count);
    if (count == 1)
        return attend(e, l);
    local whole = *l;
    whole.place = ramp(e, padded);
    if (padded != queries) {
        whole.query = dmx_emit_pad_to(e, l->query, 4, 2, queries, padded);
        whole.slope = dmx_emit_pad_to(e, l->slope, 4, 2, queries, padded);
    }
    for (int64_t i = 0; i < count; i++) {
        const dmx_extent from = i == 0 ? 0 : dmx_extent_times(e, each, i);
        const dmx_extent to = dmx_extent_times(e, each, i + 1);
        local piece = *l;
        piece.query = chunk(e, l, whole.query, 2, from, to);
        piece.slope = chunk(e, l, whole.slope, 2, from, to);
        piece.place = chunk(e, l, whole.place, 0, from, to);
        part[i] = attend(e, &piece);
    }
    (void)dmx_emit_concat(e, part, (size_t)count, 2);
    const dmx_name y = dmx_emitter_like(e, whole.query);
    return padded != queries ? dmx_emit_slice(e, y, 2, 0, queries) : y;
}

void dmx_recipe_local_attention(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *dim = dmx_walk_dim(w, n->in[0]);
    const dmx_extent f = dim[1], t = dim[2], batch = e->batch;
    const int64_t width = dim[0] / n->at.heads;
    local l = {.heads = n->at.heads, .tag = FIRST_TAG + (n - w->g->node)};
    l.query = dmx_emit_mul_scalar(e, swap_last(e, heads_of(w, n, 0, width)),
                                  n->at.scale);
    l.key = heads_of(w, n, 1, width);
    l.content = swap_last(e, heads_of(w, n, 2, width));
    l.slope = slopes(w, n);
    l.place = ramp(e, t);
    l.key_place = dmx_emit_reshape(e, l.place, DMX_DIMS(1, t));
    dmx_name y = swap_last(e, attend_in_pieces(e, &l, t));
    if (f == 1) {
        dmx_walk_set(w, n,
                     dmx_emit_reshape(e, y, DMX_DIMS(batch, dim[0], 1, t)));
        return;
    }
    y = dmx_emit_reshape(e, y, DMX_DIMS(batch, f, dim[0], t));
    dmx_walk_set(w, n, dmx_emit_transpose(e, y, DMX_DIMS(0, 2, 1, 3)));
}
