/* Builders of operations on signals and tokens alike, and on scalars. */
#include "graph/graph_build.h"

/* Channels of a signal, columns of tokens; 0 for a scalar. */
static int64_t channels_of(const dmx_shape *s)
{
    return s->rank == 3 ? s->dim[0] : s->rank == 2 ? s->dim[1] : 0;
}

static bool fits_channels(const dmx_tensor *t, int64_t channels)
{
    return t != NULL && dmx_tensor_is(t, 1, &channels);
}

void dmx_graph_statistics(dmx_graph *g, const char *path, dmx_value x,
                          dmx_value *mean, dmx_value *std)
{
    dmx_value out[2];
    dmx_graph_finish_pair(
        g, dmx_graph_append(g, DMX_OP_STATISTICS, path, &x, 1), out);
    *mean = out[0];
    *std = out[1];
}

static bool scalar(const dmx_graph *g, dmx_value v)
{
    return v >= 0 && (size_t)v < g->n_value && g->value[v].shape.rank == 0;
}

dmx_value dmx_graph_standardize(dmx_graph *g, const char *path, dmx_value x,
                                dmx_value mean, dmx_value std, double epsilon)
{
    const dmx_value in[] = {x, mean, std};
    dmx_node *node = dmx_graph_append(g, DMX_OP_STANDARDIZE, path, in, 3);
    if (node == NULL || !scalar(g, mean) || !scalar(g, std))
        return dmx_graph_misfit(g, path, "statistics are not scalars");
    node->at.epsilon = epsilon;
    return dmx_graph_finish(g, node, dmx_graph_shape(g, x));
}

dmx_value dmx_graph_unstandardize(dmx_graph *g, const char *path, dmx_value x,
                                  dmx_value mean, dmx_value std)
{
    const dmx_value in[] = {x, mean, std};
    dmx_node *node = dmx_graph_append(g, DMX_OP_UNSTANDARDIZE, path, in, 3);
    if (node == NULL || !scalar(g, mean) || !scalar(g, std))
        return dmx_graph_misfit(g, path, "statistics are not scalars");
    return dmx_graph_finish(g, node, dmx_graph_shape(g, x));
}

dmx_value dmx_graph_group_norm(dmx_graph *g, const char *path, dmx_value x,
                               const dmx_tensor *weight, const dmx_tensor *bias,
                               int64_t groups, bool per_row, double epsilon)
{
    const dmx_shape s = dmx_graph_shape(g, x);
    const int64_t channels = channels_of(&s);
    dmx_node *node = dmx_graph_append(g, DMX_OP_GROUP_NORM, path, &x, 1);
    if (node == NULL || !fits_channels(weight, channels) ||
        !fits_channels(bias, channels))
        return dmx_graph_misfit(g, path, "the norm does not fit its input");
    if (groups <= 0 || channels % groups != 0 || (per_row && s.rank != 3))
        return dmx_graph_misfit(g, path, "channels do not divide into groups");
    dmx_graph_operands(g, node, (const dmx_tensor *[]){weight, bias}, 2);
    node->at.groups = groups;
    node->at.per_row = per_row;
    node->at.epsilon = epsilon;
    return dmx_graph_finish(g, node, s);
}

dmx_value dmx_graph_activation(dmx_graph *g, const char *path, dmx_op op,
                               dmx_value x)
{
    dmx_shape s = dmx_graph_shape(g, x);
    dmx_node *node = dmx_graph_append(g, op, path, &x, 1);
    if (node == NULL ||
        (op != DMX_OP_GELU && op != DMX_OP_RELU && op != DMX_OP_GLU))
        return dmx_graph_misfit(g, path, "not an activation");
    if (op == DMX_OP_GLU) {
        if (s.rank != 3 || s.dim[0] % 2 != 0)
            return dmx_graph_misfit(g, path, "GLU needs an even channel count");
        s.dim[0] /= 2;
    }
    return dmx_graph_finish(g, node, s);
}

dmx_value dmx_graph_scale(dmx_graph *g, const char *path, dmx_value x,
                          const dmx_tensor *weight)
{
    const dmx_shape s = dmx_graph_shape(g, x);
    dmx_node *node = dmx_graph_append(g, DMX_OP_SCALE, path, &x, 1);
    if (node == NULL || !fits_channels(weight, channels_of(&s)))
        return dmx_graph_misfit(g, path, "the scale does not fit its input");
    dmx_graph_operands(g, node, &weight, 1);
    return dmx_graph_finish(g, node, s);
}

dmx_value dmx_graph_bias(dmx_graph *g, const char *path, dmx_value x,
                         const dmx_tensor *bias, double alpha)
{
    const dmx_shape s = dmx_graph_shape(g, x);
    dmx_node *node = dmx_graph_append(g, DMX_OP_BIAS, path, &x, 1);
    if (node == NULL || !fits_channels(bias, channels_of(&s)))
        return dmx_graph_misfit(g, path, "the bias does not fit its input");
    dmx_graph_operands(g, node, &bias, 1);
    node->at.alpha = alpha;
    return dmx_graph_finish(g, node, s);
}

dmx_value dmx_graph_add(dmx_graph *g, const char *path, dmx_value a,
                        dmx_value b, double alpha)
{
    const dmx_shape s = dmx_graph_shape(g, a), t = dmx_graph_shape(g, b);
    const dmx_value in[] = {a, b};
    dmx_node *node = dmx_graph_append(g, DMX_OP_ADD, path, in, 2);
    if (node == NULL)
        return DMX_NO_VALUE;
    bool fits = s.rank == t.rank;
    for (int k = 0; fits && k < s.rank; k++)
        fits = t.dim[k] == s.dim[k] || t.dim[k] == 1;
    if (!fits)
        return dmx_graph_misfit(g, path, "terms of different shape");
    node->at.alpha = alpha;
    return dmx_graph_finish(g, node, s);
}
