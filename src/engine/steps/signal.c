/* The short-time Fourier transform and back, as Demucs uses it: frames start
 * at t * hop - 3/2 hop, padding is by reflection, the last bin is dropped.
 * Source: demucs/htdemucs.py _spec and _ispec, demucs/hdemucs.py pad1d. */
#include "engine/kernels/fourier.h"
#include "engine/steps/steps.h"

#include <string.h>

typedef struct fourier_step {
    const dmx_fourier *fourier;
    int64_t nfft, hop, pad, groups; /* groups of frames per channel */
} fourier_step;

static const dmx_fourier *fourier_of(struct dmx_engine *e, int64_t nfft)
{
    for (size_t i = 0; i < e->n_fourier; i++)
        if (e->fourier[i]->bins * 2 == nfft)
            return e->fourier[i];
    dmx_fourier *f = dmx_engine_parameters(e, sizeof *f);
    if (f == NULL || !dmx_grow(&e->fourier, &e->fourier_capacity,
                               e->n_fourier + 1, sizeof *e->fourier))
        return NULL;
    if (!dmx_fourier_open(f, nfft))
        return NULL;
    e->fourier[e->n_fourier++] = f;
    return f;
}

/* Source index of padded position i, or -1 for zero. Where the signal is too
 * short to reflect, zeros are appended first, and on the left what the right
 * can't take. */
static int64_t reflect(int64_t i, int64_t left, int64_t right, int64_t n)
{
    const int64_t most = dmx_max(left, right);
    int64_t extra_left = 0, length = n;
    if (n <= most) {
        const int64_t extra = most - n + 1;
        const int64_t extra_right = dmx_min(right, extra);
        extra_left = extra - extra_right;
        length = n + extra;
    }
    int64_t at = i - (left - extra_left); /* in the lengthened signal */
    if (at < 0)
        at = -at;
    if (at >= length)
        at = 2 * (length - 1) - at;
    at -= extra_left;
    return at >= 0 && at < n ? at : -1;
}

static void run_pad(const dmx_step *step, const dmx_frame *f, int64_t task,
                    float *scratch)
{
    (void)scratch;
    const fourier_step *s = step->parameters;
    const dmx_plane *in = dmx_plane_of(f, step->in[0]);
    const dmx_plane *out = dmx_plane_of(f, step->out[0]);
    const float *x = dmx_at(f, step->in[0]) + task * in->stride;
    float *y = dmx_at(f, step->out[0]) + task * out->stride;
    const int64_t frames = (in->cols + s->hop - 1) / s->hop;
    const int64_t right = s->pad + frames * s->hop - in->cols;
    for (int64_t i = 0; i < out->cols; i++) {
        const int64_t at = reflect(i, s->pad, right, in->cols);
        y[i] = at < 0 ? 0.0f : x[at];
    }
}

static void run_stft(const dmx_step *step, const dmx_frame *f, int64_t task,
                     float *scratch)
{
    const fourier_step *s = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *in = dmx_plane_of(f, step->in[0]);
    const dmx_plane *out = dmx_plane_of(f, step->out[0]);
    const int64_t channel = task / s->groups, t = task % s->groups * k->lanes;
    float *re = dmx_at(f, step->out[0]) + 2 * channel * out->stride + t;
    k->stft(s->fourier,
            dmx_at(f, step->in[0]) + channel * in->stride + t * s->hop, s->hop,
            dmx_min(k->lanes, out->cols - t), re, re + out->stride,
            out->channels * out->stride, scratch);
}

static bool fill(fourier_step *s, struct dmx_engine *e, int64_t nfft,
                 int64_t frames)
{
    *s = (fourier_step){fourier_of(e, nfft), nfft, nfft / 4, nfft / 8 * 3,
                        (frames + e->kernels->lanes - 1) / e->kernels->lanes};
    return s->fourier != NULL;
}

bool dmx_step_stft(struct dmx_engine *e, const char *path, dmx_buf x,
                   dmx_buf out, int64_t nfft)
{
    const dmx_plane in = e->buffer[x].plane, spec = e->buffer[out].plane;
    fourier_step *s = dmx_engine_parameters(e, sizeof *s);
    if (s == NULL || !fill(s, e, nfft, spec.cols))
        return false;
    const dmx_buf padded = dmx_engine_buffer(
        e, dmx_plane_make(1, in.channels, 2 * s->pad + spec.cols * s->hop));
    dmx_step *pad = dmx_engine_step(e, "reflect", path);
    if (padded < 0 || pad == NULL)
        return false;
    pad->run = run_pad;
    pad->parameters = s;
    pad->in[0] = x;
    pad->out[0] = padded;
    pad->tasks = in.channels;
    dmx_step *step = dmx_engine_step(e, "stft", path);
    if (step == NULL)
        return false;
    step->run = run_stft;
    step->parameters = s;
    step->in[0] = padded;
    step->out[0] = out;
    step->tasks = in.channels * s->groups;
    step->scratch = 4 * e->kernels->lanes * s->fourier->bins;
    return true;
}

/* Adds n windowed frames, the first being frame t, to a channel. */
static void overlap_add(float *y, int64_t length, const float *frames,
                        int64_t n, int64_t t, const fourier_step *s)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = (t + i) * s->hop - s->pad;
        const int64_t from = dmx_max(0, -at);
        const int64_t to = dmx_min(s->nfft, length - at);
        const float *x = frames + i * s->nfft;
        for (int64_t j = from; j < to; j++)
            y[at + j] += x[j];
    }
}

/* One channel, frame after frame, so that the order of sums is fixed. */
static void run_istft(const dmx_step *step, const dmx_frame *f, int64_t task,
                      float *scratch)
{
    const fourier_step *s = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *in = dmx_plane_of(f, step->in[0]);
    const dmx_plane *out = dmx_plane_of(f, step->out[0]);
    const float *re = dmx_at(f, step->in[0]) + 2 * task * in->stride;
    float *y = dmx_at(f, step->out[0]) + task * out->stride;
    float *frames = scratch + 4 * k->lanes * s->fourier->bins;
    memset(y, 0, (size_t)out->stride * sizeof *y);
    for (int64_t t = 0; t < in->cols; t += k->lanes) {
        const int64_t n = dmx_min(k->lanes, in->cols - t);
        k->istft(s->fourier, re + t, re + in->stride + t,
                 in->channels * in->stride, n, frames, scratch);
        overlap_add(y, out->cols, frames, n, t, s);
    }
}

bool dmx_step_istft(struct dmx_engine *e, const char *path, dmx_buf x,
                    dmx_buf out, int64_t nfft)
{
    fourier_step *s = dmx_engine_parameters(e, sizeof *s);
    dmx_step *step = dmx_engine_step(e, "istft", path);
    if (s == NULL || step == NULL || !fill(s, e, nfft, e->buffer[x].plane.cols))
        return false;
    step->run = run_istft;
    step->parameters = s;
    step->in[0] = x;
    step->out[0] = out;
    step->tasks = e->buffer[out].plane.channels;
    step->scratch = e->kernels->lanes * (4 * s->fourier->bins + nfft);
    return true;
}
