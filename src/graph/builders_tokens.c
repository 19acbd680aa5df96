/* The transformer: tokens, positions, attention. */
#include "graph/builders.h"
#include "graph/graph_build.h"

dmx_value dmx_graph_layer_norm(dmx_graph *g, const char *path, dmx_value x,
                               const dmx_tensor *weight, const dmx_tensor *bias,
                               double epsilon)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_LAYER_NORM, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.epsilon = epsilon;
    dmx_graph_operands(g, node, DMX_OPERANDS(weight, bias));
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_linear(dmx_graph *g, const char *path, dmx_value x,
                           const dmx_tensor *weight, const dmx_tensor *bias)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_LINEAR, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    dmx_graph_operands(g, node, DMX_OPERANDS(weight, bias));
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_attention(dmx_graph *g, const char *path, dmx_value q,
                              dmx_value k, dmx_value v, int64_t heads)
{
    const dmx_value in[] = {q, k, v};
    dmx_node *node = dmx_graph_append(g, DMX_OP_ATTENTION, path, in, 3);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.heads = heads;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_tokens(dmx_graph *g, const char *path, dmx_value x)
{
    return dmx_graph_finish(g, dmx_graph_append(g, DMX_OP_TOKENS, path, &x, 1));
}

dmx_value dmx_graph_untokens(dmx_graph *g, const char *path, dmx_value x,
                             int64_t freqs)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_UNTOKENS, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.freqs = freqs;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_position_1d(dmx_graph *g, const char *path,
                                dmx_position_kind kind, dmx_length length,
                                int64_t width, double max_period,
                                bool mean_normalize)
{
    if (kind == DMX_POSITION_LEARNED)
        return dmx_graph_misfit(g, path, "missing embedding");
    dmx_node *node = dmx_graph_append(g, DMX_OP_POSITION_1D, path, NULL, 0);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.position = kind;
    node->at.extent = length;
    node->at.width = width;
    node->at.max_period = max_period;
    node->at.mean_normalize = mean_normalize;
    node->at.alpha = 1.0;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_position_learned(dmx_graph *g, const char *path,
                                     const dmx_tensor *weight,
                                     dmx_length length, double alpha)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_POSITION_1D, path, NULL, 0);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.position = DMX_POSITION_LEARNED;
    node->at.extent = length;
    node->at.alpha = alpha;
    dmx_graph_operands(g, node, &weight, 1);
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_position_2d(dmx_graph *g, const char *path, int64_t freqs,
                                dmx_length frames, int64_t width,
                                double max_period)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_POSITION_2D, path, NULL, 0);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.freqs = freqs;
    node->at.extent = frames;
    node->at.width = width;
    node->at.max_period = max_period;
    return dmx_graph_finish(g, node);
}
