#include "arch/dconv.h"

#define EPSILON 1e-5 /* torch.nn.GroupNorm's default */

/* The arguments that DConv's constructor passes to BLSTM and LocalState. */
enum { LSTM_LAYERS = 2, MAX_STEPS = 200, HEADS = 4, DECAYS = 4 };

enum { MOST_LSTM_LAYERS = 16 };

static dmx_value pointwise(dmx_builder *b, const char *path, dmx_value x,
                           int64_t chin, int64_t chout)
{
    const int64_t one[] = {1, 1};
    return dmx_layer_conv(b, path, x, chin, chout, one, false,
                          (dmx_conv_geometry){.stride = {1, 1}});
}

/* ---- BLSTM --------------------------------------------------------------- */

/* The four weights of one direction, named as in torch.nn.LSTM. */
static void lstm_direction(const dmx_tensor **weight, dmx_builder *b,
                           const char *path, int64_t layer, bool reverse,
                           int64_t in, int64_t hidden)
{
    static const char *const kind[] = {"weight_ih", "weight_hh", "bias_ih",
                                       "bias_hh"};
    for (int k = 0; k < 4; k++) {
        const int64_t dim[] = {4 * hidden, k == 0 ? in : hidden};
        char name[64];
        snprintf(name, sizeof name, "%s_l%lld%s", kind[k], (long long)layer,
                 reverse ? "_reverse" : "");
        weight[k] = dmx_weights_get(b->w, path, name, k < 2 ? 2 : 1, dim);
    }
}

/* nn.Linear over channels is a convolution with kernel size 1: its weight has
 * one more axis. */
static dmx_value linear(dmx_builder *b, const char *path, dmx_value x,
                        int64_t in, int64_t out)
{
    const dmx_tensor *weight =
        dmx_weights_matrix(b->w, path, "weight", out, in);
    const dmx_tensor *bias = dmx_weights_vector(b->w, path, "bias", out);
    if (weight != NULL) {
        dmx_tensor kernel = *weight;
        kernel.rank = 3;
        kernel.dim[2] = kernel.stride[2] = 1;
        weight = dmx_graph_tensor(b->g, kernel);
    }
    return dmx_graph_conv(b->g, path, x, weight, bias,
                          (dmx_conv_geometry){.stride = {1, 1}});
}

dmx_value dmx_blstm(dmx_builder *b, const char *path, dmx_value x,
                    int64_t channels, int64_t layers, int64_t max_steps,
                    bool skip)
{
    const dmx_tensor *weight[8 * MOST_LSTM_LAYERS];
    DMX_CHILD(lstm, path, "lstm");
    DMX_CHILD(out, path, "linear");
    if (layers < 1 || layers > MOST_LSTM_LAYERS)
        return dmx_graph_fail(b->g, DMX_ERROR_LIMIT,
                              "%s: 1 to %d layers are possible, not %lld", lstm,
                              MOST_LSTM_LAYERS, (long long)layers);
    for (int64_t k = 0; k < 2 * layers; k++)
        lstm_direction(weight + 4 * k, b, lstm, k / 2, k % 2 != 0,
                       k < 2 ? channels : 2 * channels, channels);
    dmx_value y =
        dmx_graph_lstm(b->g, lstm, x, weight, (int)(8 * layers), max_steps);
    y = linear(b, out, y, 2 * channels, channels);
    return skip ? dmx_graph_add(b->g, path, y, x, 1.0) : y;
}

/* ---- LocalState ---------------------------------------------------------- */

static dmx_value local_state(dmx_builder *b, const char *path, dmx_value x,
                             int64_t channels)
{
    DMX_CHILD(content, path, "content");
    DMX_CHILD(query, path, "query");
    DMX_CHILD(key, path, "key");
    DMX_CHILD(decay, path, "query_decay");
    DMX_CHILD(proj, path, "proj");
    dmx_value in[4];
    in[2] = pointwise(b, content, x, channels, channels);
    in[0] = pointwise(b, query, x, channels, channels);
    in[1] = pointwise(b, key, x, channels, channels);
    in[3] = pointwise(b, decay, x, channels, HEADS * DECAYS);
    const dmx_value y = dmx_graph_local_attention(b->g, path, in, HEADS);
    return dmx_graph_add(b->g, path, x,
                         pointwise(b, proj, y, channels, channels), 1.0);
}

/* ---- DConv --------------------------------------------------------------- */

/* GroupNorm(1) inside DConv: rows are folded into the batch there, so the
 * statistics are per row. */
static dmx_value row_norm(dmx_builder *b, const char *path, dmx_value x,
                          int64_t channels)
{
    const dmx_tensor *weight =
        dmx_weights_vector(b->w, path, "weight", channels);
    const dmx_tensor *bias = dmx_weights_vector(b->w, path, "bias", channels);
    return dmx_graph_group_norm(b->g, path, x, weight, bias, 1, DMX_ROWS_BATCH,
                                EPSILON);
}

/* Conv1d, norm, GELU, and BLSTM and LocalState if present. */
static dmx_value narrow_half(dmx_builder *b, const char *path, dmx_value x,
                             int64_t channels, int64_t hidden, int64_t dilation,
                             const dmx_dconv_config *c)
{
    const int64_t three[] = {1, 3};
    const dmx_conv_geometry spread = {.padding = {{0, 0}, {dilation, dilation}},
                                      .dilation = {1, dilation}};
    DMX_CHILD_INDEX(p0, path, "", 0);
    DMX_CHILD_INDEX(p1, path, "", 1);
    DMX_CHILD_INDEX(p2, path, "", 2);
    DMX_CHILD_INDEX(p3, path, "", 3);
    DMX_CHILD_INDEX(p4, path, "", c->lstm ? 4 : 3);
    x = dmx_layer_conv(b, p0, x, channels, hidden, three, false, spread);
    x = row_norm(b, p1, x, hidden);
    x = dmx_graph_activation(b->g, p2, DMX_OP_GELU, x);
    if (c->lstm)
        x = dmx_blstm(b, p3, x, hidden, LSTM_LAYERS, MAX_STEPS, true);
    return c->attn ? local_state(b, p4, x, hidden) : x;
}

/* One residual sub-layer: its narrow half, Conv1d, norm, GLU, LayerScale. */
static dmx_value sublayer(dmx_builder *b, const char *path, dmx_value x,
                          int64_t channels, int64_t dilation,
                          const dmx_dconv_config *c)
{
    const int64_t hidden = (int64_t)((double)channels / c->compress);
    const int first = 3 + (c->lstm ? 1 : 0) + (c->attn ? 1 : 0);
    DMX_CHILD_INDEX(p3, path, "", first);
    DMX_CHILD_INDEX(p4, path, "", first + 1);
    DMX_CHILD_INDEX(p5, path, "", first + 2);
    DMX_CHILD_INDEX(p6, path, "", first + 3);
    dmx_value y = narrow_half(b, path, x, channels, hidden, dilation, c);
    y = pointwise(b, p3, y, hidden, 2 * channels);
    y = row_norm(b, p4, y, 2 * channels);
    y = dmx_graph_activation(b->g, p5, DMX_OP_GLU, y);
    y = dmx_graph_scale(b->g, p6, y,
                        dmx_weights_vector(b->w, p6, "scale", channels));
    return dmx_graph_add(b->g, path, x, y, 1.0);
}

dmx_value dmx_dconv(dmx_builder *b, const char *path, dmx_value x,
                    int64_t channels, const dmx_dconv_config *c)
{
    const int64_t depth = c->depth < 0 ? -c->depth : c->depth;
    for (int64_t d = 0; d < depth; d++) {
        DMX_CHILD_INDEX(p, path, "layers.", d);
        const int64_t dilation = c->depth > 0 ? (int64_t)1 << d : 1;
        x = sublayer(b, p, x, channels, dilation, c);
    }
    return x;
}
