#include "arch/unet.h"

#include <stdio.h>

dmx_status dmx_unet_open(dmx_unet_build *n, dmx_builder *b,
                         const dmx_unet *config, dmx_error *err)
{
    *n = (dmx_unet_build){.b = b, .config = config};
    return dmx_unet_levels(n->level, config, err);
}

static dmx_layer_config common_config(const dmx_unet_build *n,
                                      const dmx_unet_level *l)
{
    return (dmx_layer_config){
        .kernel = l->kernel,
        .stride = l->stride,
        .pad = l->pad,
        .norm_groups = l->norm ? n->config->norm_groups : 0,
        .freq = l->freq,
        .rewrite = n->config->rewrite,
        .dconv_config = {n->config->dconv_depth, n->config->dconv_comp, l->lstm,
                         l->attn},
    };
}

/* Whether this level halves the stride of the time branch, so that it ends with
 * as many steps as there are frames: with an nfft of 2048, half a stride is
 * left. The original has no such network, but torchaudio's HDemucs allows it.
 */
static bool halves_last(const dmx_unet_build *n, const dmx_unet_level *l)
{
    int64_t left = n->config->nfft / 4;
    for (const dmx_unet_level *k = n->level; k < l; k++)
        left /= n->config->stride;
    return l->last_freq && 2 * left == n->config->stride;
}

/* The time branch's counterpart always convolves over time with the full
 * kernel. */
static void make_time(dmx_layer_config *c, const dmx_unet_build *n,
                      const dmx_unet_level *l)
{
    c->freq = false;
    c->kernel = n->config->kernel_size;
    c->stride = n->config->stride;
    if (halves_last(n, l)) {
        c->kernel /= 2;
        c->stride /= 2;
    }
    c->pad = c->kernel / 4;
    c->empty = l->last_freq;
}

static dmx_layer_config encoder_config(const dmx_unet_build *n, int64_t i,
                                       bool time)
{
    const dmx_unet_level *l = &n->level[i];
    dmx_layer_config c = common_config(n, l);
    c.chin = time ? l->chin : l->chin_z;
    c.chout = time ? l->chout : l->chout_z;
    c.context = n->config->context_enc;
    c.dconv = (n->config->dconv_mode & 1) != 0;
    if (time)
        make_time(&c, n, l);
    return c;
}

static dmx_layer_config decoder_config(const dmx_unet_build *n, int64_t i,
                                       bool time)
{
    const dmx_unet_level *l = &n->level[i];
    dmx_layer_config c = common_config(n, l);
    c.chin = time ? l->chout : l->chout_z;
    c.chout = time ? l->dec_out : l->dec_out_z;
    c.context = n->config->context;
    c.context_freq = !l->multi;
    c.dconv = (n->config->dconv_mode & 2) != 0;
    c.last = i == 0;
    if (time)
        make_time(&c, n, l);
    return c;
}

static dmx_value encode_spectrogram(dmx_unet_build *n, int64_t i, dmx_value x,
                                    dmx_value inject)
{
    char path[64];
    snprintf(path, sizeof path, "encoder.%lld", (long long)i);
    const dmx_layer_config c = encoder_config(n, i, false);
    if (n->level[i].multi)
        return dmx_encoder_bands(n->b, path, &c, n->config->multi_freqs,
                                 n->config->n_multi_freqs, x);
    return dmx_encoder_layer(n->b, path, &c, x, inject);
}

/* Kernels that do not fit their stride leave fewer rows than the table has:
 * they take its first ones. */
static const dmx_tensor *first_rows(dmx_graph *g, const dmx_tensor *table,
                                    int64_t rows)
{
    if (table == NULL || rows < 1 || rows >= table->dim[0])
        return table;
    dmx_tensor first = *table;
    first.dim[0] = rows;
    return dmx_graph_tensor(g, first);
}

static dmx_value add_freq_embedding(dmx_unet_build *n, dmx_value x)
{
    const dmx_tensor *weight =
        dmx_weights_matrix(n->b->w, "freq_emb.embedding", "weight",
                           n->level[0].freqs_out, n->level[0].chout_z);
    const int64_t rows = dmx_graph_shape(n->b->g, x).dim[1];
    const dmx_value table = dmx_graph_freq_embedding(
        n->b->g, "freq_emb", first_rows(n->b->g, weight, rows),
        n->config->emb_scale);
    return dmx_graph_add(n->b->g, "freq_emb", x, table, n->config->freq_emb);
}

void dmx_unet_encode(dmx_unet_build *n, dmx_value *x, dmx_value *xt)
{
    for (int64_t i = 0; i < n->config->depth; i++) {
        const dmx_unet_level *l = &n->level[i];
        dmx_value inject = DMX_NO_VALUE;
        n->length[i] = dmx_graph_length(n->b->g, *x, 2);
        if (l->has_time) {
            char path[64];
            snprintf(path, sizeof path, "tencoder.%lld", (long long)i);
            const dmx_layer_config c = encoder_config(n, i, true);
            n->length_t[i] = dmx_graph_length(n->b->g, *xt, 2);
            *xt = dmx_encoder_layer(n->b, path, &c, *xt, DMX_NO_VALUE);
            n->saved_t[i] = *xt;
            if (l->last_freq)
                inject = *xt;
        }
        *x = encode_spectrogram(n, i, *x, inject);
        if (i == 0 && n->config->freq_emb != 0.0)
            *x = add_freq_embedding(n, *x);
        n->saved[i] = *x;
    }
}

static dmx_value decode_spectrogram(const dmx_unet_build *n, int64_t i,
                                    dmx_value x, dmx_value *pre)
{
    char path[64];
    snprintf(path, sizeof path, "decoder.%lld",
             (long long)(n->config->depth - 1 - i));
    const dmx_layer_config c = decoder_config(n, i, false);
    *pre = DMX_NO_VALUE;
    if (n->level[i].multi)
        return dmx_decoder_bands(n->b, path, &c, n->config->multi_freqs,
                                 n->config->n_multi_freqs, x, n->saved[i]);
    return dmx_decoder_layer(n->b, path, &c, x, n->saved[i], n->length[i], pre);
}

/* The number of levels that have a time branch. */
static int64_t time_levels(const dmx_unet_build *n)
{
    int64_t count = 0;
    while (count < n->config->depth && n->level[count].has_time)
        count++;
    return count;
}

void dmx_unet_decode(const dmx_unet_build *n, dmx_value *x, dmx_value *xt)
{
    const int64_t twins = time_levels(n);
    for (int64_t i = n->config->depth - 1; i >= 0; i--) {
        const dmx_unet_level *l = &n->level[i];
        dmx_value pre;
        *x = decode_spectrogram(n, i, *x, &pre);
        if (!l->has_time)
            continue;
        char path[64];
        snprintf(path, sizeof path, "tdecoder.%lld",
                 (long long)(twins - 1 - i));
        const dmx_layer_config c = decoder_config(n, i, true);
        *xt = dmx_decoder_layer(n->b, path, &c, l->last_freq ? pre : *xt,
                                l->last_freq ? DMX_NO_VALUE : n->saved_t[i],
                                n->length_t[i], NULL);
    }
}
