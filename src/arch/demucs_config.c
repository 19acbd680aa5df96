#include "arch/demucs_config.h"

/* Source: the constructor of demucs.demucs.Demucs, in its order. */
const dmx_argument dmx_demucs_arguments[] = {
    {"sources", "null", DMX_ARGUMENT_USED},
    {"audio_channels", "2", DMX_ARGUMENT_USED},
    {"channels", "64", DMX_ARGUMENT_USED},
    {"growth", "2.0", DMX_ARGUMENT_USED},
    {"depth", "6", DMX_ARGUMENT_USED},
    {"rewrite", "true", DMX_ARGUMENT_USED},
    {"lstm_layers", "0", DMX_ARGUMENT_USED},
    {"kernel_size", "8", DMX_ARGUMENT_USED},
    {"stride", "4", DMX_ARGUMENT_USED},
    {"context", "1", DMX_ARGUMENT_USED},
    {"gelu", "true", DMX_ARGUMENT_USED},
    {"glu", "true", DMX_ARGUMENT_USED},
    {"norm_starts", "4", DMX_ARGUMENT_USED},
    {"norm_groups", "4", DMX_ARGUMENT_USED},
    {"dconv_mode", "1", DMX_ARGUMENT_USED},
    {"dconv_depth", "2", DMX_ARGUMENT_USED},
    {"dconv_comp", "4", DMX_ARGUMENT_USED},
    {"dconv_attn", "4", DMX_ARGUMENT_USED},
    {"dconv_lstm", "4", DMX_ARGUMENT_USED},
    {"dconv_init", "0.0001", DMX_ARGUMENT_IGNORED},
    {"normalize", "true", DMX_ARGUMENT_USED},
    {"resample", "true", DMX_ARGUMENT_USED},
    {"rescale", "0.1", DMX_ARGUMENT_IGNORED},
    {"samplerate", "44100", DMX_ARGUMENT_USED},
    {"segment", "40", DMX_ARGUMENT_USED},
    {NULL, NULL, DMX_ARGUMENT_IGNORED},
};

static dmx_status parse_flags(dmx_demucs *d, const dmx_json *a, dmx_error *err)
{
    DMX_FORWARD(dmx_argument_bool(&d->rewrite, a, "rewrite", err));
    DMX_FORWARD(dmx_argument_bool(&d->gelu, a, "gelu", err));
    DMX_FORWARD(dmx_argument_bool(&d->glu, a, "glu", err));
    DMX_FORWARD(dmx_argument_bool(&d->normalize, a, "normalize", err));
    return dmx_argument_bool(&d->resample, a, "resample", err);
}

dmx_status dmx_demucs_parse(dmx_demucs *out, const dmx_json *a, dmx_error *err)
{
    dmx_demucs d = {0};
    const int64_t never = 1000000;
    const dmx_int_argument fields[] = {
        {"audio_channels", &d.audio_channels, 1, 64},
        {"channels", &d.channels, 1, 65536},
        {"depth", &d.depth, 1, DMX_DEMUCS_MAX_DEPTH},
        {"lstm_layers", &d.lstm_layers, 0, 16},
        {"kernel_size", &d.kernel_size, 1, 4096},
        {"stride", &d.stride, 1, 4096},
        {"context", &d.context, 0, 64},
        {"norm_starts", &d.norm_starts, -never, never},
        {"norm_groups", &d.norm_groups, 1, 65536},
        {"dconv_mode", &d.dconv_mode, 0, 1000},
        {"dconv_depth", &d.dconv_depth, -16, 16},
        {"dconv_attn", &d.dconv_attn, -never, never},
        {"dconv_lstm", &d.dconv_lstm, -never, never},
    };
    DMX_FORWARD(
        dmx_argument_ints(fields, sizeof fields / sizeof fields[0], a, err));
    DMX_FORWARD(dmx_argument_double(&d.growth, a, "growth", 1.0 / 64, 64, err));
    DMX_FORWARD(dmx_argument_double(&d.dconv_comp, a, "dconv_comp", 1.0 / 64,
                                    65536, err));
    DMX_FORWARD(parse_flags(&d, a, err));
    d.n_source = dmx_json_count(dmx_json_get(a, "sources"));
    DMX_RETURN_IF(d.n_source < 1 || d.n_source > DMX_DEMUCS_MAX_SOURCES, err,
                  dmx_argument_fault(a, "sources"),
                  "sources must be a list of 1 to %d names",
                  DMX_DEMUCS_MAX_SOURCES);
    DMX_RETURN_IF(d.stride > d.kernel_size, err,
                  dmx_argument_fault(a, "stride"),
                  "stride = %lld is larger than kernel_size = %lld",
                  (long long)d.stride, (long long)d.kernel_size);
    *out = d;
    return DMX_OK;
}

/* channels = int(growth * channels), with a bound that keeps products in range.
 */
dmx_status dmx_demucs_widths(int64_t *width, const dmx_demucs *d,
                             dmx_error *err)
{
    int64_t channels = d->channels;
    for (int64_t i = 0; i < d->depth; i++) {
        width[i] = channels;
        const double grown = d->growth * (double)channels;
        DMX_RETURN_IF(!(grown >= 1.0 && grown < 1e6), err, DMX_ERROR_MODEL,
                      "growth = %g leads to %g channels", d->growth, grown);
        channels = (int64_t)grown;
    }
    return DMX_OK;
}

/* max(1, ceil((n - kernel) / stride) + 1) */
static bool encoded_length(dmx_length *n, const dmx_demucs *d)
{
    return dmx_length_add(n, *n, -d->kernel_size) &&
           dmx_length_ceil(n, *n, d->stride) && dmx_length_add(n, *n, 1) &&
           dmx_length_at_least(n, *n, 1);
}

bool dmx_demucs_valid_length(dmx_length *out, const dmx_demucs *d, dmx_length n)
{
    bool fits = true;
    if (d->resample)
        fits = dmx_length_multiply(&n, n, 2);
    for (int64_t i = 0; fits && i < d->depth; i++)
        fits = encoded_length(&n, d);
    for (int64_t i = 0; fits && i < d->depth; i++)
        fits = dmx_length_add(&n, n, -1) &&
               dmx_length_multiply(&n, n, d->stride) &&
               dmx_length_add(&n, n, d->kernel_size);
    if (fits && d->resample)
        fits = dmx_length_ceil(&n, n, 2);
    *out = n;
    return fits;
}
