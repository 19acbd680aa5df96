/* STFT and its inverse as two small matrix products each.
 *
 * N = N1 N2 points are split as n = N2 n1 + n2 and k = k1 + N1 k2:
 *   exp(-2 pi i n k / N) = exp(-2 pi i n k1 / N) exp(-2 pi i n2 k2 / N2),
 * so that a product over n1 (one matrix per n2, which also holds the window,
 * the norm and the twiddle factors) and one over n2 make the transform. The
 * bins come out in order. N1 is a multiple of 4, so that a hop is a whole
 * number of runs of N2, and a frame is four adjacent pieces of the signal. */
#include "onnx/fourier.h"
#include "onnx/turn.h"
#include "onnx/walk.h"

#include <math.h>

/* N1 a multiple of 4, N2 even, N1 + N2 least. */
static bool factorise(dmx_transform *t)
{
    t->n1 = 0;
    for (int64_t n1 = 4; n1 <= t->n / 2; n1 += 4) {
        const int64_t n2 = t->n / n1;
        if (n1 * n2 != t->n || n2 % 2 != 0)
            continue;
        if (t->n1 == 0 || n1 + n2 <= t->n1 + t->n2) {
            t->n1 = n1;
            t->n2 = n2;
        }
    }
    return t->n1 != 0;
}

bool dmx_transform_open(dmx_emitter *e, dmx_transform *t, int64_t nfft,
                        dmx_frames frames_of, int64_t channels,
                        dmx_extent length)
{
    *t = (dmx_transform){.n = nfft,
                         .channels = channels,
                         .frames_of = frames_of,
                         .length = length};
    if (nfft < 16 || nfft > 65536 || nfft % 8 != 0 || !factorise(t)) {
        dmx_emitter_fail(e, DMX_ERROR_UNSUPPORTED,
                         "nfft must be a multiple of 8 in 16..65536, not %lld",
                         (long long)nfft);
        return false;
    }
    t->hop = nfft / 4;
    if (frames_of != DMX_FRAMES_HYBRID) {
        float *own = dmx_emitter_buffer(e, (size_t)nfft, sizeof *own);
        if (own != NULL)
            dmx_hann_window(own, nfft);
        t->window = own;
    }
    const bool centred = frames_of == DMX_FRAMES_CENTRED;
    t->left = centred ? 2 * t->hop : t->hop / 2 * 3;
    t->frames =
        dmx_extent_ceil(e, dmx_extent_plus(e, length, centred ? 1 : 0), t->hop);
    if (t->n1 > 4096 || t->n2 > 4096) {
        dmx_emitter_fail(e, DMX_ERROR_LIMIT,
                         "nfft %lld has no factors of moderate size",
                         (long long)nfft);
        return false;
    }
    return true;
}

/* Periodic Hann. */
static double window(const dmx_transform *t, int64_t n)
{
    if (t->window != NULL)
        return (double)t->window[n];
    return 0.5 - 0.5 * dmx_cos_turn(n, t->n);
}

/* [n2][c, k1][n1]: window, norm, twiddle and the transform over n1. */
static dmx_name analysis_runs(dmx_emitter *e, const dmx_transform *t)
{
    const int64_t n1 = t->n1, n2 = t->n2;
    const double norm = 1.0 / sqrt((double)t->n);
    float *v = dmx_emitter_buffer(e, (size_t)(2 * n1 * t->n), sizeof *v);
    if (v == NULL)
        return "";
    for (int64_t b = 0; b < n2; b++)
        for (int64_t k = 0; k < n1; k++)
            for (int64_t a = 0; a < n1; a++) {
                const int64_t n = n2 * a + b;
                const double s = window(t, n) * norm;
                float *at = v + (b * 2 * n1 + k) * n1 + a;
                at[0] = (float)(s * dmx_cos_turn(n * k, t->n));
                at[n1 * n1] = (float)(-s * dmx_sin_turn(n * k, t->n));
            }
    return dmx_constant_shared(e, "stft_runs", v, DMX_DIMS(n2, 2 * n1, n1));
}

/* [c', k2][n2, c]: the transform over n2, for the lower half of the bins. */
static dmx_name analysis_bins(dmx_emitter *e, const dmx_transform *t)
{
    const int64_t n2 = t->n2, half = n2 / 2;
    float *w = dmx_emitter_buffer(e, (size_t)(2 * n2 * n2), sizeof *w);
    if (w == NULL)
        return "";
    for (int64_t k = 0; k < half; k++)
        for (int64_t b = 0; b < n2; b++) {
            const float c = (float)dmx_cos_turn(b * k, n2);
            const float s = (float)-dmx_sin_turn(b * k, n2);
            float *re = w + k * 2 * n2 + 2 * b;
            float *im = re + half * 2 * n2;
            re[0] = c;
            re[1] = -s;
            im[0] = s;
            im[1] = c;
        }
    return dmx_constant_f32(e, "stft_bins", w, DMX_DIMS(n2, 2 * n2));
}

static dmx_extent amount_to(dmx_emitter *e, dmx_amount a)
{
    return dmx_extent_of(e, a.to, false);
}

/* For free lengths: the amounts of zeros and reflection are computed. */
static dmx_name reflect_free(dmx_emitter *e, const dmx_transform *t, dmx_name x,
                             const dmx_stft_padding *p, dmx_extent padded)
{
    const int64_t none = 0, left = t->left;
    const dmx_extent from = dmx_extent_of(e, p->zeros.from, false);
    const dmx_name zeros = dmx_extent_missing(e, amount_to(e, p->zeros), from);
    const dmx_name length = dmx_extent_operand(e, t->length);
    const dmx_name behind = dmx_integer_op(
        e, "Sub", dmx_extent_operand(e, amount_to(e, p->behind)), length);
    x = dmx_emit_pad_names(e, x, 4, 3, dmx_constant_i64(e, &none, 1), zeros,
                           DMX_UNNAMED, DMX_PAD_ZEROS);
    const dmx_name rest = dmx_integer_op(e, "Sub", behind, zeros);
    return dmx_emit_pad_names(e, x, 4, 3, dmx_constant_i64(e, &left, 1), rest,
                              padded, DMX_PAD_REFLECT);
}

/* As pad1d of the original: a signal too short to be reflected is first
 * extended with as few zeros as possible. */
static dmx_name reflect(dmx_emitter *e, const dmx_transform *t, dmx_name x,
                        dmx_extent padded)
{
    dmx_stft_padding p;
    if (!dmx_stft_padding_of(&p, t->n, dmx_extent_rule(e, t->length).length))
        return dmx_emitter_fail(e, DMX_ERROR_LIMIT, "an absurd length");
    if (dmx_extent_is_free(t->length))
        return reflect_free(e, t, x, &p, padded);
    const int64_t zeros = dmx_amount_at(p.zeros, 1);
    if (zeros > 0)
        x = dmx_emit_pad(e, x, 4, 3, 0, zeros, DMX_PAD_ZEROS);
    return dmx_emit_pad(e, x, 4, 3, dmx_amount_at(p.before, 1),
                        dmx_amount_at(p.behind, 1) - zeros, DMX_PAD_REFLECT);
}

/* Pads to `padded` samples, with the signal after `left` of them; the others
 * are zeros, or reflections shorter than the signal. */
static dmx_name pad_around(dmx_emitter *e, const dmx_transform *t, dmx_name x,
                           dmx_extent padded)
{
    const dmx_pad_mode mode =
        t->frames_of == DMX_FRAMES_CENTRED ? DMX_PAD_REFLECT : DMX_PAD_ZEROS;
    const int64_t left = t->left;
    const dmx_name before = dmx_constant_i64(e, &left, 1);
    const dmx_name behind =
        dmx_extent_missing(e, padded, dmx_extent_plus(e, t->length, left));
    return dmx_emit_pad_names(e, x, 4, 3, before, behind, padded, mode);
}

/* [1, C, 1, L] -> frames as runs: [C, n2, n1, T]. */
static dmx_name frames_of(dmx_emitter *e, const dmx_transform *t, dmx_name x)
{
    const int64_t q = t->n1 / 4;
    const dmx_extent blocks = dmx_extent_plus(e, t->frames, 3);
    const dmx_extent signals = dmx_extent_times(e, e->batch, t->channels);
    dmx_name piece[4];
    const dmx_extent padded = dmx_extent_times(e, blocks, t->hop);
    x = t->frames_of == DMX_FRAMES_HYBRID ? reflect(e, t, x, padded)
                                          : pad_around(e, t, x, padded);
    x = dmx_emit_reshape(e, x, DMX_DIMS(signals, blocks, q, t->n2));
    x = dmx_emit_transpose(e, x, DMX_DIMS(0, 3, 2, 1));
    for (int64_t j = 0; j < 4; j++)
        piece[j] = dmx_emit_slice(e, x, 3, j, dmx_extent_plus(e, t->frames, j));
    return dmx_emit_concat(e, piece, 4, 2);
}

dmx_name dmx_emit_stft(dmx_emitter *e, const dmx_transform *t, dmx_name x)
{
    const int64_t c = t->channels, n1 = t->n1, n2 = t->n2;
    const dmx_extent signals = dmx_extent_times(e, e->batch, c);
    x = frames_of(e, t, x);
    x = dmx_emit_2(e, "MatMul", analysis_runs(e, t), x);
    x = dmx_emit_reshape(
        e, x, DMX_DIMS(signals, 2 * n2, dmx_extent_times(e, t->frames, n1)));
    x = dmx_emit_2(e, "MatMul", analysis_bins(e, t), x);
    return dmx_emit_reshape(e, x,
                            DMX_DIMS(e->batch, 2 * c, t->n / 2, t->frames));
}

/* ---- inverse ------------------------------------------------------------ */
/* [n2, c'][c, k2]: back from k2. The sum of four squared windows is 1.5
 * wherever all four frames exist: the envelope is that constant, except in the
 * hops of correct_edges. */
static dmx_name synthesis_bins(dmx_emitter *e, const dmx_transform *t)
{
    const int64_t n2 = t->n2, half = n2 / 2;
    float *w = dmx_emitter_buffer(e, (size_t)(2 * n2 * n2), sizeof *w);
    if (w == NULL)
        return "";
    for (int64_t b = 0; b < n2; b++)
        for (int64_t k = 0; k < half; k++) {
            const float c = (float)(dmx_cos_turn(b * k, n2) / 1.5);
            const float s = (float)(dmx_sin_turn(b * k, n2) / 1.5);
            float *re = w + 2 * b * n2 + k, *im = re + n2;
            re[0] = c;
            re[half] = -s;
            im[0] = s;
            im[half] = c;
        }
    return dmx_constant_f32(e, "istft_bins", w, DMX_DIMS(2 * n2, n2));
}

/* [n2][n1][c', k1]: back from k1. That is the transposed analysis matrix: the
 * same window, norm and twiddle factors; runtimes transpose it when loading. */
static dmx_name synthesis_runs(dmx_emitter *e, const dmx_transform *t)
{
    return dmx_emit_transpose(e, analysis_runs(e, t), DMX_DIMS(0, 2, 1));
}

/* Overlap-adds frames [C, n2, n1, T] to [C, n2, n1 / 4, T + 3]. */
static dmx_name overlap_add(dmx_emitter *e, const dmx_transform *t, dmx_name x)
{
    const int64_t q = t->n1 / 4;
    dmx_name piece[4];
    for (int64_t j = 0; j < 4; j++) {
        piece[j] = dmx_emit_slice(e, x, 2, q * j, q * j + q);
        piece[j] = dmx_emit_pad(e, piece[j], 4, 3, j, 3 - j, DMX_PAD_ZEROS);
    }
    const dmx_name later = dmx_emit_2(e, "Add", piece[2], piece[3]);
    return dmx_emit_2(e, "Add", dmx_emit_2(e, "Add", piece[0], piece[1]),
                      later);
}

/* 1.5 / (1.5 - the missing squared windows) for a hop, in the order of
 * overlap_add: the frames that would have started `first` to `last` hops
 * earlier are missing. */
static dmx_name envelope(dmx_emitter *e, const dmx_transform *t, int64_t first,
                         int64_t last)
{
    const int64_t q = t->n1 / 4;
    double *v = dmx_emitter_buffer(e, (size_t)t->hop, sizeof *v);
    if (v == NULL)
        return "";
    for (int64_t b = 0; b < t->n2; b++)
        for (int64_t a = 0; a < q; a++) {
            double sum = 1.5;
            for (int64_t j = first; j <= last; j++) {
                const double s = window(t, j * t->hop + t->n2 * a + b);
                sum -= s * s;
            }
            v[b * q + a] = 1.5 / sum;
        }
    return dmx_constant_f64(e, "envelope", v, DMX_DIMS(1, t->n2, q, 1));
}

/* Hop i of [C, n2, n1 / 4, hops], divided by its envelope. */
static dmx_name corrected_hop(dmx_emitter *e, const dmx_transform *t,
                              dmx_name x, dmx_extent i, int64_t first,
                              int64_t last)
{
    const dmx_name factor = envelope(e, t, first, last);
    return dmx_emit_2(
        e, "Mul", dmx_emit_slice(e, x, 3, i, dmx_extent_plus(e, i, 1)), factor);
}

/* Corrects the kept hops at the edges where frames are missing: for the first
 * one, the frame three hops before it; with DMX_FRAMES_CENTRED also one frame
 * at the last hop but one, and two at the last. The result begins with the
 * first kept hop. */
static dmx_name correct_edges(dmx_emitter *e, const dmx_transform *t,
                              dmx_name x, dmx_extent *hops)
{
    const dmx_extent f = t->frames;
    dmx_name part[4];
    if (t->frames_of == DMX_FRAMES_HYBRID_OLD) {
        part[0] = corrected_hop(e, t, x, 0, 3, 3);
        part[1] = dmx_emit_slice(e, x, 3, 1, *hops);
        return dmx_emit_concat(e, part, 2, 3);
    }
    size_t n = 0;
    part[n++] = corrected_hop(e, t, x, 2, 3, 3);
    if (f != 3)
        part[n++] = dmx_emit_slice(e, x, 3, 3, f);
    part[n++] = corrected_hop(e, t, x, f, 0, 0);
    part[n++] = corrected_hop(e, t, x, dmx_extent_plus(e, f, 1), 0, 1);
    *hops = f;
    return dmx_emit_concat(e, part, n, 3);
}

dmx_name dmx_emit_istft(dmx_emitter *e, const dmx_transform *t, dmx_name x)
{
    const int64_t c = t->channels, n1 = t->n1, n2 = t->n2;
    const dmx_extent f = t->frames;
    const dmx_extent signals = dmx_extent_times(e, e->batch, c);
    const bool hybrid = t->frames_of == DMX_FRAMES_HYBRID;
    const int64_t start = hybrid ? t->left : 0;
    dmx_extent hops = dmx_extent_plus(e, f, 3);
    x = dmx_emit_reshape(e, x,
                         DMX_DIMS(signals, n2, dmx_extent_times(e, f, n1)));
    x = dmx_emit_2(e, "MatMul", synthesis_bins(e, t), x);
    x = dmx_emit_reshape(e, x, DMX_DIMS(signals, n2, 2 * n1, f));
    x = dmx_emit_2(e, "MatMul", synthesis_runs(e, t), x);
    x = overlap_add(e, t, x);
    if (!hybrid)
        x = correct_edges(e, t, x, &hops);
    x = dmx_emit_transpose(e, x, DMX_DIMS(0, 3, 2, 1));
    x = dmx_emit_reshape(
        e, x, DMX_DIMS(e->batch, c, 1, dmx_extent_times(e, hops, t->hop)));
    return dmx_emit_slice(e, x, 3, start, dmx_extent_plus(e, t->length, start));
}

dmx_name dmx_emit_bin_weights(dmx_emitter *e, int64_t bins)
{
    double *alpha = dmx_emitter_alloc(e, (size_t)bins, sizeof *alpha);
    if (alpha == NULL)
        return "";
    for (int64_t k = 0; k < bins; k++)
        alpha[k] = k == 0 ? 1.0 : 2.0;
    return dmx_constant_f64(e, "bin_weights", alpha, DMX_DIMS(1, 1, bins, 1));
}

/* ---- recipes ------------------------------------------------------------ */
void dmx_recipe_stft(dmx_walk *w, const dmx_node *n)
{
    const dmx_extent *dim = dmx_walk_dim(w, n->in[0]);
    dmx_transform t;
    if (dmx_transform_open(&w->e, &t, n->at.nfft, n->at.frames_of, dim[0],
                           dim[2]))
        dmx_walk_set(w, n, dmx_emit_stft(&w->e, &t, dmx_walk_in(w, n, 0)));
}

void dmx_recipe_istft(dmx_walk *w, const dmx_node *n)
{
    const dmx_extent *dim = dmx_walk_dim(w, n->in[0]);
    const dmx_name weights = dmx_emit_bin_weights(&w->e, dim[1]);
    const dmx_name x = dmx_emit_2(&w->e, "Mul", dmx_walk_in(w, n, 0), weights);
    dmx_transform t;
    if (dmx_transform_open(&w->e, &t, n->at.nfft, n->at.frames_of, dim[0] / 2,
                           dmx_walk_dim(w, n->out[0])[2]))
        dmx_walk_set(w, n, dmx_emit_istft(&w->e, &t, x));
}

/* x * std + mean; before an inverse STFT with its bin weights in the two
 * factors. */
void dmx_recipe_unstandardize(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_node *istft = dmx_next_op(&w->a, n, DMX_OP_ISTFT);
    const dmx_extent *dim = dmx_walk_dim(w, n->in[0]);
    dmx_name mean = dmx_walk_in(w, n, 1), std = dmx_walk_in(w, n, 2);
    if (istft != NULL) {
        const dmx_name alpha = dmx_emit_bin_weights(e, dim[1]);
        std = dmx_emit_2(e, "Mul", std, alpha);
        mean = dmx_emit_2(e, "Mul", mean, alpha);
    }
    const dmx_name x = dmx_emit_2(
        e, "Add", dmx_emit_2(e, "Mul", dmx_walk_in(w, n, 0), std), mean);
    if (istft == NULL) {
        dmx_walk_set(w, n, x);
        return;
    }
    dmx_transform t;
    dmx_walk_skip(w, n);
    e->path = istft->path;
    if (dmx_transform_open(e, &t, istft->at.nfft, istft->at.frames_of,
                           dim[0] / 2, dmx_walk_dim(w, istft->out[0])[2]))
        dmx_walk_set(w, istft, dmx_emit_istft(e, &t, x));
}
