/* Plain passes over a plane, for what is not fused into a product. */
#include "engine/steps/steps.h"

#include <string.h>

typedef struct pass_step {
    dmx_activation activation;
    const float *gain, *offset;
    float alpha;
} pass_step;

static dmx_step *add_pass(struct dmx_engine *e, const char *kind,
                          const char *path, const pass_step *p, dmx_buf a,
                          dmx_buf b, dmx_buf out)
{
    pass_step *own = dmx_engine_parameters(e, sizeof *own);
    dmx_step *step = dmx_engine_step(e, kind, path);
    if (own == NULL || step == NULL)
        return NULL;
    *own = *p;
    step->parameters = own;
    step->in[0] = a;
    step->in[1] = b;
    step->out[0] = out;
    step->tasks = e->buffer[out].plane.rows * e->buffer[out].plane.channels;
    return step;
}

/* Tasks are lines: row * channels + channel. */
static void run_activation(const dmx_step *step, const dmx_frame *f,
                           int64_t task, float *scratch)
{
    (void)scratch;
    const pass_step *p = step->parameters;
    const dmx_plane *out = dmx_plane_of(f, step->out[0]);
    float *y = dmx_at(f, step->out[0]) + task * out->stride;
    const float *x = dmx_at(f, step->in[0]);
    if (p->activation != DMX_ACT_GLU) {
        f->engine->kernels->activate(p->activation, y, x + task * out->stride,
                                     out->cols);
        return;
    }
    const int64_t row = task / out->channels, c = task % out->channels;
    x += (row * 2 * out->channels + c) * out->stride;
    f->engine->kernels->glu(y, x, x + out->channels * out->stride, out->cols);
}

bool dmx_step_activation(struct dmx_engine *e, const char *path,
                         dmx_activation act, dmx_buf x, dmx_buf out)
{
    const pass_step p = {.activation = act};
    dmx_step *step = add_pass(e, "activation", path, &p, x, -1, out);
    if (step == NULL)
        return false;
    step->run = run_activation;
    return true;
}

static void run_affine(const dmx_step *step, const dmx_frame *f, int64_t task,
                       float *scratch)
{
    (void)scratch;
    const pass_step *p = step->parameters;
    const dmx_plane *out = dmx_plane_of(f, step->out[0]);
    const int64_t c = task % out->channels;
    f->engine->kernels->affine(dmx_at(f, step->out[0]) + task * out->stride,
                               dmx_at(f, step->in[0]) + task * out->stride,
                               p->gain != NULL ? p->gain[c] : 1.0f,
                               p->offset != NULL ? p->offset[c] : 0.0f,
                               out->cols);
}

bool dmx_step_channel_affine(struct dmx_engine *e, const char *path, dmx_buf x,
                             dmx_buf out, const float *gain,
                             const float *offset)
{
    const int64_t channels = e->buffer[out].plane.channels;
    pass_step p = {0};
    if (!dmx_engine_keep(e, &p.gain, gain, channels) ||
        !dmx_engine_keep(e, &p.offset, offset, channels))
        return false;
    dmx_step *step = add_pass(e, "affine", path, &p, x, -1, out);
    if (step == NULL)
        return false;
    step->run = run_affine;
    return true;
}

static void run_add(const dmx_step *step, const dmx_frame *f, int64_t task,
                    float *scratch)
{
    (void)scratch;
    const pass_step *p = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *out = dmx_plane_of(f, step->out[0]);
    const dmx_plane *pb = dmx_plane_of(f, step->in[1]);
    const int64_t row = task / out->channels, c = task % out->channels;
    const int64_t line =
        (pb->rows == 1 ? 0 : row) * pb->channels + (pb->channels == 1 ? 0 : c);
    const float *a = dmx_at(f, step->in[0]) + task * out->stride;
    const float *b = dmx_at(f, step->in[1]) + line * pb->stride;
    float *y = dmx_at(f, step->out[0]) + task * out->stride;
    if (pb->cols == out->cols)
        k->add(y, a, b, p->alpha, out->cols);
    else
        k->affine(y, a, 1.0f, *b * p->alpha, out->cols);
}

bool dmx_step_add(struct dmx_engine *e, const char *path, dmx_buf a, dmx_buf b,
                  dmx_buf out, float alpha)
{
    const pass_step p = {.alpha = alpha};
    dmx_step *step = add_pass(e, "add", path, &p, a, b, out);
    if (step == NULL)
        return false;
    step->run = run_add;
    return true;
}
