/* The spectrogram and its inverse as Demucs computes them:
 * torch.stft(normalized= True, center=True) with a periodic Hann window,
 * without the last bin. The hybrid networks pad the signal by 3/2 hop around it
 * and drop two frames at each end (dmx_frames). */
#include "reference/fft64.h"
#include "reference/reference_ops.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct spectrum {
    const dmx_reference_step *step;
    dmx_fft64 fft;
    double *window; /* [nfft] */
    double *signal; /* [C][padded] */
    int64_t channels, nfft, hop;
    int64_t pad;    /* samples before the signal: hop / 2 * 3, or 0 */
    int64_t length; /* samples of the signal */
    int64_t padded; /* pad + frames * hop + pad, or length */
    int64_t frames; /* those kept */
    int64_t cut;    /* frames dropped at each end: 2 or 0 */
    dmx_frames kind;
    atomic_bool out_of_memory;
} spectrum;

static bool fill_window(spectrum *p)
{
    float *window = malloc((size_t)p->nfft * sizeof *window);
    if (window == NULL)
        return false;
    dmx_hann_window(window, p->nfft);
    if (DMX_MUTANT(STFT_SYMMETRIC_HANN))
        dmx_hann_window(window, p->nfft - 1);
    for (int64_t i = 0; i < p->nfft; i++)
        p->window[i] = (double)window[i];
    free(window);
    return true;
}

static void close_spectrum(spectrum *p)
{
    dmx_fft64_close(&p->fft);
    free(p->window);
    free(p->signal);
}

static dmx_status open_spectrum(spectrum *p, const dmx_reference_step *s,
                                int64_t channels, int64_t length,
                                int64_t frames)
{
    const dmx_attributes *at = &s->node->at;
    *p = (spectrum){.step = s, .channels = channels, .nfft = at->nfft};
    p->hop = at->hop;
    p->kind = at->frames_of;
    p->length = length;
    p->frames = frames;
    p->padded = length;
    if (p->kind != DMX_FRAMES_CENTRED) {
        p->cut = 2;
        p->pad = at->hop / 2 * 3;
        p->padded = p->pad + frames * at->hop + p->pad;
    }
    DMX_FORWARD(dmx_fft64_open(&p->fft, (size_t)at->nfft, s->err));
    p->window = malloc((size_t)p->nfft * sizeof *p->window);
    p->signal = calloc((size_t)(channels * p->padded), sizeof *p->signal);
    DMX_RETURN_IF(p->window == NULL || p->signal == NULL || !fill_window(p),
                  s->err, DMX_ERROR_MEMORY, "no memory for a spectrogram");
    return DMX_OK;
}

/* Index within [0, length) of position i, reflected at both ends without
 * repeating the end samples. */
static int64_t reflect(int64_t i, int64_t length)
{
    if (i < 0)
        i = -i;
    return i < length ? i : 2 * (length - 1) - i;
}

static bool pads_zeros(const spectrum *p)
{
    return DMX_MUTANT(STFT_ZERO_PAD) ||
           (p->kind == DMX_FRAMES_HYBRID_OLD && !DMX_MUTANT(OLD_REFLECTED));
}

/* demucs.hdemucs.pad1d: reflection by `pad` before and by what the frames need
 * after, or zeros. A signal too short to be reflected is first extended with
 * zeros, first on the right, up to the padding there, then on the left. */
static void pad_signal(const spectrum *p, double *to, const double *x)
{
    const int64_t after = p->padded - p->pad - p->length;
    const int64_t most = p->pad > after ? p->pad : after;
    const int64_t extra = p->length <= most ? most - p->length + 1 : 0;
    const int64_t extra_after = extra < after ? extra : after;
    const int64_t extra_before = extra - extra_after;
    const int64_t extended = p->length + extra;
    for (int64_t i = 0; i < p->padded; i++) {
        const int64_t at = i - (p->pad - extra_before);
        const int64_t from = reflect(at, extended) - extra_before;
        const bool outside =
            from < 0 || from >= p->length || (pads_zeros(p) && at != from);
        to[i] = outside ? 0.0 : x[from];
    }
}

/* A sample of the padded signal, which torch then extends by another nfft / 2
 * by reflection. */
static double sample(const spectrum *p, const double *x, int64_t at)
{
    if (DMX_MUTANT(CENTRED_ZERO_PAD) && (at < 0 || at >= p->padded))
        return 0.0;
    return x[reflect(at, p->padded)];
}

/* Frame `index` of one channel: torch's frame index + cut, centred on sample
 * (index + cut) * hop of the padded signal. */
static void transform_frame(const spectrum *p, double *z, double *work,
                            int64_t channel, int64_t index)
{
    const int64_t cut = p->cut + (DMX_MUTANT(STFT_LATE_FRAMES) ? 1 : 0);
    const int64_t start = (index + cut) * p->hop - p->nfft / 2;
    const int64_t bins = p->nfft / 2;
    const double *x = p->signal + channel * p->padded;
    const double scale =
        DMX_MUTANT(STFT_UNNORMALIZED) ? 1.0 : 1.0 / sqrt((double)p->nfft);
    for (int64_t i = 0; i < p->nfft; i++) {
        z[2 * i] = sample(p, x, start + i) * p->window[i];
        z[2 * i + 1] = 0.0;
    }
    dmx_fft64_forward(&p->fft, z, work);
    double *out = p->step->out[0].data + index;
    int64_t re = 2 * channel, im = 2 * channel + 1;
    if (DMX_MUTANT(STFT_PLANAR)) {
        re = channel;
        im = p->channels + channel;
    }
    for (int64_t k = 0; k < bins; k++) {
        const double *bin =
            z + 2 * (DMX_MUTANT(STFT_DROP_FIRST_BIN) ? k + 1 : k);
        out[(re * bins + k) * p->frames] = bin[0] * scale;
        out[(im * bins + k) * p->frames] =
            (DMX_MUTANT(STFT_CONJUGATE) ? -bin[1] : bin[1]) * scale;
    }
}

static void stft_task(void *context, size_t task)
{
    spectrum *p = context;
    const size_t size = 4 * (size_t)p->nfft;
    double *z = dmx_aligned_alloc(size, sizeof *z);
    if (z == NULL)
        atomic_store(&p->out_of_memory, true);
    else
        transform_frame(p, z, z + size / 2, (int64_t)task / p->frames,
                        (int64_t)task % p->frames);
    dmx_aligned_free(z);
}

static dmx_status finish(spectrum *p, dmx_status status)
{
    close_spectrum(p);
    DMX_RETURN_IF(atomic_load(&p->out_of_memory), p->step->err,
                  DMX_ERROR_MEMORY, "no memory for a spectrogram");
    return status;
}

dmx_status dmx_reference_stft(const dmx_reference_step *s)
{
    spectrum p;
    const int64_t channels = s->in[0].shape.dim[0];
    const dmx_status status = open_spectrum(
        &p, s, channels, s->in[0].shape.dim[2], s->out[0].shape.dim[2]);
    if (status == DMX_OK) {
        for (int64_t c = 0; c < channels; c++)
            pad_signal(&p, p.signal + c * p.padded,
                       s->in[0].data + c * p.length);
        dmx_parallel(s->threads, (size_t)(channels * p.frames), stft_task, &p);
    }
    return finish(&p, status);
}

/* irfft of one kept frame, times sqrt(nfft): bins 0..nfft/2-1 are given, the
 * last is zero, and the imaginary part of bin 0 is ignored. */
static void inverse_frame(const spectrum *p, double *z, double *work,
                          int64_t channel, int64_t index)
{
    const int64_t bins = p->nfft / 2;
    const double *re =
        p->step->in[0].data + 2 * channel * bins * p->frames + index;
    const double *im = re + bins * p->frames;
    memset(z, 0, 2 * (size_t)p->nfft * sizeof *z);
    z[0] = re[0];
    for (int64_t k = 1; k < bins; k++) {
        z[2 * k] = re[k * p->frames];
        z[2 * k + 1] = im[k * p->frames];
        if (DMX_MUTANT(ISTFT_ONE_SIDED))
            continue;
        z[2 * (p->nfft - k)] = z[2 * k];
        z[2 * (p->nfft - k) + 1] = -z[2 * k + 1];
    }
    dmx_fft64_backward(&p->fft, z, work);
    const double scale = 1.0 / sqrt((double)p->nfft);
    for (int64_t i = 0; i < p->nfft; i++)
        z[i] = z[2 * i] * scale;
}

/* Adds a windowed frame to the padded signal and its squared window to the
 * envelope. Zero frames stand in for those dropped in front, and center=True
 * drops nfft/2 samples. */
static void overlap_add(const spectrum *p, double *x, double *envelope,
                        const double *frame, int64_t index)
{
    const int64_t start = (index + p->cut) * p->hop - p->nfft / 2;
    for (int64_t i = 0; i < p->nfft; i++) {
        const int64_t at = start + i;
        if (at < 0 || at >= p->padded)
            continue;
        const double w = p->window[i];
        if (frame != NULL)
            x[at] += frame[i] * w;
        envelope[at] += w * w;
    }
}

/* Where the result starts in the padded signal: hybrid_old ignores the padding.
 */
static int64_t first_sample(const spectrum *p)
{
    const bool forgets =
        p->kind == DMX_FRAMES_HYBRID_OLD && !DMX_MUTANT(OLD_IN_TIME);
    return (forgets ? 0 : p->pad) + (DMX_MUTANT(ISTFT_LATE) ? 1 : 0);
}

static double envelope_at(const double *envelope, int64_t at)
{
    return DMX_MUTANT(ISTFT_NO_ENVELOPE)   ? 1.0
           : DMX_MUTANT(ENVELOPE_CONSTANT) ? 1.5
                                           : envelope[at];
}

/* torch.istft of one channel, cropped to its length. The zero frames count in
 * the envelope. */
static void istft_task(void *context, size_t task)
{
    spectrum *p = context;
    const size_t nfft = (size_t)p->nfft;
    double *x = p->signal + (int64_t)task * p->padded;
    double *z = dmx_aligned_alloc(4 * nfft + (size_t)p->padded, sizeof *z);
    if (z == NULL) {
        atomic_store(&p->out_of_memory, true);
        return;
    }
    double *envelope = z + 4 * nfft;
    memset(envelope, 0, (size_t)p->padded * sizeof *envelope);
    for (int64_t t = -p->cut; t < p->frames + p->cut; t++) {
        const bool kept = t >= 0 && t < p->frames;
        if (kept)
            inverse_frame(p, z, z + 2 * nfft, (int64_t)task, t);
        overlap_add(p, x, envelope, kept ? z : NULL, t);
    }
    double *out = p->step->out[0].data + (int64_t)task * p->length;
    const int64_t first = first_sample(p);
    for (int64_t i = 0; i < p->length; i++)
        out[i] = x[first + i] / envelope_at(envelope, first + i);
    dmx_aligned_free(z);
}

dmx_status dmx_reference_istft(const dmx_reference_step *s)
{
    spectrum p;
    const int64_t channels = s->out[0].shape.dim[0];
    const dmx_status status = open_spectrum(
        &p, s, channels, s->out[0].shape.dim[2], s->in[0].shape.dim[2]);
    if (status == DMX_OK)
        dmx_parallel(s->threads, (size_t)channels, istft_task, &p);
    return finish(&p, status);
}
