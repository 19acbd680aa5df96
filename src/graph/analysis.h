/* What several consumers want to know about a graph: who takes a value, the
 * order of tokens, and patterns of operations that belong together. */
#ifndef DMX_GRAPH_ANALYSIS_H
#define DMX_GRAPH_ANALYSIS_H

#include "graph/graph.h"

typedef struct dmx_analysis {
    const dmx_graph *g;
    int32_t *first;    /* per value: its first entry of `consumer` */
    int32_t *consumer; /* indices of nodes in their order, once per input */
    int64_t *rows;     /* per value: see dmx_token_rows */
} dmx_analysis;

/* Of a graph that does not change; false when memory is short. Closed in any
 * case; a zeroed one too. */
DMX_MUST_CHECK bool dmx_analysis_open(dmx_analysis *a, const dmx_graph *g);
void dmx_analysis_close(dmx_analysis *a);

/* ---- use ----------------------------------------------------------------- */
/* The nodes that take v, in order, a node once for each time; *count of them.
 * That v may be the graph's output does not count. */
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

/* The last node that takes v, or -1. */
int32_t dmx_last_consumer(const dmx_analysis *a, dmx_value v);

/* The node that is the only one to know v, or -1: others, or the graph's
 * output, want it too. */
int32_t dmx_sole_consumer(const dmx_analysis *a, dmx_value v);

/* The sole consumer of the only result of node i, or -1. */
int32_t dmx_next_node(const dmx_analysis *a, int32_t i);

/* That node, when it is an `op` that takes the result as first input; else
 * NULL. n may be NULL. */
const dmx_node *dmx_next_op(const dmx_analysis *a, const dmx_node *n,
                            dmx_op op);

/* Whether all that take v are `op`, and the graph's output is not v. */
bool dmx_only_consumers(const dmx_analysis *a, dmx_value v, dmx_op op);

/* ---- order of tokens ----------------------------------------------------- */
/* Attention is indifferent to the order of tokens, and all else treats each one
 * alone. So consumers may keep the tokens of a signal with F rows in the
 * signal's own order, row by row, instead of the graph's, frame by frame. These
 * are the rows F of the signal that the tokens v come from, passed on from the
 * first input, or of the table of positions; 0 where v is no token list. */
static inline int64_t dmx_token_rows(const dmx_analysis *a, dmx_value v)
{
    return a->rows[v];
}

/* ---- patterns ------------------------------------------------------------ */
/* A convolution that looks at one point only. */
bool dmx_is_point_conv(const dmx_node *n);

/* norm -> GLU [-> scale], each the sole consumer of the one before. */
typedef struct dmx_gated_norm {
    const dmx_node *norm, *glu;
    const dmx_node *scale; /* or NULL */
} dmx_gated_norm;

/* After a convolution with rows as a batch: group norm of one group. */
bool dmx_match_gated_norm(dmx_gated_norm *out, const dmx_analysis *a,
                          const dmx_node *conv);

/* A residual branch (demucs.demucs.DConv), all indices of nodes:
 *   x + scale(GLU(norm2(conv2(GELU(norm1(conv1(x)))))))
 * along time, every row for itself. */
typedef struct dmx_residual_branch {
    dmx_value x;
    int32_t conv1, norm1, gelu, conv2, norm2, glu;
    int32_t scale; /* or -1 */
    int32_t add;
} dmx_residual_branch;

bool dmx_match_residual_branch(dmx_residual_branch *out, const dmx_analysis *a,
                               int32_t conv1);

#endif
