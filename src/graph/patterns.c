/* Operations that belong together. A pattern is a chain of sole consumers. */
#include "graph/analysis.h"

bool dmx_is_point_conv(const dmx_node *n)
{
    const dmx_conv_geometry *c = &n->at.conv;
    bool point = n->op == DMX_OP_CONV;
    for (int k = 0; k < 2; k++)
        point = point && c->kernel[k] == 1 && c->stride[k] == 1 &&
                c->padding[k][0] == 0 && c->padding[k][1] == 0;
    return point;
}

bool dmx_match_gated_norm(dmx_gated_norm *out, const dmx_analysis *a,
                          const dmx_node *conv)
{
    out->norm = dmx_next_op(a, conv, DMX_OP_GROUP_NORM);
    out->glu = dmx_next_op(a, out->norm, DMX_OP_GLU);
    out->scale = dmx_next_op(a, out->glu, DMX_OP_SCALE);
    return out->glu != NULL && out->norm->at.groups == 1 &&
           out->norm->at.rows == DMX_ROWS_BATCH;
}

/* ---- residual branches --------------------------------------------------- */

/* Index of the next node when it is an `op`, else -1; i may be -1. */
static int32_t next(const dmx_analysis *a, int32_t i, dmx_op op)
{
    const int32_t n = i >= 0 ? dmx_next_node(a, i) : -1;
    return n >= 0 && a->g->node[n].op == op ? n : -1;
}

/* A group norm of one group, over each row's channels and time. */
static int32_t next_row_norm(const dmx_analysis *a, int32_t i)
{
    const int32_t n = next(a, i, DMX_OP_GROUP_NORM);
    if (n < 0)
        return -1;
    const dmx_node *norm = &a->g->node[n];
    const int64_t rows = a->g->value[norm->out[0]].shape.dim[1];
    return norm->at.groups == 1 &&
                   (norm->at.rows == DMX_ROWS_BATCH || rows == 1)
               ? n
               : -1;
}

/* A convolution along time that keeps the number of frames. */
static bool is_row_conv(const dmx_node *n)
{
    const dmx_conv_geometry *c = &n->at.conv;
    return n->op == DMX_OP_CONV && c->kernel[0] == 1 && c->stride[0] == 1 &&
           c->stride[1] == 1 && c->padding[0][0] == 0 && c->padding[0][1] == 0;
}

/* x + y with the two in either order, neither scaled nor repeated. */
static bool is_sum_of(const dmx_graph *g, const dmx_node *add, dmx_value x,
                      dmx_value y)
{
    return add->at.alpha == 1.0 && x != y &&
           ((add->in[0] == x && add->in[1] == y) ||
            (add->in[0] == y && add->in[1] == x)) &&
           dmx_shape_same(&g->value[x].shape, &g->value[y].shape);
}

bool dmx_match_residual_branch(dmx_residual_branch *out, const dmx_analysis *a,
                               int32_t conv1)
{
    const dmx_graph *g = a->g;
    dmx_residual_branch b = {.conv1 = conv1};
    if (!is_row_conv(&g->node[conv1]))
        return false;
    b.x = g->node[conv1].in[0];
    b.norm1 = next_row_norm(a, conv1);
    b.gelu = next(a, b.norm1, DMX_OP_GELU);
    b.conv2 = next(a, b.gelu, DMX_OP_CONV);
    if (b.conv2 < 0 || !dmx_is_point_conv(&g->node[b.conv2]))
        return false;
    b.norm2 = next_row_norm(a, b.conv2);
    b.glu = next(a, b.norm2, DMX_OP_GLU);
    b.scale = next(a, b.glu, DMX_OP_SCALE);
    const int32_t last = b.scale >= 0 ? b.scale : b.glu;
    b.add = next(a, last, DMX_OP_ADD);
    if (b.add < 0 || !is_sum_of(g, &g->node[b.add], b.x, g->node[last].out[0]))
        return false;
    *out = b;
    return true;
}
