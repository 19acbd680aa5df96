/* Each builder says what its node is; the operation's rule (rules.h) says
 * whether that is sound. */
#include "graph/builders.h"
#include "graph/graph_build.h"

#define OPERANDS(...)                                                          \
    (const dmx_tensor *const[]){__VA_ARGS__},                                  \
        (int)(sizeof((const dmx_tensor *[]){__VA_ARGS__}) / sizeof(void *))

/* ---- the input ----------------------------------------------------------- */

static dmx_value input(dmx_graph *g, int64_t channels, dmx_length samples)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_INPUT, "mix", NULL, 0);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.dims = (dmx_dims){
        3, {dmx_length_fixed(channels), dmx_length_fixed(1), samples}};
    g->input = dmx_graph_finish(g, node);
    return g->input;
}

dmx_value dmx_graph_input(dmx_graph *g, int64_t channels, int64_t samples)
{
    return input(g, channels, dmx_length_fixed(samples));
}

dmx_value dmx_graph_input_any(dmx_graph *g, int64_t channels)
{
    g->any_length = true;
    return input(g, channels, dmx_length_samples());
}

/* ---- signals ------------------------------------------------------------- */

dmx_value dmx_graph_pad(dmx_graph *g, const char *path, dmx_value x, int axis,
                        int64_t before, int64_t after)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_PAD, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.axis = axis;
    node->at.before = before;
    node->at.after = after;
    return dmx_graph_finish(g, node);
}

static dmx_value pad_up(dmx_graph *g, const char *path, dmx_value x,
                        dmx_length length, dmx_fit fit)
{
    const dmx_length had = dmx_graph_length(g, x, 2);
    if (g->error.code != DMX_OK)
        return DMX_NO_VALUE;
    if (dmx_length_is_fixed(had) && dmx_length_same(had, length))
        return x;
    dmx_node *node = dmx_graph_append(g, DMX_OP_PAD, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.axis = 2;
    node->at.fit = fit;
    node->at.extent = length;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_pad_to(dmx_graph *g, const char *path, dmx_value x,
                           int64_t multiple)
{
    dmx_length length = dmx_graph_length(g, x, 2);
    if (g->error.code == DMX_OK &&
        (!dmx_length_ceil(&length, length, multiple) ||
         !dmx_length_multiply(&length, length, multiple)))
        return dmx_graph_fail(g, DMX_ERROR_UNSUPPORTED,
                              "%s: no rule gives this padding for every input "
                              "length",
                              path);
    return pad_up(g, path, x, length, DMX_FIT_END);
}

dmx_value dmx_graph_pad_around(dmx_graph *g, const char *path, dmx_value x,
                               dmx_length length)
{
    return pad_up(g, path, x, length, DMX_FIT_CENTRE);
}

static dmx_value crop(dmx_graph *g, const char *path, dmx_value x,
                      const dmx_attributes *at)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_CROP, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at = *at;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_crop(dmx_graph *g, const char *path, dmx_value x, int axis,
                         int64_t start, int64_t length)
{
    const dmx_attributes at = {
        .axis = axis, .start = start, .extent = dmx_length_fixed(length)};
    return crop(g, path, x, &at);
}

dmx_value dmx_graph_crop_to(dmx_graph *g, const char *path, dmx_value x,
                            int64_t start, dmx_length length)
{
    const dmx_attributes at = {.axis = 2, .start = start, .extent = length};
    return crop(g, path, x, &at);
}

dmx_value dmx_graph_crop_centre(dmx_graph *g, const char *path, dmx_value x,
                                dmx_length length)
{
    const dmx_attributes at = {
        .axis = 2, .fit = DMX_FIT_CENTRE, .extent = length};
    if (dmx_length_same(dmx_graph_length(g, x, 2), length))
        return x;
    return crop(g, path, x, &at);
}

dmx_value dmx_graph_concat(dmx_graph *g, const char *path, const dmx_value *x,
                           int count, int axis)
{
    if (count < 1)
        return dmx_graph_misfit(g, path, "nothing to concatenate");
    dmx_node *node = dmx_graph_append(g, DMX_OP_CONCAT, path, x, count);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.axis = axis;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_reshape(dmx_graph *g, const char *path, dmx_value x,
                            dmx_shape shape)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_RESHAPE, path, &x, 1);
    if (node == NULL || shape.rank < 0 || shape.rank > DMX_VALUE_RANK)
        return dmx_graph_misfit(g, path, "a reshape needs three dimensions");
    node->at.dims.rank = shape.rank;
    for (int k = 0; k < shape.rank; k++)
        node->at.dims.dim[k] = shape.dim[k] == DMX_ANY
                                   ? dmx_graph_length(g, x, k)
                                   : dmx_length_fixed(shape.dim[k]);
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_stft(dmx_graph *g, const char *path, dmx_value x,
                         int64_t nfft, dmx_frames frames)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_STFT, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.nfft = nfft;
    node->at.frames_of = frames;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_istft(dmx_graph *g, const char *path, dmx_value x,
                          int64_t nfft, dmx_frames frames, dmx_length length)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_ISTFT, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.nfft = nfft;
    node->at.frames_of = frames;
    node->at.extent = length;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_magnitude(dmx_graph *g, const char *path, dmx_value z)
{
    return dmx_graph_finish(g,
                            dmx_graph_append(g, DMX_OP_MAGNITUDE, path, &z, 1));
}

dmx_value dmx_graph_mask(dmx_graph *g, const char *path, dmx_value m,
                         dmx_value z, double epsilon)
{
    const dmx_value in[] = {m, z};
    dmx_node *node = dmx_graph_append(g, DMX_OP_MASK, path, in, 2);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.epsilon = epsilon;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_wiener(dmx_graph *g, const char *path, dmx_value m,
                           dmx_value z, int64_t iterations, bool residual)
{
    const dmx_value in[] = {m, z};
    dmx_node *node = dmx_graph_append(g, DMX_OP_WIENER, path, in, 2);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.iterations = iterations;
    node->at.residual = residual;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_mono(dmx_graph *g, const char *path, dmx_value x)
{
    return dmx_graph_finish(g, dmx_graph_append(g, DMX_OP_MONO, path, &x, 1));
}

dmx_value dmx_graph_resample(dmx_graph *g, const char *path, dmx_value x,
                             const dmx_tensor *weight, int64_t down)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_RESAMPLE, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.down = down;
    dmx_graph_operands(g, node, &weight, 1);
    return dmx_graph_finish(g, node);
}

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
    dmx_graph_operands(g, node, OPERANDS(weight, bias));
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

/* ---- signals, tokens and scalars ----------------------------------------- */

void dmx_graph_statistics(dmx_graph *g, const char *path, dmx_value x,
                          dmx_value *mean, dmx_value *std)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_STATISTICS, path, &x, 1);
    *mean = dmx_graph_finish(g, node);
    *std = *mean != DMX_NO_VALUE ? node->out[1] : DMX_NO_VALUE;
}

dmx_value dmx_graph_standardize(dmx_graph *g, const char *path, dmx_value x,
                                dmx_value mean, dmx_value std, double epsilon)
{
    const dmx_value in[] = {x, mean, std};
    dmx_node *node = dmx_graph_append(g, DMX_OP_STANDARDIZE, path, in, 3);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.epsilon = epsilon;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_unstandardize(dmx_graph *g, const char *path, dmx_value x,
                                  dmx_value mean, dmx_value std)
{
    const dmx_value in[] = {x, mean, std};
    return dmx_graph_finish(
        g, dmx_graph_append(g, DMX_OP_UNSTANDARDIZE, path, in, 3));
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
    dmx_graph_operands(g, node, OPERANDS(weight, bias));
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

/* ---- over time, each row for itself ---------------------------------------
 */

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

/* ---- tokens -------------------------------------------------------------- */

dmx_value dmx_graph_layer_norm(dmx_graph *g, const char *path, dmx_value x,
                               const dmx_tensor *weight, const dmx_tensor *bias,
                               double epsilon)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_LAYER_NORM, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.epsilon = epsilon;
    dmx_graph_operands(g, node, OPERANDS(weight, bias));
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_linear(dmx_graph *g, const char *path, dmx_value x,
                           const dmx_tensor *weight, const dmx_tensor *bias)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_LINEAR, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    dmx_graph_operands(g, node, OPERANDS(weight, bias));
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
