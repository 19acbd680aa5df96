/* Convolutions, norms, activations, LSTM and local attention. */
#include "graph/builders.h"
#include "graph/graph_build.h"

static dmx_value conv(dmx_graph *g, dmx_op op, const char *path, dmx_value x,
                      const dmx_tensor *weight, const dmx_tensor *bias,
                      const dmx_conv_geometry *geometry)
{
    dmx_node *node = dmx_graph_append(g, op, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.conv = *geometry;
    for (int k = 0; k < 2; k++) {
        if (geometry->stride[k] <= 0)
            node->at.conv.stride[k] = 1;
        if (geometry->dilation[k] <= 0)
            node->at.conv.dilation[k] = 1;
    }
    dmx_graph_operands(g, node, DMX_OPERANDS(weight, bias));
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_conv(dmx_graph *g, const char *path, dmx_value x,
                         const dmx_tensor *weight, const dmx_tensor *bias,
                         dmx_conv_geometry geometry)
{
    return conv(g, DMX_OP_CONV, path, x, weight, bias, &geometry);
}

dmx_value dmx_graph_conv_transpose(dmx_graph *g, const char *path, dmx_value x,
                                   const dmx_tensor *weight,
                                   const dmx_tensor *bias,
                                   dmx_conv_geometry geometry)
{
    return conv(g, DMX_OP_CONV_TRANSPOSE, path, x, weight, bias, &geometry);
}

dmx_value dmx_graph_freq_embedding(dmx_graph *g, const char *path,
                                   const dmx_tensor *weight, double alpha)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_FREQ_EMBEDDING, path, NULL, 0);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.alpha = alpha;
    dmx_graph_operands(g, node, &weight, 1);
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_group_norm(dmx_graph *g, const char *path, dmx_value x,
                               const dmx_tensor *weight, const dmx_tensor *bias,
                               int64_t groups, dmx_rows rows, double epsilon)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_GROUP_NORM, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.groups = groups;
    node->at.rows = rows;
    node->at.epsilon = epsilon;
    dmx_graph_operands(g, node, DMX_OPERANDS(weight, bias));
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_activation(dmx_graph *g, const char *path, dmx_op op,
                               dmx_value x)
{
    if (op != DMX_OP_GELU && op != DMX_OP_RELU && op != DMX_OP_GLU)
        return dmx_graph_misfit(g, path, "not an activation");
    return dmx_graph_finish(g, dmx_graph_append(g, op, path, &x, 1));
}

dmx_value dmx_graph_scale(dmx_graph *g, const char *path, dmx_value x,
                          const dmx_tensor *weight)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_SCALE, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    dmx_graph_operands(g, node, &weight, 1);
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_bias(dmx_graph *g, const char *path, dmx_value x,
                         const dmx_tensor *bias, double alpha)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_BIAS, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.alpha = alpha;
    dmx_graph_operands(g, node, &bias, 1);
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_add(dmx_graph *g, const char *path, dmx_value a,
                        dmx_value b, double alpha)
{
    const dmx_value in[] = {a, b};
    dmx_node *node = dmx_graph_append(g, DMX_OP_ADD, path, in, 2);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.alpha = alpha;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_lstm(dmx_graph *g, const char *path, dmx_value x,
                         const dmx_tensor *const *weight, int count,
                         int64_t chunk)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_LSTM, path, &x, 1);
    if (node == NULL || count < 0)
        return DMX_NO_VALUE;
    node->at.chunk = chunk;
    dmx_graph_operands(g, node, weight, count);
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_local_attention(dmx_graph *g, const char *path,
                                    const dmx_value in[4], int64_t heads)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_LOCAL_ATTENTION, path, in, 4);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.heads = heads;
    return dmx_graph_finish(g, node);
}
