/* Resampling by a ratio, and the mean of channels. */
#include "reference/reference_ops.h"

#include <stdlib.h>

/* julius.resample_frac with a filter for each phase: the signal is extended by
 * repeating its end samples, and each `down` input samples yield `up` output
 * samples. */
typedef struct resampling {
    const dmx_reference_step *step;
    const double *filter; /* [up][taps] */
    int64_t up, down, taps, before;
    int64_t had, length; /* samples of a channel before and after */
} resampling;

static double sample(const resampling *r, const double *x, int64_t at)
{
    return x[at < 0 ? 0 : at < r->had ? at : r->had - 1];
}

static void resample_range(const void *context, int64_t begin, int64_t end)
{
    const resampling *r = context;
    for (int64_t i = begin; i < end; i++) {
        const int64_t t = i % r->length;
        const double *x = r->step->in[0].data + i / r->length * r->had;
        int64_t phase = t % r->up;
        if (DMX_MUTANT(RESAMPLE_PHASES_SWAPPED))
            phase = r->up - 1 - phase;
        const double *filter = r->filter + phase * r->taps;
        const int64_t start = t / r->up * r->down - r->before;
        double sum = 0.0;
        for (int64_t k = 0; k < r->taps; k++)
            sum += filter[DMX_MUTANT(RESAMPLE_FLIPPED) ? r->taps - 1 - k : k] *
                   sample(r, x, start + k);
        r->step->out[0].data[i] = sum;
    }
}

dmx_status dmx_reference_resample(const dmx_reference_step *s)
{
    const dmx_tensor *weight = dmx_weight_of(s->node);
    double *filter = dmx_reference_widen(weight, 0, s->err);
    if (filter == NULL)
        return DMX_ERROR_MEMORY;
    resampling r = {.step = s, .filter = filter};
    r.up = s->node->at.up;
    r.down = s->node->at.down;
    r.taps = weight->dim[1];
    r.before = (r.taps - r.down) / 2;
    r.had = s->in[0].shape.dim[2];
    r.length = s->out[0].shape.dim[2];
    dmx_reference_ranges(s->threads, dmx_shape_count(&s->out[0].shape),
                         resample_range, &r);
    free(filter);
    return DMX_OK;
}

static void mono_range(const void *step, int64_t begin, int64_t end)
{
    const dmx_reference_step *s = step;
    const int64_t channels = s->in[0].shape.dim[0];
    const int64_t count = dmx_shape_count(&s->out[0].shape);
    for (int64_t i = begin; i < end; i++) {
        double sum = 0.0;
        for (int64_t c = 0; c < channels; c++)
            sum += s->in[0].data[c * count + i];
        s->out[0].data[i] = DMX_MUTANT(MONO_SUM) ? sum : sum / (double)channels;
    }
}

dmx_status dmx_reference_mono(const dmx_reference_step *s)
{
    dmx_reference_ranges(s->threads, dmx_shape_count(&s->out[0].shape),
                         mono_range, s);
    return DMX_OK;
}
