/* A bare state dict holds no arguments; names and shapes prove many. */
#include "arch/htdemucs_config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef const struct dmx_checkpoint checkpoint;

static const dmx_tensor *find(checkpoint *c, const char *fmt, int64_t index)
{
    char name[128];
    snprintf(name, sizeof name, fmt, (long long)index);
    return dmx_checkpoint_find(c, name);
}

/* Is there any tensor whose name starts with the prefix? by_name is sorted. */
static bool has_prefix(checkpoint *c, const char *prefix)
{
    size_t low = 0, high = c->n_tensor;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(c->by_name[middle]->name, prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->n_tensor &&
           strncmp(c->by_name[low]->name, prefix, strlen(prefix)) == 0;
}

static bool has_part(checkpoint *c, const char *fmt, int64_t index)
{
    char prefix[128];
    snprintf(prefix, sizeof prefix, fmt, (long long)index);
    return has_prefix(c, prefix);
}

/* How many consecutive indices 0, 1, ... exist. */
static int64_t count_parts(checkpoint *c, const char *fmt)
{
    int64_t n = 0;
    while (n < 1000 && has_part(c, fmt, n))
        n++;
    return n;
}

/* The convolution of encoder level i, or of its first band. */
static const dmx_tensor *encoder_conv(checkpoint *c, int64_t i)
{
    const dmx_tensor *t = find(c, "encoder.%lld.conv.weight", i);
    return t != NULL ? t : find(c, "encoder.%lld.layers.0.conv.weight", i);
}

/* A tensor of level i of a list, or of its first band. */
static const dmx_tensor *in_level(checkpoint *c, const char *list, int64_t i,
                                  const char *name)
{
    char full[160];
    snprintf(full, sizeof full, "%s.%lld.%s", list, (long long)i, name);
    const dmx_tensor *t = dmx_checkpoint_find(c, full);
    if (t != NULL)
        return t;
    snprintf(full, sizeof full, "%s.%lld.layers.0.%s", list, (long long)i,
             name);
    return dmx_checkpoint_find(c, full);
}

bool dmx_htdemucs_recognise(checkpoint *c)
{
    const dmx_tensor *t = encoder_conv(c, 0);
    return t != NULL && t->rank == 4 && t->dim[1] % 2 == 0 &&
           has_prefix(c, "tencoder.0.") && has_prefix(c, "decoder.0.");
}

/* Sets a proved number unless the user gave one. */
static dmx_status prove(struct dmx_model *m, const char *name, double value,
                        dmx_error *err)
{
    if (dmx_json_get(m->arguments, name) != NULL)
        return DMX_OK;
    DMX_RETURN_IF(dmx_json_add_number(m->arguments, name, value) == NULL, err,
                  DMX_ERROR_MEMORY, "no memory for arguments");
    return DMX_OK;
}

static dmx_status prove_bool(struct dmx_model *m, const char *name, bool value,
                             dmx_error *err)
{
    if (dmx_json_get(m->arguments, name) != NULL)
        return DMX_OK;
    DMX_RETURN_IF(dmx_json_add_bool(m->arguments, name, value) == NULL, err,
                  DMX_ERROR_MEMORY, "no memory for arguments");
    return DMX_OK;
}

/* A given or proved number, else a fallback. */
static double number(const struct dmx_model *m, const char *name,
                     double fallback)
{
    const dmx_json *item = dmx_json_get(m->arguments, name);
    return dmx_json_is_number(item) ? item->valuedouble : fallback;
}

/* The integer compression that explains every hidden width; 8, the released
 * models' value, wins where several do. */
static int64_t compression(checkpoint *c, int64_t depth)
{
    int64_t best = 0;
    for (int64_t k = 1; k <= 64; k++) {
        bool fits = true;
        for (int64_t i = 0; fits && i < depth; i++) {
            const dmx_tensor *t =
                in_level(c, "encoder", i, "dconv.layers.0.0.weight");
            fits = t == NULL || t->rank != 3 || t->dim[1] / k == t->dim[0];
        }
        if (fits && (best == 0 || k == 8))
            best = k;
    }
    return best;
}

static dmx_status infer_levels(struct dmx_model *m, int64_t depth,
                               dmx_error *err)
{
    checkpoint *c = m->checkpoint;
    const dmx_tensor *first = encoder_conv(c, 0), *next = encoder_conv(c, 1);
    const dmx_tensor *time = find(c, "tencoder.%lld.conv.weight", 0);
    const dmx_tensor *last = encoder_conv(c, depth - 1);
    DMX_RETURN_IF(first->dim[0] < 1 || first->dim[1] < 2, err, DMX_ERROR_MODEL,
                  "%s: encoder.0.conv.weight has an odd shape", c->path);
    DMX_FORWARD(prove(m, "depth", (double)depth, err));
    DMX_FORWARD(prove(m, "channels", (double)first->dim[0], err));
    DMX_FORWARD(prove(m, "audio_channels", (double)(first->dim[1] / 2), err));
    DMX_FORWARD(prove(m, "kernel_size", (double)first->dim[2], err));
    if (time != NULL && time->dim[0] != first->dim[0])
        DMX_FORWARD(prove(m, "channels_time", (double)time->dim[0], err));
    if (next != NULL && next->rank == 4)
        DMX_FORWARD(prove(m, "growth",
                          (double)next->dim[0] / (double)first->dim[0], err));
    if (last != NULL && last->rank == 3)
        DMX_FORWARD(prove(m, "time_stride", (double)(last->dim[2] / 2), err));
    return DMX_OK;
}

static dmx_status infer_blocks(struct dmx_model *m, int64_t depth,
                               dmx_error *err)
{
    checkpoint *c = m->checkpoint;
    const dmx_tensor *enc = in_level(c, "encoder", 0, "rewrite.weight");
    const dmx_tensor *dec = in_level(c, "decoder", depth - 1, "rewrite.weight");
    const bool in_enc = in_level(c, "encoder", 0, "dconv.layers.0.0.weight");
    const bool in_dec =
        in_level(c, "decoder", depth - 1, "dconv.layers.0.0.weight");
    int64_t norm = 0, sublayers = 0;
    while (norm < depth && in_level(c, "encoder", norm, "norm1.weight") == NULL)
        norm++;
    char name[64];
    do
        snprintf(name, sizeof name, "dconv.layers.%lld.0.weight",
                 (long long)sublayers);
    while (in_level(c, "encoder", 0, name) != NULL && ++sublayers < 64);
    DMX_FORWARD(prove_bool(m, "rewrite", enc != NULL, err));
    if (enc != NULL)
        DMX_FORWARD(prove(m, "context_enc",
                          (double)((enc->dim[enc->rank - 1] - 1) / 2), err));
    if (dec != NULL)
        DMX_FORWARD(prove(m, "context",
                          (double)((dec->dim[dec->rank - 1] - 1) / 2), err));
    if (norm < depth || number(m, "norm_starts", -1.0) < 0.0)
        DMX_FORWARD(prove(m, "norm_starts",
                          norm < depth ? (double)norm : (double)(depth + 1),
                          err));
    DMX_FORWARD(
        prove(m, "dconv_mode", (in_enc ? 1 : 0) + (in_dec ? 2 : 0), err));
    if (sublayers > 0)
        DMX_FORWARD(prove(m, "dconv_depth", (double)sublayers, err));
    if (compression(c, depth) > 0 && in_enc)
        DMX_FORWARD(prove(m, "dconv_comp", (double)compression(c, depth), err));
    return DMX_OK;
}

/* Rows of the frequency embedding: nfft / 2 / stride. */
static dmx_status infer_spectrogram(struct dmx_model *m, dmx_error *err)
{
    checkpoint *c = m->checkpoint;
    const dmx_tensor *table = find(c, "freq_emb.embedding.weight", 0);
    const dmx_tensor *first = encoder_conv(c, 0);
    char stride[32];
    snprintf(stride, sizeof stride, "%lld",
             (long long)(first->dim[2] > 1 ? first->dim[2] / 2 : 1));
    DMX_FORWARD(dmx_model_assume(m, "stride", stride, err));
    if (table == NULL) {
        DMX_FORWARD(prove(m, "freq_emb", 0.0, err));
        return dmx_model_assume(m, "nfft", "4096", err);
    }
    DMX_FORWARD(dmx_model_assume(m, "freq_emb", "0.2", err));
    DMX_FORWARD(dmx_model_assume(m, "emb_scale", "10", err));
    return prove(m, "nfft",
                 2.0 * number(m, "stride", 4.0) * (double)table->dim[0], err);
}

static dmx_status infer_bands(struct dmx_model *m, dmx_error *err)
{
    checkpoint *c = m->checkpoint;
    const int64_t levels = count_parts(c, "encoder.%lld.layers.");
    if (levels == 0)
        return prove(m, "multi_freqs_depth", 0.0, err);
    DMX_RETURN_IF(
        dmx_json_get(m->arguments, "multi_freqs") == NULL, err, DMX_ERROR_MODEL,
        "%s: the weights have frequency bands; say where they split, for "
        "example --set 'multi_freqs=[0.25, 0.5]'",
        c->path);
    return prove(m, "multi_freqs_depth", (double)levels, err);
}

static dmx_status infer_attention(struct dmx_model *m, int64_t width,
                                  dmx_error *err)
{
    checkpoint *c = m->checkpoint;
    const dmx_tensor *up =
        find(c, "crosstransformer.layers.0.linear1.weight", 0);
    const dmx_tensor *table = dmx_checkpoint_find(
        c, "crosstransformer.position_embeddings.embedding.weight");
    const bool closing = has_prefix(c, "crosstransformer.layers.0.norm_out.");
    if (up != NULL && up->rank == 2 && width > 0)
        DMX_FORWARD(prove(m, "t_hidden_scale",
                          (double)up->dim[0] / (double)width, err));
    DMX_FORWARD(prove_bool(
        m, "t_cross_first",
        has_prefix(c, "crosstransformer.layers.0.cross_attn."), err));
    DMX_FORWARD(prove_bool(m, "t_layer_scale",
                           has_prefix(c, "crosstransformer.layers.0.gamma_1."),
                           err));
    DMX_FORWARD(prove_bool(m, "t_norm_out", closing, err));
    if (closing)
        DMX_FORWARD(prove_bool(m, "t_norm_first", true, err));
    if (table != NULL && table->rank == 2) {
        if (dmx_json_get(m->arguments, "t_emb") == NULL &&
            dmx_json_add_string(m->arguments, "t_emb", "scaled") == NULL)
            DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory");
        DMX_FORWARD(prove(m, "t_max_positions", (double)table->dim[0], err));
    }
    if (!has_part(c, "crosstransformer.norm_in.", 0)) {
        DMX_FORWARD(prove_bool(m, "t_norm_in", false, err));
        DMX_FORWARD(prove_bool(m, "t_norm_in_group", false, err));
    }
    return DMX_OK;
}

static dmx_status assume_attention(struct dmx_model *m, dmx_error *err)
{
    static const char *const open[][2] = {
        {"t_heads", "8"},          {"t_emb", "\"sin\""},
        {"t_max_period", "10000"}, {"t_weight_pos_embed", "1"},
        {"t_norm_in", "true"},     {"t_norm_in_group", "false"},
        {"t_group_norm", "false"}, {"t_norm_first", "true"},
        {"t_gelu", "true"},
    };
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        DMX_FORWARD(dmx_model_assume(m, open[i][0], open[i][1], err));
    return DMX_OK;
}

static dmx_status infer_transformer(struct dmx_model *m, dmx_error *err)
{
    checkpoint *c = m->checkpoint;
    const int64_t layers = count_parts(c, "crosstransformer.layers.%lld.");
    const dmx_tensor *up = dmx_checkpoint_find(c, "channel_upsampler.weight");
    const dmx_tensor *out =
        dmx_checkpoint_find(c, "crosstransformer.layers.0.linear2.weight");
    DMX_FORWARD(prove(m, "t_layers", (double)layers, err));
    DMX_FORWARD(prove(m, "bottom_channels",
                      up != NULL && up->rank > 0 ? (double)up->dim[0] : 0.0,
                      err));
    if (layers == 0)
        return DMX_OK;
    DMX_FORWARD(infer_attention(
        m, out != NULL && out->rank == 2 ? out->dim[0] : 0, err));
    return assume_attention(m, err);
}

/* The usual names for that many sources. */
static dmx_status infer_sources(struct dmx_model *m, int64_t depth,
                                dmx_error *err)
{
    const dmx_tensor *t =
        in_level(m->checkpoint, "decoder", depth - 1, "conv_tr.weight");
    const double channels = 2.0 * number(m, "audio_channels", 2.0);
    const double ratio = t != NULL && t->rank == 4 && channels > 0.0
                             ? (double)t->dim[1] / channels
                             : 0.0;
    DMX_RETURN_IF(!(ratio >= 1.0 && ratio <= DMX_HTDEMUCS_MAX_SOURCES), err,
                  DMX_ERROR_MODEL,
                  "%s: the number of sources can't be told from the weights",
                  m->checkpoint->path);
    const int64_t n = (int64_t)ratio;
    if (n == 4)
        return dmx_model_assume(
            m, "sources", "[\"drums\", \"bass\", \"other\", \"vocals\"]", err);
    if (n == 6)
        return dmx_model_assume(m, "sources",
                                "[\"drums\", \"bass\", \"other\", \"vocals\", "
                                "\"guitar\", \"piano\"]",
                                err);
    char list[32 * DMX_HTDEMUCS_MAX_SOURCES];
    int used = snprintf(list, sizeof list, "[");
    for (int64_t i = 0; i < n; i++)
        used += snprintf(list + used, sizeof list - (size_t)used,
                         "%s\"source_%lld\"", i > 0 ? ", " : "", (long long)i);
    snprintf(list + used, sizeof list - (size_t)used, "]");
    return dmx_model_assume(m, "sources", list, err);
}

dmx_status dmx_htdemucs_infer(struct dmx_model *m, dmx_error *err)
{
    const int64_t depth = count_parts(m->checkpoint, "encoder.%lld.");
    DMX_RETURN_IF(depth < 1 || depth > DMX_HTDEMUCS_MAX_DEPTH, err,
                  DMX_ERROR_MODEL, "%s: no encoder levels",
                  m->checkpoint->path);
    DMX_FORWARD(infer_levels(m, depth, err));
    DMX_FORWARD(infer_bands(m, err));
    DMX_FORWARD(infer_blocks(m, depth, err));
    DMX_FORWARD(infer_spectrogram(m, err));
    DMX_FORWARD(infer_transformer(m, err));
    DMX_FORWARD(infer_sources(m, depth, err));
    if (number(m, "norm_starts", 1e9) < (double)depth)
        DMX_FORWARD(dmx_model_assume(m, "norm_groups", "4", err));
    DMX_FORWARD(dmx_model_assume(m, "samplerate", "44100", err));
    /* Every released HTDemucs was trained on 7.8 s. */
    return dmx_model_assume(
        m, "segment",
        "{\"_type\": \"fraction\", \"numerator\": 39, \"denominator\": 5}",
        err);
}
