/* Magnitudes, and spectrograms of magnitudes with the mixture's phase. */
#include "onnx/walk.h"

/* [B, 2C, F, T] -> [B, C, 2, F, T]: real and imaginary part. */
static dmx_name parts_of(dmx_emitter *e, dmx_name z, const dmx_extent dim[3])
{
    return dmx_emit_reshape(e, z,
                            DMX_DIMS(e->batch, dim[0] / 2, 2, dim[1], dim[2]));
}

static dmx_name modulus(dmx_emitter *e, dmx_name parts)
{
    return dmx_emit_1(e, "Sqrt",
                      dmx_emit_reduce(e, "ReduceSumSquare", parts, 2));
}

void dmx_recipe_magnitude(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *dim = dmx_walk_dim(w, n->in[0]);
    const dmx_name y = modulus(e, parts_of(e, dmx_walk_in(w, n, 0), dim));
    dmx_walk_set(
        w, n,
        dmx_emit_reshape(e, y, DMX_DIMS(e->batch, dim[0] / 2, dim[1], dim[2])));
}

/* z / |z|, and 1 where z = 0. Both are first divided by the larger part of the
 * two: squares of quiet bins must not vanish. */
static dmx_name unit_phase(dmx_emitter *e, dmx_name parts)
{
    static const double one[2] = {1.0, 0.0};
    dmx_name larger =
        dmx_emit_reduce(e, "ReduceMax", dmx_emit_1(e, "Abs", parts), 2);
    const dmx_name none = dmx_emit_cast_f32(
        e, dmx_emit_2(e, "Equal", larger, dmx_constant_scalar(e, 0.0)));
    const dmx_name phase0 =
        dmx_constant_f64(e, "phase_of_zero", one, DMX_DIMS(1, 1, 2, 1, 1));
    larger = dmx_emit_2(e, "Add", larger, none);
    parts = dmx_emit_2(e, "Add", parts, dmx_emit_2(e, "Mul", none, phase0));
    parts = dmx_emit_2(e, "Div", parts, larger);
    return dmx_emit_2(e, "Div", parts, modulus(e, parts));
}

/* m z / (epsilon + |z|), z that of the channel for every source. */
void dmx_recipe_mask(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *m = dmx_walk_dim(w, n->in[0]);
    const dmx_extent *z = dmx_walk_dim(w, n->in[1]);
    const int64_t channels = z[0] / 2, sources = m[0] / channels;
    const dmx_extent bins = dmx_extent_times(e, m[2], m[1]);
    dmx_name phase = parts_of(e, dmx_walk_in(w, n, 1), z);
    phase = n->at.epsilon > 0.0
                ? dmx_emit_2(
                      e, "Div", phase,
                      dmx_emit_add_scalar(e, modulus(e, phase), n->at.epsilon))
                : unit_phase(e, phase);
    phase =
        dmx_emit_reshape(e, phase, DMX_DIMS(e->batch, 1, channels, 2, bins));
    const dmx_name x =
        dmx_emit_reshape(e, dmx_walk_in(w, n, 0),
                         DMX_DIMS(e->batch, sources, channels, 1, bins));
    dmx_walk_set(w, n,
                 dmx_emit_reshape(e, dmx_emit_2(e, "Mul", x, phase),
                                  DMX_DIMS(e->batch, 2 * m[0], m[1], m[2])));
}
