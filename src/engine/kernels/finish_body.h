/* The epilogue of a product, run while its tile is in the first-level cache. */

INLINE vec activated(dmx_activation act, vec x, vec gate)
{
    switch (act) {
    case DMX_ACT_GELU:
        return v_gelu(x);
    case DMX_ACT_RELU:
        return v_max(v_set(0.0f), x);
    case DMX_ACT_GLU:
        return x * v_sigmoid(gate);
    default:
        return x;
    }
}

INLINE vec with_bias(const bool plain, vec x, vec gain, vec bias)
{
    if (plain)
        return x + bias;
    return v_fma(x, gain, bias);
}

/* Row r of C after gain, bias, activation and scale, into y [0, n). plain:
 * there is a bias only. */
INLINE void finish_row(dmx_activation act, const bool plain,
                       const dmx_finish *f, const float *c, int64_t r, float *y,
                       int64_t n)
{
    const int64_t g = act == DMX_ACT_GLU ? f->gate : 0;
    const bool gain = !plain && f->gain != NULL;
    const int64_t gb = act == DMX_ACT_GLU ? f->gate_bias : 0;
    const vec b = v_set(f->bias[r]);
    const vec bg = v_set(f->bias[r + gb]);
    const vec a = v_set(gain ? f->gain[r] : 1.0f);
    const vec ag = v_set(gain ? f->gain[r + gb] : 1.0f);
    const vec s = v_set(!plain && f->scale != NULL ? f->scale[r] : 1.0f);
    const vec o = v_set(!plain && f->offset != NULL ? f->offset[r] : 0.0f);
    const vec ga = v_set(f->add_gain);
    const float *add =
        !plain && f->add != NULL ? f->add + r * f->add_stride : NULL;
#pragma GCC unroll 3
    for (int64_t j = 0; j < n; j += LANES) {
        vec v = with_bias(plain, v_load(c + j), a, b), gate = v;
        if (act == DMX_ACT_GLU)
            gate = with_bias(plain, v_load(c + g * NR + j), ag, bg);
        v = activated(act, v, gate);
        if (!plain)
            v = v_fma(v, s, o);
        if (add != NULL)
            v = v_fma(v_load(add + j), ga, v);
        v_store(y + j, v);
    }
}

INLINE void finish_width(dmx_activation act, const bool plain,
                         const dmx_finish *f, const float *c, int64_t n)
{
    for (int64_t r = 0; r < f->channels; r++)
        finish_row(act, plain, f, c + r * NR, r, f->out + r * f->out_stride, n);
}

/* Most panels are whole, and rows of narrow ones so short that what is decided
 * for each row counts. */
INLINE void finish_rows(dmx_activation act, const dmx_finish *f, const float *c)
{
    const bool plain = f->gain == NULL && f->scale == NULL &&
                       f->offset == NULL && f->add == NULL;
    if (f->n != NR)
        finish_width(act, plain, f, c, f->n);
    else if (plain)
        finish_width(act, true, f, c, NR);
    else
        finish_width(act, false, f, c, NR);
}

static void finish(const dmx_finish *f, const float *c)
{
    switch (f->activation) {
    case DMX_ACT_GELU:
        finish_rows(DMX_ACT_GELU, f, c);
        break;
    case DMX_ACT_RELU:
        finish_rows(DMX_ACT_RELU, f, c);
        break;
    case DMX_ACT_GLU:
        finish_rows(DMX_ACT_GLU, f, c);
        break;
    default:
        finish_rows(DMX_ACT_NONE, f, c);
    }
}

/* Stores n <= 4 LANES elements of y to out. */
INLINE void store_wanted(const dmx_interleave *w, int64_t r, const float *y,
                         int64_t at, int64_t n)
{
    const dmx_finish *f = &w->finish;
    const float s = f->scale != NULL ? f->scale[r] : 1.0f;
    const float o = f->offset != NULL ? f->offset[r] : 0.0f;
    float *out = f->out + r * f->out_stride - w->from;
    const float *add = f->add;
    if (add != NULL)
        add += r * f->add_stride - w->from;
    for (int64_t j = 0; j < n; j++) {
        const int64_t t = at + j;
        if (t >= w->from && t < w->to)
            out[t] = y[j] * s + o + (add != NULL ? add[t] * f->add_gain : 0.0f);
    }
}

/* The same for four full vectors. */
INLINE void store_whole(const dmx_interleave *w, int64_t r, const vec y[4],
                        int64_t at)
{
    const dmx_finish *f = &w->finish;
    const vec s = v_set(f->scale != NULL ? f->scale[r] : 1.0f);
    const vec o = v_set(f->offset != NULL ? f->offset[r] : 0.0f);
    const vec gain = v_set(f->add_gain);
    const float *add = f->add;
    float *out = f->out + r * f->out_stride + at - w->from;
    if (add != NULL)
        add += r * f->add_stride + at - w->from;
    for (int i = 0; i < 4; i++) {
        vec v = y[i] * s + o;
        if (add != NULL)
            v += v_load(add + i * LANES) * gain;
        v_store(out + i * LANES, v);
    }
}

/* Four phases of channel r, interleaved in registers. */
INLINE void interleave_4(dmx_activation act, const dmx_interleave *w,
                         const float *c, int64_t r)
{
    vec bias[4];
    c += r * 4 * NR;
    for (int p = 0; p < 4; p++)
        bias[p] = v_set(w->finish.bias[r * 4 + p]);
    for (int64_t j = 0; j < NR; j += LANES) {
        vec phase[4], y[4];
        for (int p = 0; p < 4; p++) {
            phase[p] = v_load(c + p * NR + j) + bias[p];
            phase[p] = activated(act, phase[p], phase[p]);
        }
        v_interleave_4(y, phase);
        if (4 * j >= w->from && 4 * (j + LANES) <= w->to) {
            store_whole(w, r, y, 4 * j);
            continue;
        }
        float edge[4 * LANES];
        for (int i = 0; i < 4; i++)
            v_store(edge + i * LANES, y[i]);
        store_wanted(w, r, edge, 4 * j, 4 * LANES);
    }
}

/* Any number of phases, one element after another. */
INLINE void interleave_any(dmx_activation act, const dmx_interleave *w,
                           const float *c, int64_t r)
{
    const int64_t phases = w->phases;
    for (int64_t p = 0; p < phases; p++, c += NR) {
        const vec bias = v_set(w->finish.bias[r * phases + p]);
        float y[NR];
        for (int64_t j = 0; j < NR; j += LANES) {
            const vec v = v_load(c + r * phases * NR + j) + bias;
            v_store(y + j, activated(act, v, v));
        }
        for (int64_t j = 0; j < NR; j++)
            store_wanted(w, r, y + j, j * phases + p, 1);
    }
}

INLINE void interleave_rows(dmx_activation act, const dmx_interleave *w,
                            const float *c)
{
    for (int64_t r = 0; r < w->finish.channels; r++)
        if (w->phases == 4)
            interleave_4(act, w, c, r);
        else
            interleave_any(act, w, c, r);
}

/* GLU is not among the activations here: the planner never asks for it. */
static void interleave(const dmx_interleave *w, const float *c)
{
    switch (w->finish.activation) {
    case DMX_ACT_GELU:
        interleave_rows(DMX_ACT_GELU, w, c);
        break;
    case DMX_ACT_RELU:
        interleave_rows(DMX_ACT_RELU, w, c);
        break;
    default:
        interleave_rows(DMX_ACT_NONE, w, c);
    }
}
