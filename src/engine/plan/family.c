/* Emits nodes of Hybrid Demucs and Demucs, as one or a few steps each:
 * magnitudes and masks, resampling, LSTMs, local attention. */
#include "engine/plan/planner.h"

#include <stdlib.h>

static dmx_buf in_of(const dmx_planner *p, const dmx_node *n, int i)
{
    return p->buf[n->in[i]];
}

/* A buffer of its own for the node's output. */
static dmx_status new_output(dmx_buf *out, dmx_planner *p, const dmx_node *n,
                             dmx_error *err)
{
    return dmx_plan_output(out, p, n->out[0], DMX_NO_VALUE, 0, err);
}

dmx_status dmx_emit_magnitude(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    dmx_buf out;
    DMX_FORWARD(new_output(&out, p, n, err));
    return dmx_step_magnitude(p->e, n->path, in_of(p, n, 0), out, err);
}

/* What the mixture's spectrogram was made of; the engine's input is copied from
 * the caller's once more rather than kept. */
static dmx_status signal_of(dmx_buf *out, dmx_planner *p, const dmx_node *maker,
                            const char *path, dmx_error *err)
{
    *out = in_of(p, maker, 0);
    if (*out != p->e->input)
        return DMX_OK;
    const dmx_plane plane = p->e->buffer[*out].plane;
    DMX_FORWARD(dmx_program_buffer(out, p->e, plane, err));
    return dmx_step_input(p->e, path, *out, err);
}

/* The mixture's spectrogram. A large one is computed a second time (half a
 * percent of the work) rather than kept while the network runs. */
static dmx_status mixture_of(dmx_buf *out, dmx_planner *p, const dmx_node *n,
                             dmx_error *err)
{
    const dmx_node *maker = &p->g->node[p->g->value[n->in[1]].producer];
    *out = in_of(p, n, 1);
    if (!p->fuse || maker->op != DMX_OP_STFT ||
        p->e->buffer[*out].floats < p->e->limits.spectrogram)
        return DMX_OK;
    const dmx_plane plane = p->e->buffer[*out].plane;
    dmx_buf signal;
    DMX_FORWARD(signal_of(&signal, p, maker, n->path, err));
    DMX_FORWARD(dmx_program_buffer(out, p->e, plane, err));
    return dmx_step_stft(p->e, n->path, signal, *out, maker->at.nfft,
                         maker->at.frames_of, err);
}

dmx_status dmx_emit_mask(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    dmx_buf mixture, out;
    DMX_FORWARD(mixture_of(&mixture, p, n, err));
    DMX_FORWARD(new_output(&out, p, n, err));
    return dmx_step_mask(p->e, n->path, in_of(p, n, 0), mixture, out,
                         n->at.epsilon, err);
}

dmx_status dmx_emit_wiener(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    dmx_buf mixture, out;
    DMX_FORWARD(mixture_of(&mixture, p, n, err));
    DMX_FORWARD(new_output(&out, p, n, err));
    return dmx_step_wiener(p->e, n->path, in_of(p, n, 0), mixture, out,
                           n->at.iterations, n->at.residual, err);
}

dmx_status dmx_emit_mono(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    dmx_buf out;
    DMX_FORWARD(new_output(&out, p, n, err));
    return dmx_step_mono(p->e, n->path, in_of(p, n, 0), out, err);
}

dmx_status dmx_emit_resample(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    const dmx_tensor *t = dmx_weight_of(n);
    dmx_buf out;
    float *w;
    DMX_FORWARD(new_output(&out, p, n, err));
    DMX_FORWARD(dmx_plan_elements(&w, t, 0, err));
    const dmx_status status =
        dmx_step_resample(p->e, n->path, in_of(p, n, 0), out, w, n->at.up,
                          n->at.down, t->dim[1], err);
    free(w);
    return status;
}

dmx_status dmx_emit_lstm(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    dmx_lstm l = {
        .path = n->path,
        .x = in_of(p, n, 0),
        .hidden = n->at.hidden,
        .layers = n->at.layers,
        .weight = n->operand,
    };
    l.chunks = dmx_lstm_chunks(n->at.chunk, p->e->buffer[l.x].plane.cols);
    DMX_FORWARD(new_output(&l.out, p, n, err));
    return dmx_step_lstm(p->e, &l, err);
}

dmx_status dmx_emit_local_attention(dmx_planner *p, const dmx_node *n,
                                    dmx_error *err)
{
    const dmx_buf in[4] = {in_of(p, n, 0), in_of(p, n, 1), in_of(p, n, 2),
                           in_of(p, n, 3)};
    dmx_buf out;
    DMX_FORWARD(new_output(&out, p, n, err));
    return dmx_step_local_attention(p->e, n->path, in, out, n->at.heads,
                                    n->at.scale, err);
}
