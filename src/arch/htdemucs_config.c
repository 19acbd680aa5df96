#include "arch/htdemucs_config.h"

#include <math.h>
#include <string.h>

/* Source: the constructor of demucs.htdemucs.HTDemucs, in its order. */
const dmx_argument dmx_htdemucs_arguments[] = {
    {"sources", "null", DMX_ARGUMENT_USED},
    {"audio_channels", "2", DMX_ARGUMENT_USED},
    {"channels", "48", DMX_ARGUMENT_USED},
    {"channels_time", "null", DMX_ARGUMENT_USED},
    {"growth", "2", DMX_ARGUMENT_USED},
    {"nfft", "4096", DMX_ARGUMENT_USED},
    {"wiener_iters", "0", DMX_ARGUMENT_IGNORED},
    {"end_iters", "0", DMX_ARGUMENT_IGNORED},
    {"wiener_residual", "false", DMX_ARGUMENT_IGNORED},
    {"cac", "true", DMX_ARGUMENT_USED},
    {"depth", "4", DMX_ARGUMENT_USED},
    {"rewrite", "true", DMX_ARGUMENT_USED},
    {"multi_freqs", "null", DMX_ARGUMENT_USED},
    {"multi_freqs_depth", "3", DMX_ARGUMENT_USED},
    {"freq_emb", "0.2", DMX_ARGUMENT_USED},
    {"emb_scale", "10", DMX_ARGUMENT_USED},
    {"emb_smooth", "true", DMX_ARGUMENT_IGNORED},
    {"kernel_size", "8", DMX_ARGUMENT_USED},
    {"time_stride", "2", DMX_ARGUMENT_USED},
    {"stride", "4", DMX_ARGUMENT_USED},
    {"context", "1", DMX_ARGUMENT_USED},
    {"context_enc", "0", DMX_ARGUMENT_USED},
    {"norm_starts", "4", DMX_ARGUMENT_USED},
    {"norm_groups", "4", DMX_ARGUMENT_USED},
    {"dconv_mode", "1", DMX_ARGUMENT_USED},
    {"dconv_depth", "2", DMX_ARGUMENT_USED},
    {"dconv_comp", "8", DMX_ARGUMENT_USED},
    {"dconv_init", "0.001", DMX_ARGUMENT_IGNORED},
    {"bottom_channels", "0", DMX_ARGUMENT_USED},
    {"t_layers", "5", DMX_ARGUMENT_USED},
    {"t_emb", "\"sin\"", DMX_ARGUMENT_USED},
    {"t_hidden_scale", "4.0", DMX_ARGUMENT_USED},
    {"t_heads", "8", DMX_ARGUMENT_USED},
    {"t_dropout", "0.0", DMX_ARGUMENT_IGNORED},
    {"t_max_positions", "10000", DMX_ARGUMENT_USED},
    {"t_norm_in", "true", DMX_ARGUMENT_USED},
    {"t_norm_in_group", "false", DMX_ARGUMENT_USED},
    {"t_group_norm", "false", DMX_ARGUMENT_USED},
    {"t_norm_first", "true", DMX_ARGUMENT_USED},
    {"t_norm_out", "true", DMX_ARGUMENT_USED},
    {"t_max_period", "10000.0", DMX_ARGUMENT_USED},
    {"t_weight_decay", "0.0", DMX_ARGUMENT_IGNORED},
    {"t_lr", "null", DMX_ARGUMENT_IGNORED},
    {"t_layer_scale", "true", DMX_ARGUMENT_USED},
    {"t_gelu", "true", DMX_ARGUMENT_USED},
    {"t_weight_pos_embed", "1.0", DMX_ARGUMENT_USED},
    {"t_sin_random_shift", "0", DMX_ARGUMENT_USED},
    {"t_cape_mean_normalize", "true", DMX_ARGUMENT_USED},
    {"t_cape_augment", "true", DMX_ARGUMENT_IGNORED},
    {"t_cape_glob_loc_scale", "[5000.0, 1.0, 1.4]", DMX_ARGUMENT_IGNORED},
    {"t_sparse_self_attn", "false", DMX_ARGUMENT_USED},
    {"t_sparse_cross_attn", "false", DMX_ARGUMENT_USED},
    {"t_mask_type", "\"diag\"", DMX_ARGUMENT_IGNORED},
    {"t_mask_random_seed", "42", DMX_ARGUMENT_IGNORED},
    {"t_sparse_attn_window", "500", DMX_ARGUMENT_IGNORED},
    {"t_global_window", "100", DMX_ARGUMENT_IGNORED},
    {"t_sparsity", "0.95", DMX_ARGUMENT_IGNORED},
    {"t_auto_sparsity", "false", DMX_ARGUMENT_IGNORED},
    {"t_cross_first", "false", DMX_ARGUMENT_USED},
    {"rescale", "0.1", DMX_ARGUMENT_IGNORED},
    {"samplerate", "44100", DMX_ARGUMENT_USED},
    {"segment", "10", DMX_ARGUMENT_USED},
    {"use_train_segment", "true", DMX_ARGUMENT_USED},
    {NULL, NULL, DMX_ARGUMENT_IGNORED},
};

/* A run of integer arguments with their ranges. */
typedef struct int_field {
    const char *name;
    int64_t *value;
    int64_t least, most;
} int_field;

static dmx_status parse_ints(const int_field *field, size_t count,
                             const dmx_json *a, dmx_error *err)
{
    for (size_t i = 0; i < count; i++)
        DMX_FORWARD(dmx_argument_int(field[i].value, a, field[i].name,
                                     field[i].least, field[i].most, err));
    return DMX_OK;
}

static dmx_status parse_shape(dmx_htdemucs *h, const dmx_json *a,
                              dmx_error *err)
{
    const int_field fields[] = {
        {"audio_channels", &h->audio_channels, 1, 64},
        {"channels", &h->channels, 1, 65536},
        {"channels_time", &h->channels_time, 0, 65536},
        {"nfft", &h->nfft, 16, 65536},
        {"depth", &h->depth, 1, DMX_HTDEMUCS_MAX_DEPTH},
        {"multi_freqs_depth", &h->multi_freqs_depth, 0, 1000},
        {"kernel_size", &h->kernel_size, 1, 4096},
        {"time_stride", &h->time_stride, 1, 4096},
        {"stride", &h->stride, 1, 4096},
        {"context", &h->context, 0, 64},
        {"context_enc", &h->context_enc, 0, 64},
        {"norm_starts", &h->norm_starts, 0, 1000},
        {"norm_groups", &h->norm_groups, 1, 65536},
        {"dconv_mode", &h->dconv_mode, 0, 1000},
        {"dconv_depth", &h->dconv_depth, -16, 16},
        {"bottom_channels", &h->bottom_channels, 0, 65536},
    };
    DMX_FORWARD(parse_ints(fields, sizeof fields / sizeof fields[0], a, err));
    DMX_FORWARD(
        dmx_argument_double(&h->growth, a, "growth", 1.0 / 64, 64, err));
    DMX_FORWARD(
        dmx_argument_double(&h->freq_emb, a, "freq_emb", -1e6, 1e6, err));
    DMX_FORWARD(
        dmx_argument_double(&h->emb_scale, a, "emb_scale", -1e6, 1e6, err));
    DMX_FORWARD(dmx_argument_double(&h->dconv_comp, a, "dconv_comp", 1.0 / 64,
                                    65536, err));
    DMX_FORWARD(dmx_argument_bool(&h->rewrite, a, "rewrite", err));
    /* Another hop trips the original's own assertion on the frame count. */
    DMX_RETURN_IF(h->nfft % 8 != 0, err, DMX_ERROR_UNSUPPORTED,
                  "nfft = %lld: only multiples of 8 have an even hop of "
                  "nfft/4, which the original needs too",
                  (long long)h->nfft);
    return DMX_OK;
}

static dmx_status parse_bands(dmx_htdemucs *h, const dmx_json *a,
                              dmx_error *err)
{
    const dmx_json *list = dmx_json_get(a, "multi_freqs");
    const dmx_json *item;
    double previous = 0.0;
    DMX_RETURN_IF(!dmx_json_is_array(list) && !dmx_json_is_null(list), err,
                  DMX_ERROR_MODEL, "argument multi_freqs is not a list");
    DMX_JSON_EACH (item, list) {
        DMX_RETURN_IF(h->n_multi_freqs == DMX_HTDEMUCS_MAX_BANDS - 1, err,
                      DMX_ERROR_LIMIT, "multi_freqs has more than %d ratios",
                      DMX_HTDEMUCS_MAX_BANDS - 1);
        DMX_RETURN_IF(
            !dmx_json_is_number(item) || !(item->valuedouble > previous) ||
                !(item->valuedouble < 1.0),
            err, DMX_ERROR_MODEL, "multi_freqs must rise between 0 and 1");
        previous = item->valuedouble;
        h->multi_freqs[h->n_multi_freqs++] = previous;
    }
    return DMX_OK;
}

static dmx_status parse_embedding(dmx_htdemucs *h, const dmx_json *a,
                                  const dmx_hooks *hooks, dmx_error *err)
{
    static const char *const kinds[] = {"sin", "cape", "scaled"};
    const dmx_json *item = dmx_json_get(a, "t_emb");
    int64_t shift;
    for (int k = 0; k < 3; k++)
        if (dmx_json_is_string(item) &&
            strcmp(item->valuestring, kinds[k]) == 0) {
            h->t_emb = (dmx_position_kind)k;
            item = NULL;
        }
    DMX_RETURN_IF(item != NULL, err, DMX_ERROR_MODEL,
                  "argument t_emb must be sin, cape or scaled");
    DMX_FORWARD(
        dmx_argument_int(&shift, a, "t_sin_random_shift", 0, 1 << 30, err));
    if (shift != 0)
        dmx_warn(hooks,
                 "t_sin_random_shift = %lld: the original draws a random "
                 "shift; 0 is used",
                 (long long)shift);
    return DMX_OK;
}

static dmx_status parse_transformer(dmx_htdemucs *h, const dmx_json *a,
                                    dmx_error *err)
{
    int64_t norm_out;
    const int_field fields[] = {
        {"t_layers", &h->t_layers, 0, DMX_HTDEMUCS_MAX_LAYERS},
        {"t_heads", &h->t_heads, 1, 4096},
        {"t_max_positions", &h->t_max_positions, 1, 1 << 30},
        {"t_norm_in_group", &h->t_norm_in_group, 0, 65536},
        {"t_group_norm", &h->t_group_norm, 0, 65536},
        {"t_norm_out", &norm_out, 0, 65536},
    };
    DMX_FORWARD(parse_ints(fields, sizeof fields / sizeof fields[0], a, err));
    DMX_FORWARD(dmx_argument_double(&h->t_hidden_scale, a, "t_hidden_scale",
                                    1.0 / 64, 64, err));
    DMX_FORWARD(dmx_argument_double(&h->t_max_period, a, "t_max_period", 1e-6,
                                    1e12, err));
    DMX_FORWARD(dmx_argument_double(&h->t_weight_pos_embed, a,
                                    "t_weight_pos_embed", -1e6, 1e6, err));
    DMX_FORWARD(dmx_argument_bool(&h->t_norm_in, a, "t_norm_in", err));
    DMX_FORWARD(dmx_argument_bool(&h->t_norm_first, a, "t_norm_first", err));
    DMX_FORWARD(dmx_argument_bool(&h->t_layer_scale, a, "t_layer_scale", err));
    DMX_FORWARD(dmx_argument_bool(&h->t_gelu, a, "t_gelu", err));
    DMX_FORWARD(dmx_argument_bool(&h->t_cape_mean_normalize, a,
                                  "t_cape_mean_normalize", err));
    DMX_FORWARD(dmx_argument_bool(&h->t_cross_first, a, "t_cross_first", err));
    /* The original writes `norm_first & norm_out`, a bitwise and. */
    h->t_norm_out = h->t_norm_first && (norm_out & 1) != 0 ? norm_out : 0;
    return DMX_OK;
}

static dmx_status refuse_unsupported(const dmx_json *a, dmx_error *err)
{
    bool cac, sparse_self, sparse_cross;
    DMX_FORWARD(dmx_argument_bool(&cac, a, "cac", err));
    DMX_FORWARD(dmx_argument_bool(&sparse_self, a, "t_sparse_self_attn", err));
    DMX_FORWARD(
        dmx_argument_bool(&sparse_cross, a, "t_sparse_cross_attn", err));
    DMX_RETURN_IF(!cac, err, DMX_ERROR_UNSUPPORTED,
                  "cac = false needs Wiener filtering, which can't be "
                  "exported");
    DMX_RETURN_IF(sparse_self || sparse_cross, err, DMX_ERROR_UNSUPPORTED,
                  "sparse attention (t_sparse_%s_attn) can't be exported",
                  sparse_self ? "self" : "cross");
    return DMX_OK;
}

dmx_status dmx_htdemucs_parse(dmx_htdemucs *out, const dmx_json *arguments,
                              const dmx_hooks *hooks, dmx_error *err)
{
    dmx_htdemucs h = {0};
    DMX_FORWARD(refuse_unsupported(arguments, err));
    DMX_FORWARD(parse_shape(&h, arguments, err));
    DMX_FORWARD(parse_bands(&h, arguments, err));
    DMX_FORWARD(parse_transformer(&h, arguments, err));
    DMX_FORWARD(parse_embedding(&h, arguments, hooks, err));
    const dmx_json *sources = dmx_json_get(arguments, "sources");
    h.n_source = dmx_json_count(sources);
    DMX_RETURN_IF(h.n_source < 1 || h.n_source > DMX_HTDEMUCS_MAX_SOURCES, err,
                  DMX_ERROR_MODEL, "sources must be a list of 1 to %d names",
                  DMX_HTDEMUCS_MAX_SOURCES);
    *out = h;
    return DMX_OK;
}

/* int(growth * channels), with a bound that keeps products in range. */
static dmx_status grow(int64_t *channels, double growth, dmx_error *err)
{
    const double grown = growth * (double)*channels;
    DMX_RETURN_IF(!(grown >= 1.0 && grown < 1e6), err, DMX_ERROR_MODEL,
                  "growth = %g leads to %g channels", growth, grown);
    *channels = (int64_t)grown;
    return DMX_OK;
}

static void describe_level(dmx_htdemucs_level *l, const dmx_htdemucs *h,
                           int64_t index, int64_t freqs)
{
    l->norm = index >= h->norm_starts;
    l->freq = l->has_time = freqs > 1;
    l->kernel = l->freq ? h->kernel_size : 2 * h->time_stride;
    l->stride = l->freq ? h->stride : h->time_stride;
    l->last_freq = l->freq && freqs <= h->kernel_size;
    if (l->last_freq)
        l->kernel = freqs;
    l->pad = l->last_freq ? 0 : l->kernel / 4;
    l->multi = h->n_multi_freqs > 0 && index < h->multi_freqs_depth;
    l->freqs_out = !l->freq ? 1 : l->last_freq ? 1 : freqs / h->stride;
}

dmx_status dmx_htdemucs_levels(dmx_htdemucs_level *level, const dmx_htdemucs *h,
                               dmx_error *err)
{
    int64_t chin = h->audio_channels, chin_z = 2 * chin;
    int64_t chout = h->channels_time != 0 ? h->channels_time : h->channels;
    int64_t chout_z = h->channels, freqs = h->nfft / 2;
    for (int64_t i = 0; i < h->depth; i++) {
        dmx_htdemucs_level *l = &level[i];
        describe_level(l, h, i, freqs);
        if (l->last_freq) {
            chout_z = chout > chout_z ? chout : chout_z;
            chout = chout_z;
        }
        l->chin = chin;
        l->chin_z = chin_z;
        l->chout = chout;
        l->chout_z = chout_z;
        if (i == 0) {
            chin = h->audio_channels * h->n_source;
            chin_z = 2 * chin;
        }
        l->dec_out = chin;
        l->dec_out_z = chin_z;
        chin = chout;
        chin_z = chout_z;
        DMX_FORWARD(grow(&chout, h->growth, err));
        DMX_FORWARD(grow(&chout_z, h->growth, err));
        freqs = l->freqs_out;
        DMX_RETURN_IF(l->multi && (l->norm || !l->freq || l->last_freq), err,
                      DMX_ERROR_MODEL,
                      "multi_freqs at level %lld: not possible with a norm or "
                      "a single row, as in the original",
                      (long long)i);
    }
    DMX_RETURN_IF(h->t_layers > 0 && !level[h->depth - 1].freq, err,
                  DMX_ERROR_MODEL,
                  "depth = %lld leaves no spectrogram for the transformer",
                  (long long)h->depth);
    return DMX_OK;
}
