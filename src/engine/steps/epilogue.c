#include "engine/steps/epilogue.h"

#include <string.h>

int64_t dmx_product_rows(const struct dmx_engine *e, const dmx_product *p)
{
    return p->n_band > 0 ? p->rows : e->buffer[p->out].plane.rows;
}

dmx_status dmx_epilogue_fill(dmx_epilogue *p, struct dmx_engine *e,
                             const dmx_product *from, dmx_error *err)
{
    const int64_t channels = e->buffer[from->out].plane.channels;
    p->activation = from->activation;
    p->add_gain = from->add_gain;
    p->offset = from->offset;
    p->rows = dmx_product_rows(e, from);
    p->n_band = from->n_band;
    memcpy(p->band, from->band, sizeof p->band);
    return dmx_program_copy(&p->scale, e, from->scale, channels, err);
}

void dmx_epilogue_outputs(dmx_step *step, const dmx_epilogue *p)
{
    for (int i = 0; i < p->n_band; i++)
        step->out[DMX_SLOT_OUTPUT + i] = p->band[i].out;
}

/* The band of a row, or n_band. */
static int band_of(const dmx_epilogue *p, int64_t row)
{
    int i = 0;
    while (i < p->n_band && (row < p->band[i].from || row >= p->band[i].to))
        i++;
    return i;
}

bool dmx_epilogue_keeps(const dmx_epilogue *p, int64_t row)
{
    return row >= 0 && row < p->rows &&
           (p->n_band == 0 || band_of(p, row) < p->n_band);
}

dmx_finish dmx_epilogue_at(const dmx_epilogue *p, const dmx_step *step,
                           const dmx_frame *f, const dmx_matrix *m,
                           const dmx_block *b, int output, int64_t row)
{
    bool plain = false;
    if (p->n_band > 0) {
        output = band_of(p, row);
        row -= p->band[output].from;
        plain = p->band[output].plain;
    }
    const dmx_plane *out = dmx_plane_of(f, step->out[output]);
    const int64_t line = row * out->channels + b->channel;
    dmx_finish d = {
        .activation = plain ? DMX_ACT_NONE : p->activation,
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
    if (step->in[DMX_SLOT_ADDED] != DMX_NO_BUFFER && !plain)
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
