/* Magnitudes of a spectrogram, and the mixture's phase applied to the network's
 * magnitudes. */
#include "reference/reference_ops.h"

#include <math.h>

/* The index in [2C][F T] of the real part of element i of [C][F T]. */
static int64_t real_part(int64_t i, int64_t inner)
{
    return i + i / inner * inner;
}

static void magnitude_range(const void *step, int64_t begin, int64_t end)
{
    const dmx_reference_step *s = step;
    const int64_t inner = s->in[0].shape.dim[1] * s->in[0].shape.dim[2];
    for (int64_t i = begin; i < end; i++) {
        const double *z = s->in[0].data + real_part(i, inner);
        const double power = z[0] * z[0] + z[inner] * z[inner];
        s->out[0].data[i] = DMX_MUTANT(MAGNITUDE_SQUARED) ? power : sqrt(power);
    }
}

dmx_status dmx_reference_magnitude(const dmx_reference_step *s)
{
    dmx_reference_ranges(s->threads, dmx_shape_count(&s->out[0].shape),
                         magnitude_range, s);
    return DMX_OK;
}

/* m z / (epsilon + |z|); a negative magnitude inverts the phase. */
static void mask(double out[2], double m, double re, double im, double epsilon)
{
    const double size = sqrt(re * re + im * im);
    if (DMX_MUTANT(MASK_ABSOLUTE))
        m = fabs(m);
    if (size == 0.0 && epsilon == 0.0) {
        out[0] = DMX_MUTANT(MASK_SILENT_BINS) ? 0.0 : m;
        out[1] = 0.0;
        return;
    }
    const double factor = m / (epsilon + size);
    out[0] = re * factor;
    out[1] = (DMX_MUTANT(MASK_CONJUGATE) ? -im : im) * factor;
}

static void mask_range(const void *step, int64_t begin, int64_t end)
{
    const dmx_reference_step *s = step;
    const int64_t inner = s->in[0].shape.dim[1] * s->in[0].shape.dim[2];
    const int64_t mixture = dmx_shape_count(&s->in[1].shape) / 2;
    for (int64_t i = begin; i < end; i++) {
        const double *z = s->in[1].data + real_part(i % mixture, inner);
        double y[2];
        mask(y, s->in[0].data[i], z[0], z[inner], s->node->at.epsilon);
        double *out = s->out[0].data + real_part(i, inner);
        out[0] = y[0];
        out[inner] = y[1];
    }
}

dmx_status dmx_reference_mask(const dmx_reference_step *s)
{
    dmx_reference_ranges(s->threads, dmx_shape_count(&s->in[0].shape),
                         mask_range, s);
    return DMX_OK;
}
