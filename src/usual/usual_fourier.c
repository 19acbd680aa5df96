/* The transforms as dense convolutions with the whole DFT matrix, and the
 * window envelope as the loop over frames that a trace unrolls. */
#include "onnx/turn.h"
#include "usual/usual.h"

#include <math.h>

static double window(int64_t i, int64_t n)
{
    return 0.5 - 0.5 * dmx_cos_turn(i, n);
}

/* Rows [n / 2 + 1][1][n] of windowed cosines, or sines of the given sign. */
static dmx_name rows(dmx_emitter *e, const char *base, int64_t n, double sign,
                     bool sine, bool doubled)
{
    const int64_t bins = n / 2 + 1;
    const double norm = 1.0 / sqrt((double)n);
    float *out = dmx_emitter_buffer(e, (size_t)(bins * n), sizeof *out);
    if (out == NULL)
        return "";
    for (int64_t k = 0; k < bins; k++)
        for (int64_t i = 0; i < n; i++) {
            const int64_t turn = i * k % n;
            const double f =
                sine ? dmx_sin_turn(turn, n) : dmx_cos_turn(turn, n);
            const double twice = doubled && k > 0 && k < n / 2 ? 2.0 : 1.0;
            out[k * n + i] = (float)(sign * f * window(i, n) * norm * twice);
        }
    return dmx_constant_f32(e, base, out, DMX_DIMS(bins, 1, n));
}

/* A Conv1d or its transpose with such rows. */
static dmx_name transform(dmx_emitter *e, const char *operator_name, dmx_name x,
                          dmx_name kernel, int64_t nfft)
{
    const int64_t hop = nfft / 4;
    x = dmx_emit_2(e, operator_name, x, kernel);
    dmx_attribute_ints(e, "strides", &hop, 1);
    dmx_attribute_ints(e, "kernel_shape", &nfft, 1);
    return x;
}

/* [1, C, 1, L] padded twice, as [C, 1, (T + 7) hop]: to whole frames by the
 * network, and by half a window by the transform. */
static dmx_name padded(dmx_emitter *e, dmx_name x, const int64_t d[3],
                       int64_t nfft, int64_t frames)
{
    const int64_t hop = nfft / 4, left = hop / 2 * 3;
    x = dmx_emit_reshape(e, x, DMX_DIMS(d[0], 1, d[2]));
    x = dmx_emit_pad(e, x, 3, 2, left, left + frames * hop - d[2],
                     DMX_PAD_REFLECT);
    return dmx_emit_pad(e, x, 3, 2, nfft / 2, nfft / 2, DMX_PAD_REFLECT);
}

/* Real and imaginary parts on a separate axis, then without the last bin and
 * without two frames at each end. */
void dmx_usual_stft(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *d = dmx_walk_dim(w, n->in[0]);
    const dmx_extent *o = dmx_walk_dim(w, n->out[0]);
    const int64_t nfft = n->at.nfft, one = 1;
    dmx_name x = padded(e, dmx_usual_plain(w, n->in[0]), d, nfft, o[2]);
    dmx_name part[2];
    for (int k = 0; k < 2; k++) {
        const dmx_name kernel = rows(e, k == 0 ? "dft_cos" : "dft_sin", nfft,
                                     k == 0 ? 1.0 : -1.0, k == 1, false);
        const dmx_name axis = dmx_usual_constant(e, &one, 1);
        part[k] = dmx_emit_2(e, "Unsqueeze",
                             transform(e, "Conv", x, kernel, nfft), axis);
    }
    x = dmx_emit_concat(e, part, 2, 1);
    x = dmx_emit_slice(e, x, 2, 0, nfft / 2);
    x = dmx_emit_slice(e, x, 3, 2, 2 + o[2]);
    dmx_walk_set(w, n, dmx_emit_reshape(e, x, DMX_DIMS(1, o[0], o[1], o[2])));
}

static dmx_name one(dmx_emitter *e, int64_t value)
{
    return dmx_usual_constant(e, &value, 1);
}

/* env[a:b] = update as a trace writes it: all indices, sliced, as a column. */
static dmx_name assign(dmx_emitter *e, dmx_name env, dmx_name update, int64_t a,
                       int64_t b)
{
    const int64_t zero = 0;
    const dmx_name first = dmx_usual_constant(e, &zero, 1);
    const dmx_name length =
        dmx_emit_2(e, "Gather", dmx_emit_1(e, "Shape", env), first);
    const dmx_name end = dmx_emit_2(e, "Squeeze", length, one(e, 0));
    dmx_name axis = one(e, 0);
    const dmx_name begin = dmx_emit_2(e, "Squeeze", one(e, 0), axis);
    axis = one(e, 0);
    const dmx_name step = dmx_emit_2(e, "Squeeze", one(e, 1), axis);
    const dmx_name range[] = {begin, end, step};
    const dmx_name all = dmx_emit(e, "Range", range, 3);
    const dmx_name cut[] = {all, one(e, a), one(e, b), one(e, 0), one(e, 1)};
    const dmx_name part = dmx_emit(e, "Slice", cut, 5);
    const int64_t column[] = {-1, 1};
    const dmx_name index =
        dmx_emit_2(e, "Reshape", part, dmx_usual_constant(e, column, 2));
    const dmx_name shape = dmx_emit_1(e, "Shape", part);
    const dmx_name value = dmx_emit_2(e, "Expand", update, shape);
    const dmx_name in[] = {env, index, value};
    return dmx_emit(e, "ScatterND", in, 3);
}

/* env[a:b] += window^2, assigned twice: by the view and by the statement. */
static dmx_name add_frame(dmx_emitter *e, dmx_name env, dmx_name square,
                          int64_t a, int64_t b)
{
    const dmx_name cut[] = {env, one(e, a), one(e, b), one(e, 0), one(e, 1)};
    dmx_name sum = dmx_emit_2(e, "Add", dmx_emit(e, "Slice", cut, 5), square);
    env = assign(e, env, sum, a, b);
    const dmx_name again[] = {env, one(e, a), one(e, b), one(e, 0), one(e, 1)};
    sum = dmx_emit(e, "Slice", again, 5);
    return assign(e, env, sum, a, b);
}

/* The sum of squared windows of all frames, the four padding ones included,
 * in double precision, without the transform's own padding and never zero:
 * [length]. */
static dmx_name envelope(dmx_emitter *e, int64_t nfft, int64_t frames,
                         int64_t length)
{
    const int64_t hop = nfft / 4;
    double *square = dmx_emitter_alloc(e, (size_t)nfft, sizeof *square);
    double *floor = dmx_emitter_alloc(e, 1, sizeof *floor);
    if (square == NULL || floor == NULL)
        return "";
    for (int64_t i = 0; i < nfft; i++)
        square[i] = window(i, nfft) * window(i, nfft);
    *floor = 1e-11;
    const dmx_name w2 =
        dmx_constant_double(e, "window_square", square, &nfft, 1);
    dmx_name env = dmx_emit_1(e, "ConstantOfShape", one(e, length + nfft));
    dmx_attribute_double(e, "value", 0.0);
    for (int64_t t = 0; t < frames; t++)
        env = add_frame(e, env, w2, t * hop, t * hop + nfft);
    env = dmx_emit_slice(e, env, 0, nfft / 2, nfft / 2 + length);
    env = dmx_emit_2(e, "Clip", env,
                     dmx_constant_double(e, "floor", floor, NULL, 0));
    return dmx_emit_cast_f32(e, env);
}

/* The missing bin and two frames on each side, as zeros: [C, 2, n / 2 + 1,
 * T + 4]. */
static dmx_name completed(dmx_emitter *e, dmx_name x, const int64_t d[3])
{
    x = dmx_emit_reshape(e, x, DMX_DIMS(d[0] / 2, 2, d[1], d[2]));
    x = dmx_emit_pad(e, x, 4, 2, 0, 1, DMX_PAD_ZEROS);
    return dmx_emit_pad(e, x, 4, 3, 2, 2, DMX_PAD_ZEROS);
}

/* Real or imaginary part [C, 1, (T + 7) hop] of the inverse. */
static dmx_name half_inverse(dmx_emitter *e, dmx_name x, const int64_t d[3],
                             bool sine)
{
    const int64_t nfft = 2 * d[1], axis = 1;
    x = dmx_emit_slice(e, x, 1, sine ? 1 : 0, sine ? 2 : 1);
    x = dmx_emit_2(e, "Squeeze", x, dmx_usual_constant(e, &axis, 1));
    return transform(e, "ConvTranspose", x,
                     rows(e, sine ? "idft_sin" : "idft_cos", nfft,
                          sine ? -1.0 : 1.0, sine, true),
                     nfft);
}

void dmx_usual_istft(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const dmx_extent *d = dmx_walk_dim(w, n->in[0]);
    const int64_t nfft = n->at.nfft, hop = n->at.hop, left = hop / 2 * 3;
    const int64_t length = (d[2] + 3) * hop;
    dmx_name x = completed(e, dmx_usual_plain(w, n->in[0]), d);
    const dmx_name sines = half_inverse(e, x, d, true);
    x = dmx_emit_2(e, "Add", half_inverse(e, x, d, false), sines);
    x = dmx_emit_slice(e, x, 2, nfft / 2, nfft / 2 + length);
    x = dmx_emit_2(e, "Div", x, envelope(e, nfft, d[2] + 4, length));
    x = dmx_emit_slice(e, x, 2, left, left + n->at.length);
    dmx_walk_set(
        w, n, dmx_emit_reshape(e, x, DMX_DIMS(1, d[0] / 2, 1, n->at.length)));
}
