/* Magnitude spectrograms: from complex numbers to magnitudes, and back with the
 * mixture's phase. Magnitudes are computed in double, which cannot overflow. */
#include "engine/steps/steps.h"

#include <math.h>

enum { MAGNITUDES, MIXTURE }; /* input slots of the mask */

static dmx_step by_rows(const struct dmx_engine *e, const char *kind,
                        const char *path, dmx_buf out)
{
    return (dmx_step){
        .kind = kind,
        .path = path,
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = e->buffer[out].plane.rows,
        .row_tasks = 1,
    };
}

static void run_magnitude(const dmx_step *step, const dmx_frame *f, int64_t row,
                          float *scratch)
{
    (void)scratch;
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const float *re =
        dmx_read(f, step->in[DMX_SLOT_INPUT]) + row * in->channels * in->stride;
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
               row * out->channels * out->stride;
    for (int64_t c = 0; c < out->channels; c++) {
        const float *im = re + in->stride;
        for (int64_t t = 0; t < out->cols; t++)
            y[t] = (float)sqrt((double)re[t] * (double)re[t] +
                               (double)im[t] * (double)im[t]);
        re += 2 * in->stride;
        y += out->stride;
    }
}

dmx_status dmx_step_magnitude(struct dmx_engine *e, const char *path, dmx_buf z,
                              dmx_buf out, dmx_error *err)
{
    dmx_step step = by_rows(e, "magnitude", path, out);
    step.run = run_magnitude;
    step.in[DMX_SLOT_INPUT] = z;
    step.local = DMX_SLOT_BIT(DMX_SLOT_INPUT);
    return dmx_program_add(e, &step, err);
}

/* z / (epsilon + |z|); 1 where both are zero. */
static void direction_of(float *restrict to_re, float *restrict to_im,
                         const float *restrict re, const float *restrict im,
                         double epsilon, int64_t n)
{
    for (int64_t t = 0; t < n; t++) {
        const double x = (double)re[t], y = (double)im[t];
        const double length = epsilon + sqrt(x * x + y * y);
        const double part = 1.0 / (length > 0.0 ? length : 1.0);
        to_re[t] = length > 0.0 ? (float)(x * part) : 1.0f;
        to_im[t] = (float)(y * part);
    }
}

static void multiply(float *restrict out, const float *restrict a,
                     const float *restrict b, int64_t n)
{
    for (int64_t t = 0; t < n; t++)
        out[t] = a[t] * b[t];
}

static void run_mask(const dmx_step *step, const dmx_frame *f, int64_t row,
                     float *scratch)
{
    const double *epsilon = step->parameters;
    const dmx_plane *m = dmx_plane_of(f, step->in[MAGNITUDES]);
    const dmx_plane *z = dmx_plane_of(f, step->in[MIXTURE]);
    const int64_t channels = z->channels / 2, n = m->cols;
    const float *mix =
        dmx_read(f, step->in[MIXTURE]) + row * z->channels * z->stride;
    const float *x =
        dmx_read(f, step->in[MAGNITUDES]) + row * m->channels * m->stride;
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
               row * out->channels * out->stride;
    float *re = scratch, *im = scratch + n;
    for (int64_t c = 0; c < channels; c++, mix += 2 * z->stride) {
        direction_of(re, im, mix, mix + z->stride, *epsilon, n);
        for (int64_t i = c; i < m->channels; i += channels) {
            multiply(y + 2 * i * out->stride, x + i * m->stride, re, n);
            multiply(y + (2 * i + 1) * out->stride, x + i * m->stride, im, n);
        }
    }
}

dmx_status dmx_step_mask(struct dmx_engine *e, const char *path, dmx_buf m,
                         dmx_buf z, dmx_buf out, double epsilon, dmx_error *err)
{
    double *parameters = dmx_program_parameters(e, sizeof *parameters, err);
    if (parameters == NULL)
        return DMX_ERROR_MEMORY;
    *parameters = epsilon;
    dmx_step step = by_rows(e, "mask", path, out);
    step.run = run_mask;
    step.parameters = parameters;
    step.in[MAGNITUDES] = m;
    step.in[MIXTURE] = z;
    step.local = DMX_SLOT_BIT(MAGNITUDES) | DMX_SLOT_BIT(MIXTURE);
    step.scratch = 2 * e->buffer[m].plane.cols;
    return dmx_program_add(e, &step, err);
}

static void run_mono(const dmx_step *step, const dmx_frame *f, int64_t row,
                     float *scratch)
{
    (void)scratch;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const float *x =
        dmx_read(f, step->in[DMX_SLOT_INPUT]) + row * in->channels * in->stride;
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + row * out->stride;
    const float part = (float)(1.0 / (double)in->channels);
    k->affine(y, x, part, 0.0f, in->cols);
    for (int64_t c = 1; c < in->channels; c++)
        k->add(y, y, x + c * in->stride, part, in->cols);
}

dmx_status dmx_step_mono(struct dmx_engine *e, const char *path, dmx_buf x,
                         dmx_buf out, dmx_error *err)
{
    dmx_step step = by_rows(e, "mono", path, out);
    step.run = run_mono;
    step.in[DMX_SLOT_INPUT] = x;
    step.local = DMX_SLOT_BIT(DMX_SLOT_INPUT);
    return dmx_program_add(e, &step, err);
}
