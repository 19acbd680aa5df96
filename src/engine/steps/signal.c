/* The short-time Fourier transform and back, as Demucs uses it: frames start at
 * t * hop - 3/2 hop, or centred ones at t * hop - 2 hop, padding is by
 * reflection, the last bin is dropped. The inverse divides by the sum of
 * squared windows, which is 3/2 except where frames are missing. Source:
 * demucs/htdemucs.py _spec and _ispec, demucs/hdemucs.py pad1d. */
#include "engine/kernels/fourier.h"
#include "engine/steps/steps.h"

#include <stdlib.h>
#include <string.h>

typedef struct fourier_step {
    const dmx_fourier *fourier;
    dmx_frames kind;
    int64_t nfft, hop, groups; /* groups of frames per channel */
    int64_t pad, padded; /* samples before the signal, and with those around */
    int64_t late;        /* delay of the inverse in samples */
    /* Factors for the samples [0, head) and from tail on. */
    const float *edge;
    int64_t head, tail;
} fourier_step;

/* The tables for nfft, created once. */
static dmx_status find_fourier(const dmx_fourier **out, struct dmx_engine *e,
                               int64_t nfft, dmx_error *err)
{
    for (size_t i = 0; i < e->n_fourier; i++)
        if (e->fourier[i]->bins * 2 == nfft) {
            *out = e->fourier[i];
            return DMX_OK;
        }
    dmx_fourier *f = dmx_program_parameters(e, sizeof *f, err);
    if (f == NULL)
        return DMX_ERROR_MEMORY;
    float *window = malloc((size_t)nfft * sizeof *window);
    bool made =
        window != NULL && dmx_grow(&e->fourier, &e->fourier_capacity,
                                   e->n_fourier + 1, sizeof *e->fourier);
    if (made) {
        dmx_hann_window(window, nfft);
        made = dmx_fourier_open(f, nfft, window);
    }
    free(window);
    DMX_RETURN_IF(!made, err, DMX_ERROR_MEMORY,
                  "no memory for a Fourier transform of %lld samples",
                  (long long)nfft);
    e->fourier[e->n_fourier++] = f;
    *out = f;
    return DMX_OK;
}

/* Source index of padded position i, or -1 for zero. A signal too short to
 * reflect is first extended with zeros on the right, and on the left by what
 * exceeds the right padding. */
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
    int64_t at = i - (left - extra_left); /* in the extended signal */
    if (at < 0)
        at = -at;
    if (at >= length)
        at = 2 * (length - 1) - at;
    at -= extra_left;
    return at >= 0 && at < n ? at : -1;
}

/* torch pads the padded signal again by reflection, which matters only for an
 * odd hop: then the last frame extends beyond the first padding. */
static void run_pad(const dmx_step *step, const dmx_frame *f, int64_t task,
                    float *scratch)
{
    (void)scratch;
    const fourier_step *s = step->parameters;
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const float *x = dmx_read(f, step->in[DMX_SLOT_INPUT]) + task * in->stride;
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + task * out->stride;
    const int64_t padded = dmx_min(out->cols, s->padded);
    const int64_t right = padded - in->cols - s->pad;
    for (int64_t i = 0; i < out->cols; i++) {
        const int64_t once = i < padded ? i : 2 * (padded - 1) - i;
        int64_t at = once - s->pad;
        if (s->kind != DMX_FRAMES_HYBRID_OLD)
            at = reflect(once, s->pad, right, in->cols);
        y[i] = at < 0 || at >= in->cols ? 0.0f : x[at];
    }
}

static void run_stft(const dmx_step *step, const dmx_frame *f, int64_t task,
                     float *scratch)
{
    const fourier_step *s = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const int64_t channel = task / s->groups, t = task % s->groups * k->lanes;
    float *re = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
                2 * channel * out->stride + t;
    k->stft(s->fourier,
            dmx_read(f, step->in[DMX_SLOT_INPUT]) + channel * in->stride +
                t * s->hop,
            s->hop, dmx_min(k->lanes, out->cols - t), re, re + out->stride,
            out->channels * out->stride, scratch);
}

static dmx_status fill(fourier_step *s, struct dmx_engine *e, int64_t nfft,
                       dmx_frames kind, int64_t frames, dmx_error *err)
{
    const int64_t lanes = e->kernels->lanes;
    s->kind = kind;
    s->nfft = nfft;
    s->hop = nfft / 4;
    s->pad = kind == DMX_FRAMES_CENTRED ? nfft / 2 : nfft / 8 * 3;
    s->late = kind == DMX_FRAMES_HYBRID_OLD ? 0 : s->pad;
    s->groups = (frames + lanes - 1) / lanes;
    return find_fourier(&s->fourier, e, nfft, err);
}

static dmx_status add_pad(dmx_buf *out, struct dmx_engine *e, const char *path,
                          fourier_step *s, dmx_buf x, int64_t frames,
                          dmx_error *err)
{
    const int64_t channels = e->buffer[x].plane.channels;
    const int64_t inside = s->kind == DMX_FRAMES_CENTRED
                               ? e->buffer[x].plane.cols
                               : frames * s->hop;
    s->padded = 2 * s->pad + inside;
    const int64_t read = dmx_max(s->padded, (frames - 1) * s->hop + s->nfft);
    DMX_FORWARD(
        dmx_program_buffer(out, e, dmx_plane_make(1, channels, read), err));
    const dmx_step step = {
        .kind = "reflect",
        .path = path,
        .run = run_pad,
        .parameters = s,
        .in = {[DMX_SLOT_INPUT] = x},
        .out = {[DMX_SLOT_OUTPUT] = *out},
        .tasks = channels,
    };
    return dmx_program_add(e, &step, err);
}

dmx_status dmx_step_stft(struct dmx_engine *e, const char *path, dmx_buf x,
                         dmx_buf out, int64_t nfft, dmx_frames kind,
                         dmx_error *err)
{
    const int64_t channels = e->buffer[x].plane.channels;
    const int64_t frames = e->buffer[out].plane.cols;
    fourier_step *s = dmx_program_parameters(e, sizeof *s, err);
    dmx_buf padded;
    if (s == NULL)
        return DMX_ERROR_MEMORY;
    DMX_FORWARD(fill(s, e, nfft, kind, frames, err));
    DMX_FORWARD(add_pad(&padded, e, path, s, x, frames, err));
    const dmx_step step = {
        .kind = "stft",
        .path = path,
        .run = run_stft,
        .parameters = s,
        .in = {[DMX_SLOT_INPUT] = padded},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = channels * s->groups,
        .scratch = 4 * e->kernels->lanes * s->fourier->bins,
    };
    return dmx_program_add(e, &step, err);
}

/* Adds n windowed frames, the first being frame t, to a channel. */
static void overlap_add(float *y, int64_t length, const float *frames,
                        int64_t n, int64_t t, const fourier_step *s)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = (t + i) * s->hop - s->late;
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
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const float *re =
        dmx_read(f, step->in[DMX_SLOT_INPUT]) + 2 * task * in->stride;
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + task * out->stride;
    float *frames = scratch + 4 * k->lanes * s->fourier->bins;
    memset(y, 0, (size_t)out->stride * sizeof *y);
    for (int64_t t = 0; t < in->cols; t += k->lanes) {
        const int64_t n = dmx_min(k->lanes, in->cols - t);
        k->istft(s->fourier, re + t, re + in->stride + t,
                 in->channels * in->stride, n, frames, scratch);
        overlap_add(y, out->cols, frames, n, t, s);
    }
    for (int64_t i = 0; i < s->head; i++)
        y[i] *= s->edge[i];
    for (int64_t i = s->tail; i < out->cols; i++)
        y[i] *= s->edge[s->head + i - s->tail];
}

/* 3/2 over the sum of squared windows at sample i, of frames [first, end). */
static float edge_at(const fourier_step *s, int64_t i, int64_t first,
                     int64_t end)
{
    double sum = 0.0;
    for (int64_t frame = first; frame < end; frame++) {
        const int64_t at = i + s->late - frame * s->hop;
        if (at < 0 || at >= s->nfft)
            continue;
        /* the table is the window times 1 / sqrt(nfft) */
        const double w = (double)s->fourier->analysis[at];
        sum += w * w * (double)s->nfft;
    }
    return (float)(1.5 / sum);
}

/* Two frames of zeros belong to each end where the original cuts them off. */
static dmx_status fill_edges(fourier_step *s, struct dmx_engine *e,
                             int64_t samples, int64_t frames, dmx_error *err)
{
    const bool centred = s->kind == DMX_FRAMES_CENTRED;
    float *edge;
    s->tail = samples;
    if (s->kind == DMX_FRAMES_HYBRID)
        return DMX_OK;
    s->head = dmx_min(s->hop, samples);
    if (centred)
        s->tail = dmx_max(s->head, samples - 3 * s->hop);
    const int64_t count = s->head + samples - s->tail;
    DMX_FORWARD(dmx_program_floats(&edge, e, count, err));
    for (int64_t i = 0; i < count; i++) {
        const int64_t at = i < s->head ? i : s->tail + i - s->head;
        const int64_t near = at / s->hop - 4, far = near + 10;
        edge[i] = edge_at(s, at, dmx_max(near, centred ? 0 : -2),
                          dmx_min(far, centred ? frames : frames + 2));
    }
    s->edge = edge;
    return DMX_OK;
}

dmx_status dmx_step_istft(struct dmx_engine *e, const char *path, dmx_buf x,
                          dmx_buf out, int64_t nfft, dmx_frames kind,
                          dmx_error *err)
{
    const int64_t frames = e->buffer[x].plane.cols;
    fourier_step *s = dmx_program_parameters(e, sizeof *s, err);
    if (s == NULL)
        return DMX_ERROR_MEMORY;
    DMX_FORWARD(fill(s, e, nfft, kind, frames, err));
    DMX_FORWARD(fill_edges(s, e, e->buffer[out].plane.cols, frames, err));
    const dmx_step step = {
        .kind = "istft",
        .path = path,
        .run = run_istft,
        .parameters = s,
        .in = {[DMX_SLOT_INPUT] = x},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = e->buffer[out].plane.channels,
        .scratch = e->kernels->lanes * (4 * s->fourier->bins + nfft),
    };
    return dmx_program_add(e, &step, err);
}
