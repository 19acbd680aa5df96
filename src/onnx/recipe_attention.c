/* Attention: softmax(q k') v per head, in pieces: some heads, some queries. */
#include "onnx/emit_shape.h"
#include "onnx/walk.h"

/* Scores of one piece: as many as a last-level cache holds. */
#define PIECE_BYTES ((int64_t)16 << 20)
/* Runtimes repack keys and values for each product, which costs too much with
 * fewer queries than this. */
#define LEAST_QUERIES 512
#define MAX_PIECES    32
/* Scores of each attention are of a shape of its own by name. */
#define FIRST_TAG 2

typedef struct pieces {
    int64_t groups; /* of heads */
    int64_t chunks; /* of queries */
} pieces;

/* Chunk i of the queries is [start[i], start[i + 1]). */
typedef struct cut {
    int64_t count;
    int64_t tag; /* scores have a name of their own (dmx_extent_apart) */
    dmx_extent start[MAX_PIECES + 1];
} cut;

/* L tokens as [1, H, L, d], or [1, H, d, L] for keys: they are so already when
 * channels come first. */
static dmx_name heads(dmx_walk *w, dmx_value v, int64_t rows, int64_t heads,
                      bool keys)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *dim = dmx_walk_dim(w, v);
    const dmx_extent length = dim[0], batch = e->batch;
    const int64_t size = dim[1] / heads;
    if (keys && dmx_walk_is_nchw(w, v) && rows == dmx_walk_rows(w, v))
        return dmx_emit_reshape(e, dmx_walk_nchw(w, v),
                                DMX_DIMS(batch, heads, size, length));
    const dmx_name x = dmx_emit_reshape(e, dmx_walk_tokens(w, v, rows),
                                        DMX_DIMS(batch, length, heads, size));
    return keys ? dmx_emit_transpose(e, x, DMX_DIMS(0, 2, 3, 1))
                : dmx_emit_transpose(e, x, DMX_DIMS(0, 2, 1, 3));
}

static dmx_name attend(dmx_emitter *e, dmx_name q, dmx_name k, dmx_name v)
{
    const dmx_name p = dmx_emit_1(e, "Softmax", dmx_emit_2(e, "MatMul", q, k));
    dmx_attribute_int(e, "axis", -1);
    return dmx_emit_2(e, "MatMul", p, v);
}

static int64_t chunk_count(int64_t heads, int64_t queries, int64_t keys,
                           int64_t budget)
{
    const int64_t bytes = heads * queries * keys * (int64_t)sizeof(float);
    const int64_t count = (bytes + budget - 1) / budget;
    return count < queries ? count : queries;
}

static int64_t node_count(pieces p)
{
    const int64_t slices = p.groups > 1 ? 3 : 0;
    const int64_t chunks = p.chunks > 1 ? 4 * p.chunks + 1 : 3;
    return p.groups * (slices + chunks);
}

/* The division with the fewest nodes, and among those the most queries; all
 * heads at once if there is no other. */
static pieces divide(int64_t heads, int64_t queries, int64_t keys,
                     int64_t budget)
{
    pieces best = {0, 0};
    for (int64_t groups = heads; groups >= 1; groups--) {
        if (heads % groups != 0)
            continue;
        const pieces p = {groups,
                          chunk_count(heads / groups, queries, keys, budget)};
        const bool narrow = p.chunks > 1 && queries / p.chunks < LEAST_QUERIES;
        if (narrow && groups != heads)
            continue;
        if (best.groups == 0 || node_count(p) < node_count(best))
            best = p;
    }
    return best;
}

static pieces choose_pieces(int64_t heads, int64_t queries, int64_t keys)
{
    int64_t budget = PIECE_BYTES;
    pieces p = divide(heads, queries, keys, budget);
    while (p.groups * p.chunks > MAX_PIECES)
        p = divide(heads, queries, keys, budget *= 2);
    return p;
}

static dmx_name attend_in_chunks(dmx_emitter *e, dmx_name q, dmx_name k,
                                 dmx_name v, const cut *c)
{
    dmx_name part[MAX_PIECES];
    if (c->count <= 1)
        return attend(e, dmx_emitter_apart(e, q, 2, c->tag), k, v);
    for (int64_t i = 0; i < c->count; i++) {
        const dmx_name some =
            dmx_emit_slice(e, q, 2, c->start[i], c->start[i + 1]);
        part[i] = attend(e, dmx_emitter_apart(e, some, 2, c->tag), k, v);
    }
    (void)dmx_emit_concat(e, part, (size_t)c->count, 2);
    return dmx_emitter_like(e, q);
}

static dmx_name attend_in_pieces(dmx_emitter *e, const dmx_name in[3],
                                 int64_t heads, int64_t groups, const cut *c)
{
    dmx_name part[MAX_PIECES], piece[3];
    const int64_t each = heads / groups;
    if (groups <= 1)
        return attend_in_chunks(e, in[0], in[1], in[2], c);
    for (int64_t g = 0; g < groups; g++) {
        for (int k = 0; k < 3; k++)
            piece[k] = dmx_emit_slice(e, in[k], 1, g * each, (g + 1) * each);
        part[g] = attend_in_chunks(e, piece[0], piece[1], piece[2], c);
    }
    (void)dmx_emit_concat(e, part, (size_t)groups, 1);
    return dmx_emitter_like(e, in[0]);
}

/* The most chunks up to `count` of free queries whose length has a rule:
 * *each is the ceiling of queries / chunks. */
static int64_t whole_chunks(dmx_emitter *e, dmx_extent *each,
                            dmx_extent queries, int64_t count)
{
    dmx_length y;
    while (count > 1 &&
           !dmx_length_ceil(&y, dmx_extent_rule(e, queries).length, count))
        count--;
    *each = dmx_extent_ceil(e, queries, count);
    return count;
}

/* Equal chunks; of free queries with zeros behind them, *padded of them. */
static cut cut_queries(dmx_emitter *e, dmx_extent *padded, dmx_extent queries,
                       int64_t count)
{
    cut c = {.count = count};
    dmx_extent each = 0;
    *padded = queries;
    if (dmx_extent_is_free(queries)) {
        c.count = whole_chunks(e, &each, queries, count);
        *padded = dmx_extent_times(e, each, c.count);
    }
    for (int64_t i = 0; i <= c.count; i++)
        c.start[i] = each == 0 ? queries * i / count
                     : i == 0  ? 0
                               : dmx_extent_times(e, each, i);
    return c;
}

/* Whether the scale is folded into the preceding linear layer's weights. */
static bool query_is_scaled(const dmx_walk *w, const dmx_node *n)
{
    const dmx_node *q = &w->g->node[w->g->value[n->in[0]].producer];
    return q->op == DMX_OP_LINEAR &&
           dmx_next_op(&w->a, q, DMX_OP_ATTENTION) == n;
}

/* Queries as heads, scaled unless the scale is in their weights. */
static dmx_name queries(dmx_walk *w, const dmx_node *n)
{
    const int64_t rows = dmx_walk_rows(w, n->in[0]);
    const dmx_name q = heads(w, n->in[0], rows, n->at.heads, false);
    return query_is_scaled(w, n) ? q
                                 : dmx_emit_mul_scalar(&w->e, q, n->at.scale);
}

void dmx_recipe_attention(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *dq = dmx_walk_dim(w, n->in[0]);
    const dmx_extent *dk = dmx_walk_dim(w, n->in[1]);
    const int64_t h = n->at.heads, rows = dmx_walk_rows(w, n->in[0]);
    const int64_t key_rows = dmx_walk_rows(w, n->in[1]);
    const pieces p = choose_pieces(h, dmx_extent_typical(e, dq[0]),
                                   dmx_extent_typical(e, dk[0]));
    dmx_extent padded;
    cut c = cut_queries(e, &padded, dq[0], p.chunks);
    c.tag = FIRST_TAG + (n - w->g->node);
    dmx_name part[] = {queries(w, n), heads(w, n->in[1], key_rows, h, true),
                       heads(w, n->in[2], key_rows, h, false)};
    if (padded != dq[0])
        part[0] = dmx_emit_pad_to(e, part[0], 4, 2, dq[0], padded);
    dmx_name y = attend_in_pieces(e, part, h, p.groups, &c);
    if (padded != dq[0])
        y = dmx_emit_slice(e, y, 2, 0, dq[0]);
    dmx_extent dim[4];
    const size_t rank = dmx_walk_token_shape(w, dq[0], rows, dq[1], dim);
    e->late = e->n_node; /* the last one's: encoder and decoder share nothing */
    y = dmx_emit_transpose(e, y, DMX_DIMS(0, 2, 1, 3));
    dmx_walk_set(w, n, dmx_emit_reshape(e, y, dim, rank));
}
