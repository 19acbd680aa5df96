/* Elementwise passes over a plane, for operations not fused into a product. */
#include "engine/steps/steps.h"

#include <string.h>

typedef struct pass_step {
    dmx_activation activation;
    const float *gain, *offset;
    float alpha;
} pass_step;

typedef void run_pass(const dmx_step *, const dmx_frame *, int64_t, float *);

static dmx_status add_pass(struct dmx_engine *e, const char *kind,
                           const char *path, run_pass *run, const pass_step *p,
                           const dmx_buf in[2], dmx_buf out, dmx_error *err)
{
    pass_step *own = dmx_program_parameters(e, sizeof *own, err);
    if (own == NULL)
        return DMX_ERROR_MEMORY;
    *own = *p;
    const dmx_plane *plane = &e->buffer[out].plane;
    const dmx_step step = {
        .kind = kind,
        .path = path,
        .run = run,
        .parameters = own,
        .in = {[DMX_SLOT_INPUT] = in[0], [DMX_SLOT_ADDED] = in[1]},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = plane->rows * plane->channels,
    };
    return dmx_program_add(e, &step, err);
}

/* Tasks are lines: row * channels + channel. */
static void run_activation(const dmx_step *step, const dmx_frame *f,
                           int64_t task, float *scratch)
{
    (void)scratch;
    const pass_step *p = step->parameters;
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + task * out->stride;
    const float *x = dmx_read(f, step->in[DMX_SLOT_INPUT]);
    if (p->activation != DMX_ACT_GLU) {
        f->engine->kernels->activate(p->activation, y, x + task * out->stride,
                                     out->cols);
        return;
    }
    const int64_t row = task / out->channels, c = task % out->channels;
    x += (row * 2 * out->channels + c) * out->stride;
    f->engine->kernels->glu(y, x, x + out->channels * out->stride, out->cols);
}

dmx_status dmx_step_activation(struct dmx_engine *e, const char *path,
                               dmx_activation act, dmx_buf x, dmx_buf out,
                               dmx_error *err)
{
    const pass_step p = {.activation = act};
    return add_pass(e, "activation", path, run_activation, &p,
                    (const dmx_buf[2]){x}, out, err);
}

static void run_affine(const dmx_step *step, const dmx_frame *f, int64_t task,
                       float *scratch)
{
    (void)scratch;
    const pass_step *p = step->parameters;
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const int64_t c = task % out->channels;
    f->engine->kernels->affine(
        dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + task * out->stride,
        dmx_read(f, step->in[DMX_SLOT_INPUT]) + task * out->stride,
        p->gain != NULL ? p->gain[c] : 1.0f,
        p->offset != NULL ? p->offset[c] : 0.0f, out->cols);
}

dmx_status dmx_step_channel_affine(struct dmx_engine *e, const char *path,
                                   dmx_buf x, dmx_buf out, const float *gain,
                                   const float *offset, dmx_error *err)
{
    const int64_t channels = e->buffer[out].plane.channels;
    pass_step p = {0};
    DMX_FORWARD(dmx_program_copy(&p.gain, e, gain, channels, err));
    DMX_FORWARD(dmx_program_copy(&p.offset, e, offset, channels, err));
    return add_pass(e, "affine", path, run_affine, &p, (const dmx_buf[2]){x},
                    out, err);
}

static void run_add(const dmx_step *step, const dmx_frame *f, int64_t task,
                    float *scratch)
{
    (void)scratch;
    const pass_step *p = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const dmx_plane *pb = dmx_plane_of(f, step->in[DMX_SLOT_ADDED]);
    const int64_t row = task / out->channels, c = task % out->channels;
    const int64_t line =
        (pb->rows == 1 ? 0 : row) * pb->channels + (pb->channels == 1 ? 0 : c);
    const float *a = dmx_read(f, step->in[DMX_SLOT_INPUT]) + task * out->stride;
    const float *b = dmx_read(f, step->in[DMX_SLOT_ADDED]) + line * pb->stride;
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + task * out->stride;
    if (pb->cols == out->cols)
        k->add(y, a, b, p->alpha, out->cols);
    else
        k->affine(y, a, 1.0f, *b * p->alpha, out->cols);
}

dmx_status dmx_step_add(struct dmx_engine *e, const char *path, dmx_buf a,
                        dmx_buf b, dmx_buf out, float alpha, dmx_error *err)
{
    const pass_step p = {.alpha = alpha};
    return add_pass(e, "add", path, run_add, &p, (const dmx_buf[2]){a, b}, out,
                    err);
}
