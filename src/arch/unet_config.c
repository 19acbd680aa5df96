#include "arch/unet.h"

static dmx_status parse_shape(dmx_unet *u, const dmx_json *a, dmx_error *err)
{
    const dmx_int_argument fields[] = {
        {"audio_channels", &u->audio_channels, 1, 64},
        {"channels", &u->channels, 1, 65536},
        {"channels_time", &u->channels_time, 0, 65536},
        {"nfft", &u->nfft, 16, 65536},
        {"depth", &u->depth, 1, DMX_UNET_MAX_DEPTH},
        {"multi_freqs_depth", &u->multi_freqs_depth, 0, 1000},
        {"kernel_size", &u->kernel_size, 1, 4096},
        {"time_stride", &u->time_stride, 1, 4096},
        {"stride", &u->stride, 1, 4096},
        {"context", &u->context, 0, 64},
        {"context_enc", &u->context_enc, 0, 64},
        {"norm_starts", &u->norm_starts, 0, 1000},
        {"norm_groups", &u->norm_groups, 1, 65536},
        {"dconv_mode", &u->dconv_mode, 0, 1000},
        {"dconv_depth", &u->dconv_depth, -16, 16},
    };
    DMX_FORWARD(
        dmx_argument_ints(fields, sizeof fields / sizeof fields[0], a, err));
    DMX_FORWARD(
        dmx_argument_double(&u->growth, a, "growth", 1.0 / 64, 64, err));
    DMX_FORWARD(
        dmx_argument_double(&u->freq_emb, a, "freq_emb", -1e6, 1e6, err));
    DMX_FORWARD(
        dmx_argument_double(&u->emb_scale, a, "emb_scale", -1e6, 1e6, err));
    DMX_FORWARD(dmx_argument_double(&u->dconv_comp, a, "dconv_comp", 1.0 / 64,
                                    65536, err));
    DMX_FORWARD(dmx_argument_bool(&u->rewrite, a, "rewrite", err));
    /* Any other hop fails the original's own assertion on the frame count. */
    DMX_RETURN_IF(u->nfft % 8 != 0, err, DMX_ERROR_UNSUPPORTED,
                  "nfft = %lld: only multiples of 8 have an even hop of "
                  "nfft/4, which the original needs too",
                  (long long)u->nfft);
    return DMX_OK;
}

static dmx_status parse_bands(dmx_unet *u, const dmx_json *a, dmx_error *err)
{
    const dmx_json *list = dmx_json_get(a, "multi_freqs");
    const dmx_json *item;
    const dmx_status fault = dmx_argument_fault(a, "multi_freqs");
    double previous = 0.0;
    DMX_RETURN_IF(!dmx_json_is_array(list) && !dmx_json_is_null(list), err,
                  fault, "argument multi_freqs is not a list");
    DMX_JSON_EACH (item, list) {
        DMX_RETURN_IF(u->n_multi_freqs == DMX_UNET_MAX_BANDS - 1, err,
                      DMX_ERROR_LIMIT, "multi_freqs has more than %d ratios",
                      DMX_UNET_MAX_BANDS - 1);
        DMX_RETURN_IF(
            !dmx_json_is_number(item) || !(item->valuedouble > previous) ||
                !(item->valuedouble < 1.0),
            err, fault, "argument multi_freqs must rise between 0 and 1");
        previous = item->valuedouble;
        u->multi_freqs[u->n_multi_freqs++] = previous;
    }
    return DMX_OK;
}

static dmx_status parse_output(dmx_unet *u, const dmx_json *a, dmx_error *err)
{
    DMX_FORWARD(dmx_argument_bool(&u->cac, a, "cac", err));
    DMX_FORWARD(dmx_argument_int(&u->wiener_iters, a, "wiener_iters", -1000,
                                 1000, err));
    DMX_FORWARD(
        dmx_argument_bool(&u->wiener_residual, a, "wiener_residual", err));
    DMX_RETURN_IF(!u->cac && u->wiener_iters > 0 && u->audio_channels > 2, err,
                  dmx_argument_fault(a, "wiener_iters"),
                  "wiener_iters = %lld: the filter takes one channel or two, "
                  "in the original too",
                  (long long)u->wiener_iters);
    return DMX_OK;
}

/* Parses the arguments that HTDemucs does not have: it is always hybrid, and
 * its DConv has neither LSTM nor attention. */
static dmx_status parse_hybrid(dmx_unet *u, const dmx_json *a, dmx_error *err)
{
    bool old;
    u->hybrid = true;
    u->dconv_attn = u->dconv_lstm = DMX_UNET_NEVER;
    if (dmx_json_get(a, "hybrid") == NULL)
        return DMX_OK;
    DMX_FORWARD(dmx_argument_bool(&u->hybrid, a, "hybrid", err));
    DMX_FORWARD(dmx_argument_bool(&old, a, "hybrid_old", err));
    DMX_RETURN_IF(old && !u->hybrid, err, dmx_argument_fault(a, "hybrid_old"),
                  "hybrid_old needs hybrid, in the original too");
    u->frames = old         ? DMX_FRAMES_HYBRID_OLD
                : u->hybrid ? DMX_FRAMES_HYBRID
                            : DMX_FRAMES_CENTRED;
    DMX_FORWARD(dmx_argument_int(&u->dconv_attn, a, "dconv_attn", 0,
                                 DMX_UNET_NEVER, err));
    return dmx_argument_int(&u->dconv_lstm, a, "dconv_lstm", 0, DMX_UNET_NEVER,
                            err);
}

dmx_status dmx_unet_parse(dmx_unet *out, const dmx_json *arguments,
                          dmx_error *err)
{
    dmx_unet u = {0};
    DMX_FORWARD(parse_shape(&u, arguments, err));
    DMX_FORWARD(parse_bands(&u, arguments, err));
    DMX_FORWARD(parse_output(&u, arguments, err));
    DMX_FORWARD(parse_hybrid(&u, arguments, err));
    u.n_source = dmx_json_count(dmx_json_get(arguments, "sources"));
    DMX_RETURN_IF(u.n_source < 1 || u.n_source > DMX_UNET_MAX_SOURCES, err,
                  dmx_argument_fault(arguments, "sources"),
                  "sources must be a list of 1 to %d names",
                  DMX_UNET_MAX_SOURCES);
    *out = u;
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

static void describe_level(dmx_unet_level *l, const dmx_unet *u, int64_t index,
                           int64_t freqs)
{
    l->norm = index >= u->norm_starts;
    l->lstm = index >= u->dconv_lstm;
    l->attn = index >= u->dconv_attn;
    l->freq = freqs > 1;
    l->has_time = l->freq && u->hybrid;
    l->kernel = l->freq ? u->kernel_size : 2 * u->time_stride;
    l->stride = l->freq ? u->stride : u->time_stride;
    l->last_freq = l->freq && freqs <= u->kernel_size;
    if (l->last_freq)
        l->kernel = freqs;
    l->pad = l->last_freq ? 0 : l->kernel / 4;
    l->multi = u->n_multi_freqs > 0 && index < u->multi_freqs_depth;
    l->freqs_out = !l->freq ? 1 : l->last_freq ? 1 : freqs / u->stride;
}

dmx_status dmx_unet_levels(dmx_unet_level *level, const dmx_unet *u,
                           dmx_error *err)
{
    const int64_t parts = u->cac ? 2 : 1;
    int64_t chin = u->audio_channels, chin_z = parts * chin;
    int64_t chout = u->channels_time != 0 ? u->channels_time : u->channels;
    int64_t chout_z = u->channels, freqs = u->nfft / 2;
    for (int64_t i = 0; i < u->depth; i++) {
        dmx_unet_level *l = &level[i];
        describe_level(l, u, i, freqs);
        if (l->last_freq) {
            chout_z = chout > chout_z ? chout : chout_z;
            chout = chout_z;
        }
        l->chin = chin;
        l->chin_z = chin_z;
        l->chout = chout;
        l->chout_z = chout_z;
        if (i == 0) {
            chin = u->audio_channels * u->n_source;
            chin_z = parts * chin;
        }
        l->dec_out = chin;
        l->dec_out_z = chin_z;
        chin = chout;
        chin_z = chout_z;
        DMX_FORWARD(grow(&chout, u->growth, err));
        DMX_FORWARD(grow(&chout_z, u->growth, err));
        freqs = l->freqs_out;
        DMX_RETURN_IF(l->multi && (l->norm || !l->freq || l->last_freq), err,
                      DMX_ERROR_MODEL,
                      "multi_freqs at level %lld: not possible with a norm or "
                      "a single row, as in the original",
                      (long long)i);
    }
    return DMX_OK;
}
