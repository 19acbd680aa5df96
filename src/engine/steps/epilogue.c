#include "engine/steps/epilogue.h"

dmx_status dmx_epilogue_fill(dmx_epilogue *p, struct dmx_engine *e,
                             const dmx_product *from, dmx_error *err)
{
    const int64_t channels = e->buffer[from->out].plane.channels;
    p->activation = from->activation;
    p->add_gain = from->add_gain;
    p->offset = from->offset;
    return dmx_program_copy(&p->scale, e, from->scale, channels, err);
}

dmx_finish dmx_epilogue_at(const dmx_epilogue *p, const dmx_step *step,
                           const dmx_frame *f, const dmx_matrix *m,
                           const dmx_block *b, int output, int64_t row)
{
    const dmx_plane *out = dmx_plane_of(f, step->out[output]);
    const int64_t line = row * out->channels + b->channel;
    dmx_finish d = {
        .activation = p->activation,
        .channels = b->channels,
        .gate = b->gate,
        .gate_bias = b->gate,
        .bias = m->bias + b->row0,
        .out = dmx_write(f, step->out[output]) + line * out->stride,
        .out_stride = out->stride,
        .add_gain = p->add_gain,
        .add_stride = out->stride,
    };
    if (p->scale != NULL)
        d.scale = p->scale + b->channel;
    if (p->offset != NULL)
        d.offset = p->offset + line;
    if (step->in[DMX_SLOT_ADDED] != DMX_NO_BUFFER)
        d.add = dmx_read(f, step->in[DMX_SLOT_ADDED]) + line * out->stride;
    if (step->in[DMX_SLOT_GAINS] != DMX_NO_BUFFER) {
        const float *affine =
            dmx_read(f, step->in[DMX_SLOT_GAINS]) + row * 2 * m->rows;
        d.gain = affine + b->row0;
        d.bias = affine + m->rows + b->row0;
    }
    return d;
}

void dmx_epilogue_move(dmx_finish *d, int64_t t, int64_t n)
{
    d->n = n;
    d->out += t;
    if (d->add != NULL)
        d->add += t;
}

void dmx_epilogue_prefetch(const dmx_finish *d, int64_t t, int64_t nr)
{
    for (int64_t r = 0; r < d->channels; r++)
        for (int64_t j = t; j < t + nr; j += DMX_LINE) {
            __builtin_prefetch(d->out + r * d->out_stride + j, 1);
            if (d->add != NULL && d->add != d->out)
                __builtin_prefetch(d->add + r * d->add_stride + j);
        }
}
