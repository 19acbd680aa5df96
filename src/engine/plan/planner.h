/* Shared by the files of plan/: the state of compiling a graph to steps.
 *
 * Fusion depends only on patterns of the graph. A product (convolution, linear
 * map) absorbs what consumes only its result: crop, activation, scale,
 * addition; and the padding and layer norm before it. A residual branch of the
 * form of steps/dconv.c becomes one unit. Linear maps of one input, and pairs
 * of which one feeds the other, are units that share a step. A unit is emitted
 * in the place of its last node, where all its inputs exist. */
#ifndef DMX_ENGINE_PLANNER_H
#define DMX_ENGINE_PLANNER_H

#include "engine/steps/product.h"
#include "engine/steps/steps.h"
#include "graph/analysis.h"

/* Rows of several signals in one (plan/rows.c): a concatenation along rows, and
 * what is applied to its result alone, which is applied to each part instead.
 * Node indices, -1 where absent. */
typedef struct dmx_join {
    int32_t concat, act, add;
    dmx_value other; /* the other term of add */
    dmx_buf out;     /* from the first part that is written there on */
    dmx_buf added;   /* the buffer of `other`, perhaps the same */
} dmx_join;

/* Node indices, -1 where absent. */
typedef struct dmx_unit {
    int32_t leader, last;
    int32_t pad, norm;           /* before */
    int32_t crop[2];             /* of axes 1 and 2 */
    int32_t act, scale, add;     /* after, in this order */
    dmx_value other;             /* the other term of add */
    bool dconv;                  /* leader is its first convolution */
    int32_t norm1, conv2, norm2; /* of dconv */
    /* Units that share a step, by index: the linear map whose result only this
     * one consumes, or -1; other linear maps of the same input. */
    int32_t feeder, sibling[DMX_SIBLINGS];
    int n_sibling;
    bool joined; /* emitted with the step of another unit */
    /* Crops of rows that are all that consumes a transposed convolution, each
     * written on its own; and which of them a join's operations apply to. */
    int32_t band[DMX_STEP_OUT];
    int n_band, finished;
} dmx_unit;

typedef struct dmx_planner {
    struct dmx_engine *e;
    const dmx_graph *g;
    bool fuse;
    dmx_buf *buf;     /* per value */
    dmx_analysis a;   /* of g */
    bool *shared;     /* per value: its buffer also holds another value */
    bool *placed;     /* per value: it was written where it is joined */
    int32_t *join_of; /* per node: the join it is part of, or -1 */
    int32_t *unit_of; /* per node: the unit it is part of, or -1 */
    bool *emitted;    /* per node: its step exists */
    dmx_unit *unit;
    size_t n_unit, unit_capacity;
    dmx_join *join;
    size_t n_join, join_capacity;
} dmx_planner;

static inline const dmx_node *dmx_node_at(const dmx_planner *p, int32_t i)
{
    return &p->g->node[i];
}

static inline const dmx_shape *dmx_shape_at(const dmx_planner *p, dmx_value v)
{
    return &p->g->value[v].shape;
}

/* Of one of the three operations that are activations. */
static inline dmx_activation dmx_activation_of(dmx_op op)
{
    return op == DMX_OP_GELU   ? DMX_ACT_GELU
           : op == DMX_OP_RELU ? DMX_ACT_RELU
                               : DMX_ACT_GLU;
}

/* plan/match.c: finds all units. */
dmx_status dmx_plan_match(dmx_planner *p, dmx_error *err);

/* plan/rows.c: finds joins and bands; needs all units. */
DMX_MUST_CHECK dmx_status dmx_plan_rows(dmx_planner *p, dmx_error *err);

/* What a join applies to a part: nodes or -1, and the part's rows of the other
 * term. */
typedef struct dmx_join_epilogue {
    int32_t act, add;
    dmx_value other;
    dmx_buf added;
} dmx_join_epilogue;

/* Where v, which is about to be written, belongs in a join; or no buffer. The
 * operations of a join, if it has any, are done as v is written: `with` says
 * which. NULL: no operation can be done. */
DMX_MUST_CHECK dmx_status dmx_plan_place(dmx_buf *out, dmx_join_epilogue *with,
                                         dmx_planner *p, dmx_value v,
                                         dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_emit_crop_rows(dmx_planner *p, const dmx_node *n,
                                             dmx_error *err);
/* Adds the parts of a concatenation that are not in their place. */
DMX_MUST_CHECK dmx_status dmx_emit_join(dmx_planner *p, const dmx_node *n,
                                        dmx_error *err);

/* plan/product.c, plan/dconv.c */
dmx_status dmx_emit_product(dmx_planner *p, const dmx_unit *u, dmx_error *err);
dmx_status dmx_emit_dconv(dmx_planner *p, const dmx_unit *u, dmx_error *err);

/* plan/node.c: a node by itself. */
dmx_status dmx_emit_node(dmx_planner *p, int32_t index, dmx_error *err);

/* plan/family.c: operations of Hybrid Demucs and Demucs. */
typedef dmx_status dmx_emit(dmx_planner *p, const dmx_node *n, dmx_error *err);
dmx_emit dmx_emit_magnitude, dmx_emit_mask, dmx_emit_wiener, dmx_emit_mono,
    dmx_emit_resample, dmx_emit_lstm, dmx_emit_local_attention;

/* The buffer for a node's output: that of x if this node's `uses_here` uses of
 * x are the only ones, else a new one. x may be DMX_NO_VALUE. */
DMX_MUST_CHECK dmx_status dmx_plan_output(dmx_buf *b, dmx_planner *p,
                                          dmx_value out, dmx_value x,
                                          int32_t uses_here, dmx_error *err);
/* Whether `last` is the only consumer of v that is not emitted yet, so that its
 * step may overwrite v. */
bool dmx_plan_last_use(const dmx_planner *p, dmx_value v, int32_t last);
/* The buffer of a value, reordered unless its tokens have `rows` rows. */
DMX_MUST_CHECK dmx_status dmx_plan_ordered(dmx_buf *out, dmx_planner *p,
                                           dmx_value v, int64_t rows,
                                           dmx_error *err);
/* malloc'd elements of a tensor, at least n of them; zeros past its end, or
 * where t is NULL. */
DMX_MUST_CHECK dmx_status dmx_plan_elements(float **out, const dmx_tensor *t,
                                            int64_t n, dmx_error *err);

/* plan/chain.c: joins neighbouring steps that work row by row. */
void dmx_plan_chains(struct dmx_engine *e);

/* plan/memory.c: lifetimes and offsets of all buffers. */
dmx_status dmx_plan_memory(struct dmx_engine *e, dmx_error *err);

/* plan/plan.c: the whole engine. */
dmx_status dmx_plan_graph(struct dmx_engine *e, const dmx_graph *g, bool fuse,
                          const dmx_hooks *hooks, dmx_error *err);

#endif
