/* Builders of operations on token lists [L][D]. */
#include "graph/graph_build.h"

static dmx_shape token_shape(int64_t length, int64_t width)
{
    return (dmx_shape){2, {length, width, 0}};
}

dmx_value dmx_graph_layer_norm(dmx_graph *g, const char *path, dmx_value x,
                               const dmx_tensor *weight, const dmx_tensor *bias,
                               double epsilon)
{
    const dmx_shape s = dmx_graph_shape(g, x);
    dmx_node *node = dmx_graph_append(g, DMX_OP_LAYER_NORM, path, &x, 1);
    if (node == NULL || s.rank != 2 || weight == NULL || bias == NULL ||
        !dmx_tensor_is(weight, 1, &s.dim[1]) ||
        !dmx_tensor_is(bias, 1, &s.dim[1]))
        return dmx_graph_misfit(g, path, "the norm does not fit its input");
    dmx_graph_operands(g, node, (const dmx_tensor *[]){weight, bias}, 2);
    node->at.epsilon = epsilon;
    return dmx_graph_finish(g, node, s);
}

dmx_value dmx_graph_linear(dmx_graph *g, const char *path, dmx_value x,
                           const dmx_tensor *weight, const dmx_tensor *bias)
{
    const dmx_shape s = dmx_graph_shape(g, x);
    dmx_node *node = dmx_graph_append(g, DMX_OP_LINEAR, path, &x, 1);
    if (node == NULL || s.rank != 2 || weight == NULL || weight->rank != 2 ||
        weight->dim[1] != s.dim[1] ||
        (bias != NULL && !dmx_tensor_is(bias, 1, &weight->dim[0])))
        return dmx_graph_misfit(g, path, "the weight does not fit its input");
    dmx_graph_operands(g, node, (const dmx_tensor *[]){weight, bias}, 2);
    return dmx_graph_finish(g, node, token_shape(s.dim[0], weight->dim[0]));
}

dmx_value dmx_graph_attention(dmx_graph *g, const char *path, dmx_value q,
                              dmx_value k, dmx_value v, int64_t heads)
{
    const dmx_shape a = dmx_graph_shape(g, q), b = dmx_graph_shape(g, k),
                    c = dmx_graph_shape(g, v);
    const dmx_value in[] = {q, k, v};
    dmx_node *node = dmx_graph_append(g, DMX_OP_ATTENTION, path, in, 3);
    if (node == NULL || a.rank != 2 || b.rank != 2 || c.rank != 2 ||
        b.dim[0] != c.dim[0] || a.dim[1] != b.dim[1] || b.dim[1] != c.dim[1])
        return dmx_graph_misfit(g, path, "query, key and value do not fit");
    if (heads <= 0 || a.dim[1] % heads != 0)
        return dmx_graph_misfit(g, path,
                                "the width does not divide into heads");
    node->at.heads = heads;
    /* torch.nn.functional.scaled_dot_product_attention: 1/sqrt(head size) */
    node->at.scale = 1.0 / __builtin_sqrt((double)(a.dim[1] / heads));
    return dmx_graph_finish(g, node, a);
}

dmx_value dmx_graph_tokens(dmx_graph *g, const char *path, dmx_value x)
{
    const dmx_shape s = dmx_graph_shape(g, x);
    dmx_node *node = dmx_graph_append(g, DMX_OP_TOKENS, path, &x, 1);
    if (node == NULL || s.rank != 3)
        return dmx_graph_misfit(g, path, "the input is not a signal");
    return dmx_graph_finish(g, node,
                            token_shape(s.dim[1] * s.dim[2], s.dim[0]));
}

dmx_value dmx_graph_untokens(dmx_graph *g, const char *path, dmx_value x,
                             int64_t freqs)
{
    const dmx_shape s = dmx_graph_shape(g, x);
    dmx_node *node = dmx_graph_append(g, DMX_OP_UNTOKENS, path, &x, 1);
    if (node == NULL || s.rank != 2 || freqs <= 0 || s.dim[0] % freqs != 0)
        return dmx_graph_misfit(g, path, "tokens do not divide into rows");
    node->at.freqs = freqs;
    const dmx_shape out = {3, {s.dim[1], freqs, s.dim[0] / freqs}};
    return dmx_graph_finish(g, node, out);
}

dmx_value dmx_graph_position_1d(dmx_graph *g, const char *path,
                                dmx_position_kind kind, int64_t length,
                                int64_t width, double max_period,
                                bool mean_normalize)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_POSITION_1D, path, NULL, 0);
    if (node == NULL || kind == DMX_POSITION_LEARNED || width < 4 ||
        width % 2 != 0)
        return dmx_graph_misfit(g, path, "the embedding width must be even");
    node->at.position = kind;
    node->at.frames = length;
    node->at.width = width;
    node->at.max_period = max_period;
    node->at.mean_normalize = mean_normalize;
    node->at.alpha = 1.0;
    return dmx_graph_finish(g, node, token_shape(length, width));
}

dmx_value dmx_graph_position_learned(dmx_graph *g, const char *path,
                                     const dmx_tensor *weight, int64_t length,
                                     double alpha)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_POSITION_1D, path, NULL, 0);
    if (node == NULL || weight == NULL || weight->rank != 2)
        return dmx_graph_misfit(g, path, "missing embedding");
    if (length > weight->dim[0])
        return dmx_graph_misfit(g, path,
                                "more positions than t_max_positions; choose a "
                                "shorter segment");
    dmx_graph_operands(g, node, &weight, 1);
    node->at.position = DMX_POSITION_LEARNED;
    node->at.frames = length;
    node->at.width = weight->dim[1];
    node->at.alpha = alpha;
    return dmx_graph_finish(g, node, token_shape(length, weight->dim[1]));
}

dmx_value dmx_graph_position_2d(dmx_graph *g, const char *path, int64_t freqs,
                                int64_t frames, int64_t width,
                                double max_period)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_POSITION_2D, path, NULL, 0);
    if (node == NULL || width < 4 || width % 4 != 0)
        return dmx_graph_misfit(g, path,
                                "the embedding width must divide by 4");
    if (freqs < 1 || frames < 1 || freqs > DMX_MAX_ELEMENTS / frames)
        return dmx_graph_misfit(g, path, "more positions than any input has");
    node->at.freqs = freqs;
    node->at.frames = frames;
    node->at.width = width;
    node->at.max_period = max_period;
    return dmx_graph_finish(g, node, token_shape(freqs * frames, width));
}
