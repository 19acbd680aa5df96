/* What happens to a product while it lies in the first-level cache. */

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

/* Row r of C after gain, bias, activation and scale, into y [0, n). */
INLINE void finish_row(dmx_activation act, const dmx_finish *f, const float *c,
                       int64_t r, int64_t bias_row, float *y, int64_t n)
{
    const int64_t g = act == DMX_ACT_GLU ? f->gate : 0;
    const bool gain = f->gain != NULL;
    const int64_t gb = act == DMX_ACT_GLU ? f->gate_bias : 0;
    const vec b = v_set(f->bias[bias_row]);
    const vec bg = v_set(f->bias[bias_row + gb]);
    const vec a = v_set(gain ? f->gain[bias_row] : 1.0f);
    const vec ag = v_set(gain ? f->gain[bias_row + gb] : 1.0f);
    const vec s = v_set(f->scale != NULL ? f->scale[r] : 1.0f);
    const vec o = v_set(f->offset != NULL ? f->offset[r] : 0.0f);
    const vec ga = v_set(f->add_gain);
    const float *add = f->add != NULL ? f->add + r * f->add_stride : NULL;
    for (int64_t j = 0; j < n; j += LANES) {
        vec v = v_load(c + j) * a + b;
        vec gate = v;
        if (act == DMX_ACT_GLU)
            gate = v_load(c + g * NR + j) * ag + bg;
        v = activated(act, v, gate) * s + o;
        if (add != NULL)
            v += v_load(add + j) * ga;
        v_store(y + j, v);
    }
}

INLINE void finish_rows(dmx_activation act, const dmx_finish *f, const float *c)
{
    for (int64_t r = 0; r < f->channels; r++)
        finish_row(act, f, c + r * NR, r, r, f->out + r * f->out_stride, f->n);
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

/* phases rows of C at c -> one row of phases * NR elements. */
static void weave(float *y, const float *c, int64_t phases)
{
    if (phases == 4) {
        for (int64_t j = 0; j < NR; j += LANES) {
            const vec phase[4] = {v_load(c + j), v_load(c + NR + j),
                                  v_load(c + 2 * NR + j),
                                  v_load(c + 3 * NR + j)};
            v_store_phases(y + 4 * j, phase);
        }
        return;
    }
    for (int64_t p = 0; p < phases; p++)
        for (int64_t j = 0; j < NR; j++)
            y[j * phases + p] = c[p * NR + j];
}

/* GLU is not among the activations here: the planner never asks for it. */
static void interleave(const dmx_interleave *w, float *c)
{
    dmx_finish f = w->finish;
    f.scale = f.offset = f.add = NULL;
    const int64_t n = w->to - w->from, phases = w->phases;
    for (int64_t r = 0; r < f.channels; r++) {
        float *y = w->buffer, *out = w->finish.out + r * f.out_stride;
        weave(y, c + r * phases * NR, phases);
        dmx_finish row = f;
        row.channels = 1;
        row.bias = f.bias + r * phases;
        row.out = y;
        row.n = phases * NR;
        finish(&row, y);
        const float s = w->finish.scale != NULL ? w->finish.scale[r] : 1.0f;
        const float o = w->finish.offset != NULL ? w->finish.offset[r] : 0.0f;
        const float *from = y + w->from;
        if (w->finish.add == NULL) {
            for (int64_t j = 0; j < n; j++)
                out[j] = from[j] * s + o;
            continue;
        }
        const float *add = w->finish.add + r * w->finish.add_stride;
        const float ga = w->finish.add_gain;
        for (int64_t j = 0; j < n; j++)
            out[j] = from[j] * s + o + add[j] * ga;
    }
}
