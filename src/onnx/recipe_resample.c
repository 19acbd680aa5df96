/* Resampling by a rational ratio, and the mean of channels. */
#include "onnx/emit_weights.h"
#include "onnx/walk.h"

void dmx_recipe_mono(dmx_walk *w, const dmx_node *n)
{
    dmx_walk_set(w, n,
                 dmx_emit_reduce(&w->e, "ReduceMean", dmx_walk_in(w, n, 0), 1));
}

/* Treats [1, C, 1, N] as C signals of one channel, extended by repeating their
 * end samples, and computes all phases with one convolution: [C, up, 1, N /
 * down]. */
static dmx_name phases(dmx_walk *w, const dmx_node *n, dmx_extent signals)
{
    dmx_emitter *e = &w->e;
    const dmx_tensor *taps = dmx_weight_of(n);
    const dmx_extent length = dmx_walk_dim(w, n->in[0])[2];
    const int64_t before = (taps->dim[1] - n->at.down) / 2;
    dmx_conv_geometry c = dmx_conv_point();
    c.kernel[1] = taps->dim[1];
    c.stride[1] = n->at.down;
    dmx_name x = dmx_emit_reshape(e, dmx_walk_in(w, n, 0),
                                  DMX_DIMS(signals, 1, 1, length));
    x = dmx_emit_pad(e, x, 4, 3, before, taps->dim[1] - n->at.down - before,
                     DMX_PAD_EDGE);
    const dmx_name weight =
        dmx_weight_as_is(e, taps, DMX_DIMS(n->at.up, 1, 1, taps->dim[1]));
    return dmx_emit_conv(e, "Conv", x, weight, NULL, &c);
}

/* The phases of a sample are adjacent in the result. */
void dmx_recipe_resample(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *in = dmx_walk_dim(w, n->in[0]);
    const dmx_extent *out = dmx_walk_dim(w, n->out[0]);
    const dmx_extent signals = dmx_extent_times(e, e->batch, in[0]);
    if (n->at.up > 1 && n->at.down > 1) {
        dmx_emitter_fail(e, DMX_ERROR_UNSUPPORTED,
                         "%s: resampling by %lld/%lld has no ONNX form here",
                         n->path, (long long)n->at.up, (long long)n->at.down);
        return;
    }
    dmx_name y = phases(w, n, signals);
    if (n->at.up > 1)
        y = dmx_emit_transpose(e, y, DMX_DIMS(0, 3, 2, 1));
    dmx_walk_set(w, n,
                 dmx_emit_reshape(e, y, DMX_DIMS(e->batch, out[0], 1, out[2])));
}
