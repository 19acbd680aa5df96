#include "arch/transformer.h"

#include <stdio.h>

#define EPSILON 1e-5 /* torch.nn.LayerNorm's default */

/* LayerNorm over the width, or MyGroupNorm over all tokens. */
static dmx_value norm(dmx_builder *b, const char *path, const char *name,
                      dmx_value x, int64_t dim, int64_t groups)
{
    DMX_CHILD(p, path, name);
    const dmx_tensor *weight = dmx_weights_vector(b->w, p, "weight", dim);
    const dmx_tensor *bias = dmx_weights_vector(b->w, p, "bias", dim);
    if (groups == 0)
        return dmx_graph_layer_norm(b->g, p, x, weight, bias, EPSILON);
    return dmx_graph_group_norm(b->g, p, x, weight, bias, groups,
                                DMX_ROWS_TOGETHER, EPSILON);
}

static dmx_value linear(dmx_builder *b, const char *path, const char *name,
                        dmx_value x, int64_t in, int64_t out)
{
    DMX_CHILD(p, path, name);
    const dmx_tensor *weight = dmx_weights_matrix(b->w, p, "weight", out, in);
    const dmx_tensor *bias = dmx_weights_vector(b->w, p, "bias", out);
    return dmx_graph_linear(b->g, p, x, weight, bias);
}

/* The projection to one of q, k, v: a third of in_proj. */
static dmx_value project(dmx_builder *b, const char *path, dmx_value x,
                         const dmx_tensor *weight, const dmx_tensor *bias,
                         int64_t dim, int which)
{
    static const char *const names[] = {"q", "k", "v"};
    if (weight == NULL || bias == NULL)
        return DMX_NO_VALUE;
    DMX_CHILD(p, path, names[which]);
    const dmx_tensor *bias_part =
        dmx_graph_tensor(b->g, dmx_tensor_slice(bias, 0, which * dim, dim));
    const dmx_tensor *part =
        dmx_graph_tensor(b->g, dmx_tensor_slice(weight, 0, which * dim, dim));
    return dmx_graph_linear(b->g, p, x, part, bias_part);
}

/* torch.nn.MultiheadAttention: query from x, key and value from kv. */
static dmx_value attention(dmx_builder *b, const char *path, dmx_value x,
                           dmx_value kv, const dmx_transformer_config *c)
{
    const int64_t d = c->dim;
    const dmx_tensor *weight =
        dmx_weights_matrix(b->w, path, "in_proj_weight", 3 * d, d);
    const dmx_tensor *bias =
        dmx_weights_vector(b->w, path, "in_proj_bias", 3 * d);
    const dmx_value q = project(b, path, x, weight, bias, d, 0);
    const dmx_value k = project(b, path, kv, weight, bias, d, 1);
    const dmx_value v = project(b, path, kv, weight, bias, d, 2);
    const dmx_value y = dmx_graph_attention(b->g, path, q, k, v, c->heads);
    return linear(b, path, "out_proj", y, d, d);
}

/* x + LayerScale(y) */
static dmx_value residual(dmx_builder *b, const char *path, const char *gamma,
                          dmx_value x, dmx_value y,
                          const dmx_transformer_config *c)
{
    DMX_CHILD(p, path, gamma);
    if (c->layer_scale)
        y = dmx_graph_scale(b->g, p, y,
                            dmx_weights_vector(b->w, p, "scale", c->dim));
    return dmx_graph_add(b->g, path, x, y, 1.0);
}

static dmx_value feed_forward(dmx_builder *b, const char *path, dmx_value x,
                              const dmx_transformer_config *c)
{
    x = linear(b, path, "linear1", x, c->dim, c->hidden);
    x = dmx_graph_activation(b->g, path, c->gelu ? DMX_OP_GELU : DMX_OP_RELU,
                             x);
    return linear(b, path, "linear2", x, c->hidden, c->dim);
}

/* MyTransformerEncoderLayer (kv = DMX_NO_VALUE) or, with the other branch's
 * tokens in kv, CrossTransformerEncoderLayer. */
static dmx_value layer_norm_first(dmx_builder *b, const char *path, dmx_value x,
                                  dmx_value kv, bool cross,
                                  const dmx_transformer_config *c)
{
    DMX_CHILD(attn, path, cross ? "cross_attn" : "self_attn");
    const dmx_value q = norm(b, path, "norm1", x, c->dim, c->group_norm);
    const dmx_value k =
        cross ? norm(b, path, "norm2", kv, c->dim, c->group_norm) : q;
    x = residual(b, path, "gamma_1", x, attention(b, attn, q, k, c), c);
    const dmx_value y =
        norm(b, path, cross ? "norm3" : "norm2", x, c->dim, c->group_norm);
    x = residual(b, path, "gamma_2", x, feed_forward(b, path, y, c), c);
    if (c->norm_out != 0)
        x = norm(b, path, "norm_out", x, c->dim, c->norm_out);
    return x;
}

static dmx_value layer_norm_last(dmx_builder *b, const char *path, dmx_value x,
                                 dmx_value kv, bool cross,
                                 const dmx_transformer_config *c)
{
    DMX_CHILD(attn, path, cross ? "cross_attn" : "self_attn");
    dmx_value y = attention(b, attn, x, cross ? kv : x, c);
    x = residual(b, path, "gamma_1", x, y, c);
    x = norm(b, path, "norm1", x, c->dim, c->group_norm);
    y = feed_forward(b, path, x, c);
    x = residual(b, path, "gamma_2", x, y, c);
    /* The cross layer owns a norm3 that this order never uses. */
    if (cross)
        (void)norm(b, path, "norm3", x, c->dim, c->group_norm);
    return norm(b, path, "norm2", x, c->dim, c->group_norm);
}

static dmx_value layer(dmx_builder *b, const char *path, const char *list,
                       int64_t index, dmx_value x, dmx_value kv, bool cross,
                       const dmx_transformer_config *c)
{
    char p[256];
    snprintf(p, sizeof p, "%.100s.%s.%lld", path, list, (long long)index);
    return c->norm_first ? layer_norm_first(b, p, x, kv, cross, c)
                         : layer_norm_last(b, p, x, kv, cross, c);
}

static dmx_value norm_in(dmx_builder *b, const char *path, const char *name,
                         dmx_value x, const dmx_transformer_config *c)
{
    if (c->norm_in)
        return norm(b, path, name, x, c->dim, 0);
    if (c->norm_in_group != 0)
        return norm(b, path, name, x, c->dim, c->norm_in_group);
    return x;
}

/* The positional embedding of the time branch. */
static dmx_value time_positions(dmx_builder *b, const char *path,
                                dmx_length length,
                                const dmx_transformer_config *c)
{
    /* transformer.ScaledEmbedding multiplies by its boost of 3. */
    const double boost = 3.0;
    DMX_CHILD(p, path, "position_embeddings");
    DMX_CHILD(e, p, "embedding");
    if (c->embedding != DMX_POSITION_LEARNED)
        return dmx_graph_position_1d(b->g, p, c->embedding, length, c->dim,
                                     c->max_period, c->cape_mean_normalize);
    return dmx_graph_position_learned(
        b->g, p,
        dmx_weights_matrix(b->w, e, "weight", c->max_positions, c->dim), length,
        boost);
}

static void embed(dmx_builder *b, const char *path,
                  const dmx_transformer_config *c, dmx_value *x, dmx_value *xt)
{
    const int64_t freqs = dmx_graph_shape(b->g, *x).dim[1];
    const dmx_length frames = dmx_graph_length(b->g, *x, 2);
    DMX_CHILD(p, path, "position_embeddings_2d");
    *x = norm_in(b, path, "norm_in", dmx_graph_tokens(b->g, path, *x), c);
    *x = dmx_graph_add(
        b->g, path, *x,
        dmx_graph_position_2d(b->g, p, freqs, frames, c->dim, c->max_period),
        c->weight_pos_embed);
    *xt = norm_in(b, path, "norm_in_t", dmx_graph_tokens(b->g, path, *xt), c);
    const dmx_length length = dmx_graph_length(b->g, *xt, 0);
    *xt = dmx_graph_add(b->g, path, *xt, time_positions(b, path, length, c),
                        c->weight_pos_embed);
}

void dmx_cross_transformer(dmx_builder *b, const char *path,
                           const dmx_transformer_config *c, dmx_value *x,
                           dmx_value *xt)
{
    const int64_t freqs = dmx_graph_shape(b->g, *x).dim[1];
    embed(b, path, c, x, xt);
    for (int64_t i = 0; i < c->layers; i++) {
        const bool cross = (i % 2 == 0) == c->cross_first;
        const dmx_value old = *x;
        *x = layer(b, path, "layers", i, *x, *xt, cross, c);
        *xt = layer(b, path, "layers_t", i, *xt, old, cross, c);
    }
    *x = dmx_graph_untokens(b->g, path, *x, freqs);
    *xt = dmx_graph_untokens(b->g, path, *xt, 1);
}
