/* The transforms as dense convolutions with the whole DFT matrix, and the
 * window envelope as the loop over frames that a trace unrolls. */
#include "onnx/turn.h"
#include "onnx/usual.h"

#include <math.h>

static double window(int64_t i, int64_t n)
{
    return 0.5 - 0.5 * dmx_cos_turn(i, n);
}

/* Rows [bins][1][n] of windowed cosines, or sines of the given sign. */
static void fill_rows(float *out, int64_t n, bool sine, double sign,
                      double norm, bool doubled)
{
    for (int64_t k = 0; k < n / 2; k++)
        for (int64_t i = 0; i < n; i++) {
            const int64_t turn = i * k % n;
            const double f =
                sine ? dmx_sin_turn(turn, n) : dmx_cos_turn(turn, n);
            const double twice = doubled && k > 0 ? 2.0 : 1.0;
            out[k * n + i] = (float)(sign * f * window(i, n) * norm * twice);
        }
}

void dmx_usual_stft(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const int64_t *d = dmx_walk_dim(w, n->in[0]);
    const int64_t *o = dmx_walk_dim(w, n->out[0]);
    const int64_t nfft = n->at.nfft, hop = n->at.hop, left = hop / 2 * 3;
    const double norm = 1.0 / sqrt((double)nfft);
    float *kernel = dmx_emitter_buffer(e, (size_t)(nfft * nfft), 4);
    if (kernel == NULL)
        return;
    fill_rows(kernel, nfft, false, 1.0, norm, false);
    fill_rows(kernel + nfft / 2 * nfft, nfft, true, -1.0, norm, false);
    dmx_name x = dmx_emit_pad(e, dmx_usual_plain(w, n->in[0]), 4, 3, left,
                              left + o[2] * hop - d[2], true);
    x = dmx_emit_reshape(e, x, DMX_DIMS(d[0], 1, (o[2] + 3) * hop));
    x = dmx_emit_2(e, "Conv", x,
                   dmx_constant_f32(e, "dft", kernel, DMX_DIMS(nfft, 1, nfft)));
    dmx_attribute_ints(e, "strides", &hop, 1);
    dmx_attribute_ints(e, "kernel_shape", &nfft, 1);
    dmx_walk_set(w, n, dmx_emit_reshape(e, x, DMX_DIMS(1, o[0], o[1], o[2])));
}

/* One half of the inverse: [C, bins, T] -> [C, 1, (T + 3) hop]. */
static dmx_name half_inverse(dmx_emitter *e, dmx_name x, int64_t nfft,
                             bool sine)
{
    const int64_t hop = nfft / 4;
    float *kernel = dmx_emitter_buffer(e, (size_t)(nfft / 2 * nfft), 4);
    if (kernel == NULL)
        return "";
    fill_rows(kernel, nfft, sine, sine ? -1.0 : 1.0, 1.0 / sqrt((double)nfft),
              true);
    x = dmx_emit_2(
        e, "ConvTranspose", x,
        dmx_constant_f32(e, "idft", kernel, DMX_DIMS(nfft / 2, 1, nfft)));
    dmx_attribute_ints(e, "strides", &hop, 1);
    dmx_attribute_ints(e, "kernel_shape", &nfft, 1);
    return x;
}

static dmx_name one(dmx_emitter *e, int64_t value)
{
    return dmx_usual_constant(e, &value, 1);
}

/* env[a:b] = update as a trace writes it: all indices, cut, in a column. */
static dmx_name assign(dmx_emitter *e, dmx_name env, dmx_name update, int64_t a,
                       int64_t b)
{
    const int64_t zero = 0;
    const dmx_name length = dmx_emit_2(e, "Gather", dmx_emit_1(e, "Shape", env),
                                       dmx_usual_constant(e, &zero, 1));
    const dmx_name end = dmx_emit_2(e, "Squeeze", length, one(e, 0));
    const dmx_name begin = dmx_emit_2(e, "Squeeze", one(e, 0), one(e, 0));
    const dmx_name step = dmx_emit_2(e, "Squeeze", one(e, 1), one(e, 0));
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

/* env[a:b] += window^2, twice assigned: by the view and by the statement. */
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

/* The sum of squared windows of all frames, the four padding ones included:
 * [1, 1, (T + 7) hop]. */
static dmx_name envelope(dmx_emitter *e, int64_t nfft, int64_t frames)
{
    const int64_t hop = nfft / 4, length = (frames + 3) * hop;
    double *square = dmx_emitter_alloc(e, (size_t)nfft, sizeof *square);
    if (square == NULL)
        return "";
    for (int64_t i = 0; i < nfft; i++)
        square[i] = window(i, nfft) * window(i, nfft);
    const dmx_name w2 = dmx_constant_f64(e, "window_square", square, &nfft, 1);
    dmx_name env = dmx_emit_1(e, "ConstantOfShape", one(e, length));
    for (int64_t t = 0; t < frames; t++)
        env = add_frame(e, env, w2, t * hop, t * hop + nfft);
    return dmx_emit_reshape(e, env, DMX_DIMS(1, 1, length));
}

void dmx_usual_istft(dmx_walk *w, const dmx_node *n)
{
    dmx_emitter *e = &w->e;
    const int64_t *d = dmx_walk_dim(w, n->in[0]);
    const int64_t nfft = n->at.nfft, hop = n->at.hop, c = d[0] / 2;
    const int64_t left = hop / 2 * 3, frames = d[2] + 4;
    dmx_name x = dmx_usual_plain(w, n->in[0]);
    x = dmx_emit_pad(e, x, 4, 3, 2, 2, false);
    x = dmx_emit_reshape(e, x, DMX_DIMS(c, 2, nfft / 2, frames));
    dmx_name half[2];
    dmx_usual_split(e, x, 1, half);
    for (int k = 0; k < 2; k++) {
        half[k] = dmx_emit_reshape(e, half[k], DMX_DIMS(c, nfft / 2, frames));
        half[k] = half_inverse(e, half[k], nfft, k == 1);
    }
    x = dmx_emit_2(e, "Add", half[0], half[1]);
    const dmx_name floor = dmx_emit_2(e, "Max", envelope(e, nfft, frames),
                                      dmx_constant_scalar(e, 1e-11));
    x = dmx_emit_2(e, "Div", x, floor);
    x = dmx_emit_reshape(e, x, DMX_DIMS(1, c, 1, (frames + 3) * hop));
    dmx_walk_set(
        w, n,
        dmx_emit_slice(e, x, 3, 2 * hop + left, 2 * hop + left + n->at.length));
}
