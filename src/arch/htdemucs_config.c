#include "arch/htdemucs_config.h"

#include <string.h>

/* Source: the constructor of demucs.htdemucs.HTDemucs, in its order. */
const dmx_argument dmx_htdemucs_arguments[] = {
    {"sources", "null", DMX_ARGUMENT_USED},
    {"audio_channels", "2", DMX_ARGUMENT_USED},
    {"channels", "48", DMX_ARGUMENT_USED},
    {"channels_time", "null", DMX_ARGUMENT_USED},
    {"growth", "2", DMX_ARGUMENT_USED},
    {"nfft", "4096", DMX_ARGUMENT_USED},
    {"wiener_iters", "0", DMX_ARGUMENT_USED},
    {"end_iters", "0", DMX_ARGUMENT_IGNORED},
    {"wiener_residual", "false", DMX_ARGUMENT_USED},
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
    DMX_RETURN_IF(item != NULL, err, dmx_argument_fault(a, "t_emb"),
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
    const dmx_int_argument fields[] = {
        {"bottom_channels", &h->bottom_channels, 0, 65536},
        {"t_layers", &h->t_layers, 0, DMX_HTDEMUCS_MAX_LAYERS},
        {"t_heads", &h->t_heads, 1, 4096},
        {"t_max_positions", &h->t_max_positions, 1, 1 << 30},
        {"t_norm_in_group", &h->t_norm_in_group, 0, 65536},
        {"t_group_norm", &h->t_group_norm, 0, 65536},
        {"t_norm_out", &norm_out, 0, 65536},
    };
    DMX_FORWARD(
        dmx_argument_ints(fields, sizeof fields / sizeof fields[0], a, err));
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
    bool sparse_self, sparse_cross;
    DMX_FORWARD(dmx_argument_bool(&sparse_self, a, "t_sparse_self_attn", err));
    DMX_FORWARD(
        dmx_argument_bool(&sparse_cross, a, "t_sparse_cross_attn", err));
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
    DMX_FORWARD(dmx_unet_parse(&h.unet, arguments, err));
    DMX_FORWARD(parse_transformer(&h, arguments, err));
    DMX_FORWARD(parse_embedding(&h, arguments, hooks, err));
    *out = h;
    return DMX_OK;
}
