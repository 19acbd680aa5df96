/* Loads weights in the order that products need, with a norm folded into them.
 */
#include "engine/plan/weights.h"

#include <stdlib.h>
#include <string.h>

/* Whether tap a of a convolution ever reads a row of the input, not only
 * padding. */
static bool reads_rows(const dmx_conv_geometry *g, int64_t padding, int64_t a,
                       int64_t rows, int64_t outputs)
{
    const int64_t at = a * g->dilation[0] - padding; /* of output 0 */
    const int64_t r = at < 0 ? (-at + g->stride[0] - 1) / g->stride[0] : 0;
    return r < outputs && r * g->stride[0] + at < rows;
}

dmx_taps_span dmx_live_taps(const dmx_planner *p, const dmx_unit *u)
{
    const dmx_node *n = dmx_node_at(p, u->leader);
    const dmx_node *first = u->pad >= 0 ? dmx_node_at(p, u->pad) : n;
    const dmx_conv_geometry *g = &n->at.conv;
    const int64_t rows = p->g->value[first->in[0]].shape.dim[1];
    const int64_t outputs = p->g->value[n->out[0]].shape.dim[1];
    int64_t padding = g->padding[0][0];
    if (u->pad >= 0 && first->at.axis == 1)
        padding += first->at.before;
    dmx_taps_span s = {0, g->kernel[0]};
    while (s.to > 1 && !reads_rows(g, padding, s.to - 1, rows, outputs))
        s.to--;
    while (s.from + 1 < s.to && (s.from + 1) * g->dilation[0] <= padding &&
           !reads_rows(g, padding, s.from, rows, outputs))
        s.from++;
    return s;
}

/* [Co][Ci][kf][kt] -> [Co][kf][Ci][kt], for the taps in use */
static void order_taps(float *out, const float *w, const dmx_node *n,
                       int64_t co, int64_t ci, dmx_taps_span span)
{
    const int64_t kf = n->at.conv.kernel[0], kt = n->at.conv.kernel[1];
    for (int64_t o = 0; o < co; o++)
        for (int64_t a = span.from; a < span.to; a++)
            for (int64_t i = 0; i < ci; i++, out += kt)
                memcpy(out, w + ((o * ci + i) * kf + a) * kt,
                       (size_t)kt * sizeof *out);
}

/* [Ci][Co][kf][kt] -> [phase f][Co][phase t][tap f][Ci][tap t]; taps run
 * towards later inputs, that is towards earlier kernel elements. */
static void order_phases(float *out, const float *w, const dmx_node *n,
                         int64_t co, int64_t ci, const int64_t taps[2])
{
    const int64_t *s = n->at.conv.stride, *k = n->at.conv.kernel;
    for (int64_t index = 0; index < s[0] * co * s[1]; index++) {
        const int64_t pf = index / (co * s[1]), o = index / s[1] % co;
        const int64_t pt = index % s[1];
        for (int64_t a = 0; a < taps[0]; a++)
            for (int64_t i = 0; i < ci; i++)
                for (int64_t b = 0; b < taps[1]; b++, out++) {
                    const int64_t f = pf + (taps[0] - 1 - a) * s[0];
                    const int64_t t = pt + (taps[1] - 1 - b) * s[1];
                    if (f < k[0] && t < k[1])
                        *out = w[((i * co + o) * k[0] + f) * k[1] + t];
                }
    }
}

/* Folds the norm's gain into the columns and its offset into the bias. */
static void fold_norm(float *w, float *bias, const float *gain,
                      const float *offset, int64_t out, int64_t in)
{
    for (int64_t o = 0; o < out; o++) {
        double sum = (double)bias[o];
        for (int64_t i = 0; i < in; i++) {
            sum += (double)w[o * in + i] * (double)offset[i];
            w[o * in + i] *= gain[i];
        }
        bias[o] = (float)sum;
    }
}

void dmx_unload_weights(dmx_loaded *l)
{
    free(l->weight);
    free(l->bias);
    free(l->scale);
    free(l->norm_gain);
    free(l->norm_bias);
}

/* Returns how many lines of k weights the product has. */
static int64_t measure(dmx_loaded *l, const dmx_planner *p, const dmx_unit *u)
{
    const dmx_node *n = dmx_node_at(p, u->leader);
    const bool transposed = n->op == DMX_OP_CONV_TRANSPOSE;
    l->out = dmx_weight_of(n)->dim[transposed ? 1 : 0];
    l->in = dmx_weight_of(n)->dim[transposed ? 0 : 1];
    l->taps[0] = l->taps[1] = 1;
    int64_t lines = l->out;
    for (int i = 0; i < 2 && n->op != DMX_OP_LINEAR; i++) {
        const int64_t s = transposed ? n->at.conv.stride[i] : 1;
        l->taps[i] = (n->at.conv.kernel[i] + s - 1) / s;
        lines *= s;
    }
    if (n->op == DMX_OP_CONV) {
        l->span = dmx_live_taps(p, u);
        l->taps[0] = l->span.to - l->span.from;
    }
    l->k = l->in * l->taps[0] * l->taps[1];
    return lines;
}

static dmx_status order_weights(dmx_loaded *l, const dmx_node *n, int64_t lines,
                                dmx_error *err)
{
    const bool transposed = n->op == DMX_OP_CONV_TRANSPOSE;
    float *ordered;
    if (n->op == DMX_OP_LINEAR || (!transposed && n->at.conv.kernel[0] == 1))
        return DMX_OK;
    DMX_FORWARD(dmx_plan_elements(&ordered, NULL, lines * l->k, err));
    if (transposed)
        order_phases(ordered, l->weight, n, l->out, l->in, l->taps);
    else
        order_taps(ordered, l->weight, n, l->out, l->in, l->span);
    free(l->weight);
    l->weight = ordered;
    return DMX_OK;
}

/* Folds a norm into the weights where these need not stay exact. */
static dmx_status load_norm(dmx_loaded *l, const dmx_planner *p,
                            const dmx_unit *u, dmx_error *err)
{
    if (u->norm < 0)
        return DMX_OK;
    const dmx_node *n = dmx_node_at(p, u->norm);
    DMX_FORWARD(dmx_plan_elements(&l->norm_gain, dmx_weight_of(n), l->in, err));
    DMX_FORWARD(dmx_plan_elements(&l->norm_bias, dmx_bias_of(n), l->in, err));
    if (!dmx_derives_weights(p->e))
        return DMX_OK;
    fold_norm(l->weight, l->bias, l->norm_gain, l->norm_bias, l->out, l->in);
    free(l->norm_gain);
    free(l->norm_bias);
    l->norm_gain = l->norm_bias = NULL;
    return DMX_OK;
}

dmx_status dmx_load_weights(dmx_loaded *l, const dmx_planner *p,
                            const dmx_unit *u, dmx_error *err)
{
    const dmx_node *n = dmx_node_at(p, u->leader);
    const int64_t lines = measure(l, p, u);
    DMX_FORWARD(dmx_plan_elements(&l->bias, dmx_bias_of(n), l->out, err));
    DMX_FORWARD(dmx_plan_elements(&l->weight, dmx_weight_of(n), 0, err));
    if (u->scale >= 0)
        DMX_FORWARD(dmx_plan_elements(
            &l->scale, dmx_weight_of(dmx_node_at(p, u->scale)), l->out, err));
    DMX_FORWARD(load_norm(l, p, u, err));
    return order_weights(l, n, lines, err);
}
