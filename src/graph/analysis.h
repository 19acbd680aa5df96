/* Analysis shared by all users of a graph: the consumers of a value, the order
 * of tokens, and patterns of operations that belong together. */
#ifndef DMX_GRAPH_ANALYSIS_H
#define DMX_GRAPH_ANALYSIS_H

#include "graph/graph.h"

typedef struct dmx_analysis {
    const dmx_graph *g;
    int32_t *first;    /* per value: its first entry in `consumer` */
    int32_t *consumer; /* node indices in order, once per input */
    int64_t *rows;     /* per value: see dmx_token_rows */
} dmx_analysis;

/* Analyses a graph, which must not change afterwards; false when out of memory.
 * Close it in any case; closing a zeroed one is harmless. */
DMX_MUST_CHECK bool dmx_analysis_open(dmx_analysis *a, const dmx_graph *g);
void dmx_analysis_close(dmx_analysis *a);

/* ---- use ----------------------------------------------------------------- */
/* The *count nodes that take v as an input, in order; a node that takes it
 * twice is listed twice. The graph's output is not a consumer. */
static inline const int32_t *dmx_consumers(const dmx_analysis *a, dmx_value v,
                                           int32_t *count)
{
    *count = a->first[v + 1] - a->first[v];
    return a->consumer + a->first[v];
}

static inline int32_t dmx_use_count(const dmx_analysis *a, dmx_value v)
{
    return a->first[v + 1] - a->first[v];
}

/* The last node that consumes v, or -1. */
int32_t dmx_last_consumer(const dmx_analysis *a, dmx_value v);

/* The only consumer of v; -1 when there are others or v is the graph's output.
 */
int32_t dmx_sole_consumer(const dmx_analysis *a, dmx_value v);

/* The sole consumer of the only result of node i, or -1. */
int32_t dmx_next_node(const dmx_analysis *a, int32_t i);

/* That node, if it is an `op` that takes the result as its first input; else
 * NULL. n may be NULL. */
const dmx_node *dmx_next_op(const dmx_analysis *a, const dmx_node *n,
                            dmx_op op);

/* Whether all consumers of v are `op` and v is not the graph's output. */
bool dmx_only_consumers(const dmx_analysis *a, dmx_value v, dmx_op op);

/* ---- order of tokens ----------------------------------------------------- */
/* Attention does not depend on the order of tokens, and every other operation
 * treats each token on its own. So the users of a graph may keep the tokens of
 * a signal with F rows in the signal's own order, row by row, instead of the
 * graph's, frame by frame. Returns the row count F of the signal that the
 * tokens v come from (propagated along first inputs) or of the position table;
 * 0 when v is not a token list. */
static inline int64_t dmx_token_rows(const dmx_analysis *a, dmx_value v)
{
    return a->rows[v];
}

/* ---- patterns ------------------------------------------------------------ */
/* A pointwise convolution: kernel size 1. */
bool dmx_is_point_conv(const dmx_node *n);

/* norm -> GLU [-> scale], each the sole consumer of the one before. */
typedef struct dmx_gated_norm {
    const dmx_node *norm, *glu;
    const dmx_node *scale; /* or NULL */
} dmx_gated_norm;

/* Matches after a convolution with rows as a batch; the norm is a group norm of
 * one group. */
bool dmx_match_gated_norm(dmx_gated_norm *out, const dmx_analysis *a,
                          const dmx_node *conv);

/* A residual branch (demucs.demucs.DConv), all indices of nodes:
 *   x + scale(GLU(norm2(conv2(GELU(norm1(conv1(x)))))))
 * along time, each row independently. */
typedef struct dmx_residual_branch {
    dmx_value x;
    int32_t conv1, norm1, gelu, conv2, norm2, glu;
    int32_t scale; /* or -1 */
    int32_t add;
} dmx_residual_branch;

bool dmx_match_residual_branch(dmx_residual_branch *out, const dmx_analysis *a,
                               int32_t conv1);

#endif
