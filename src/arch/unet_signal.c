/* What surrounds the U-Net: spectrogram and statistics of the mixture, and
 * their inverses. Source: forward, _spec, _magnitude, _mask and _ispec of
 * demucs/hdemucs.py. */
#include "arch/unet.h"

#define EPSILON   1e-5 /* of the standardization */
#define SOFT_MASK 1e-8 /* wiener_iters < 0 */

void dmx_unet_begin(dmx_unet_input *in, const dmx_unet_build *n,
                    int64_t samples, dmx_value *x, dmx_value *xt)
{
    dmx_graph *g = n->b->g;
    const dmx_unet *u = n->config;
    *in = (dmx_unet_input){0};
    in->mix = samples == DMX_ANY
                  ? dmx_graph_input_any(g, u->audio_channels)
                  : dmx_graph_input(g, u->audio_channels, samples);
    in->spectrogram = dmx_graph_stft(g, "stft", in->mix, u->nfft, u->frames);
    *x = u->cac ? in->spectrogram
                : dmx_graph_magnitude(g, "magnitude", in->spectrogram);
    dmx_graph_statistics(g, "statistics", *x, &in->mean, &in->std);
    *x =
        dmx_graph_standardize(g, "standardize", *x, in->mean, in->std, EPSILON);
    *xt = DMX_NO_VALUE;
    if (!u->hybrid)
        return;
    dmx_graph_statistics(g, "statistics_t", in->mix, &in->mean_t, &in->std_t);
    *xt = dmx_graph_standardize(g, "standardize_t", in->mix, in->mean_t,
                                in->std_t, EPSILON);
}

/* Complex-as-channels output is already a spectrogram; magnitudes take the
 * mixture's phase. */
static dmx_value spectrogram_of(const dmx_unet_input *in,
                                const dmx_unet_build *n, dmx_value x)
{
    const dmx_unet *u = n->config;
    dmx_graph *g = n->b->g;
    if (u->cac)
        return x;
    if (u->wiener_iters > 0)
        return dmx_graph_wiener(g, "wiener", x, in->spectrogram,
                                u->wiener_iters, u->wiener_residual);
    return dmx_graph_mask(g, "mask", x, in->spectrogram,
                          u->wiener_iters < 0 ? SOFT_MASK : 0.0);
}

void dmx_unet_end(const dmx_unet_input *in, const dmx_unet_build *n,
                  dmx_value x, dmx_value xt)
{
    dmx_graph *g = n->b->g;
    x = dmx_graph_unstandardize(g, "unstandardize", x, in->mean, in->std);
    x = spectrogram_of(in, n, x);
    x = dmx_graph_istft(g, "istft", x, n->config->nfft, n->config->frames,
                        dmx_graph_length(g, in->mix, 2));
    if (n->config->hybrid) {
        xt = dmx_graph_unstandardize(g, "unstandardize_t", xt, in->mean_t,
                                     in->std_t);
        x = dmx_graph_add(g, "stems", xt, x, 1.0);
    }
    dmx_graph_output(g, x);
}
