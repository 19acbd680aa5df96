/* Units to product steps: geometry, folded weights. */
#include "engine/plan/planner.h"

#include <stdlib.h>
#include <string.h>

static const dmx_node *node_at(const dmx_planner *p, int32_t i)
{
    return &p->g->node[i];
}

static const dmx_shape *shape_of(const dmx_planner *p, dmx_value v)
{
    return &p->g->value[v].shape;
}

/* ---- dense weights ------------------------------------------------------ */

/* [Co][Ci][kf][kt] -> [Co][kf][Ci][kt] */
static void order_taps(float *out, const float *w, const dmx_node *n,
                       int64_t co, int64_t ci)
{
    const int64_t kf = n->at.conv.kernel[0], kt = n->at.conv.kernel[1];
    for (int64_t o = 0; o < co; o++)
        for (int64_t a = 0; a < kf; a++)
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

/* The norm's gain into the columns, its offset into the bias. */
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

/* Weights and bias in the order that products want, and what belongs to them;
 * all malloc'd. */
typedef struct loaded {
    float *weight, *bias;
    float *scale;                 /* after the product, or NULL */
    float *norm_gain, *norm_bias; /* before it, or NULL */
    int64_t out, in, k, taps[2];
} loaded;

static void unload(loaded *l)
{
    free(l->weight);
    free(l->bias);
    free(l->scale);
    free(l->norm_gain);
    free(l->norm_bias);
}

/* Returns how many lines of k weights a product of it has. */
static int64_t measure(loaded *l, const dmx_node *n)
{
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
    l->k = l->in * l->taps[0] * l->taps[1];
    return lines;
}

static dmx_status order_weights(loaded *l, const dmx_node *n, int64_t lines,
                                dmx_error *err)
{
    const bool transposed = n->op == DMX_OP_CONV_TRANSPOSE;
    float *ordered;
    if (!transposed && l->taps[0] == 1)
        return DMX_OK;
    DMX_FORWARD(dmx_plan_elements(&ordered, NULL, lines * l->k, err));
    if (transposed)
        order_phases(ordered, l->weight, n, l->out, l->in, l->taps);
    else
        order_taps(ordered, l->weight, n, l->out, l->in);
    free(l->weight);
    l->weight = ordered;
    return DMX_OK;
}

/* A norm goes into the weights where these need not stay what they are. */
static dmx_status load_norm(loaded *l, const dmx_planner *p, const dmx_unit *u,
                            dmx_error *err)
{
    if (u->norm < 0)
        return DMX_OK;
    const dmx_node *n = node_at(p, u->norm);
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

static dmx_status load(loaded *l, const dmx_planner *p, const dmx_unit *u,
                       dmx_error *err)
{
    const dmx_node *n = node_at(p, u->leader);
    const int64_t lines = measure(l, n);
    DMX_FORWARD(dmx_plan_elements(&l->bias, dmx_bias_of(n), l->out, err));
    DMX_FORWARD(dmx_plan_elements(&l->weight, dmx_weight_of(n), 0, err));
    if (u->scale >= 0)
        DMX_FORWARD(dmx_plan_elements(
            &l->scale, dmx_weight_of(node_at(p, u->scale)), l->out, err));
    DMX_FORWARD(load_norm(l, p, u, err));
    return order_weights(l, n, lines, err);
}

/* ---- geometry ----------------------------------------------------------- */

static void set_conv(dmx_product *d, const dmx_planner *p, const dmx_unit *u)
{
    const dmx_attributes *at = &node_at(p, u->leader)->at;
    for (int i = 0; i < 2; i++) {
        d->window.kernel[i] = at->conv.kernel[i];
        d->window.step[i] = at->conv.stride[i];
        d->window.dilation[i] = at->conv.dilation[i];
        d->window.padding[i] = at->conv.padding[i][0];
        d->dense.phases[i] = 1;
    }
    if (u->pad >= 0) {
        const dmx_attributes *pad = &node_at(p, u->pad)->at;
        d->window.padding[pad->axis - 1] += pad->before;
    }
}

/* Cropping whole positions moves the window; the rest is `start`. */
static void set_transposed(dmx_product *d, const dmx_planner *p,
                           const dmx_unit *u, const int64_t taps[2])
{
    const dmx_attributes *at = &node_at(p, u->leader)->at;
    for (int i = 0; i < 2; i++) {
        const int64_t start =
            u->crop[i] >= 0 ? node_at(p, u->crop[i])->at.start : 0;
        d->window.kernel[i] = taps[i];
        d->window.step[i] = d->window.dilation[i] = 1;
        d->window.padding[i] = taps[i] - 1 - start / at->conv.stride[i];
        d->dense.phases[i] = at->conv.stride[i];
        d->start[i] = start % at->conv.stride[i];
    }
}

static double flops_of(const dmx_planner *p, const dmx_unit *u, const loaded *l)
{
    const dmx_node *n = node_at(p, u->leader);
    const bool transposed = n->op == DMX_OP_CONV_TRANSPOSE;
    const dmx_shape *s = shape_of(p, transposed ? n->in[0] : n->out[0]);
    const double positions = s->rank == 2
                                 ? (double)s->dim[0]
                                 : (double)s->dim[1] * (double)s->dim[2];
    const double taps =
        n->op == DMX_OP_LINEAR
            ? 1.0
            : (double)(n->at.conv.kernel[0] * n->at.conv.kernel[1]);
    return 2.0 * (double)l->out * (double)l->in * taps * positions;
}

static const char *kind_of(const dmx_node *n)
{
    return n->op == DMX_OP_LINEAR ? "linear"
           : n->op == DMX_OP_CONV ? "conv"
                                  : "conv_transpose";
}

static dmx_activation activation_of(const dmx_planner *p, int32_t act)
{
    if (act < 0)
        return DMX_ACT_NONE;
    const dmx_op op = node_at(p, act)->op;
    return op == DMX_OP_GELU   ? DMX_ACT_GELU
           : op == DMX_OP_RELU ? DMX_ACT_RELU
                               : DMX_ACT_GLU;
}

/* The table of a frequency embedding as [F][C], times alphas. */
static dmx_status embedding(const float **out, dmx_planner *p,
                            const dmx_unit *u, dmx_error *err)
{
    const dmx_node *n = node_at(p, p->g->value[u->other].producer);
    const int64_t count = (int64_t)dmx_tensor_count(dmx_weight_of(n));
    const float alpha = (float)(n->at.alpha * node_at(p, u->add)->at.alpha);
    float *table;
    DMX_FORWARD(dmx_program_floats(&table, p->e, count, err));
    dmx_tensor_to_f32(table, dmx_weight_of(n));
    for (int64_t i = 0; i < count; i++)
        table[i] *= alpha;
    *out = table;
    return DMX_OK;
}

static dmx_status set_addition(dmx_product *d, dmx_planner *p,
                               const dmx_unit *u, dmx_error *err)
{
    if (u->add < 0)
        return DMX_OK;
    const dmx_node *maker = node_at(p, p->g->value[u->other].producer);
    if (maker->op == DMX_OP_FREQ_EMBEDDING)
        return embedding(&d->offset, p, u, err);
    d->add = p->buf[u->other];
    const dmx_node *add = node_at(p, u->add);
    d->add_gain = add->in[1] == u->other ? (float)add->at.alpha : 1.0f;
    return DMX_OK;
}

/* A product and the memory behind it. */
typedef struct described {
    dmx_product d;
    loaded l;
} described;

static dmx_value input_of(const dmx_planner *p, const dmx_unit *u)
{
    const int32_t first = u->norm >= 0  ? u->norm
                          : u->pad >= 0 ? u->pad
                                        : u->leader;
    return node_at(p, first)->in[0];
}

static void set_dense(dmx_product *d, const loaded *l)
{
    d->dense.glu = d->activation == DMX_ACT_GLU;
    d->dense.channels = d->dense.glu ? l->out / 2 : l->out;
    d->dense.k = l->k;
    d->dense.weight = l->weight;
    d->dense.bias = l->bias;
}

static void set_geometry(dmx_product *d, const dmx_planner *p,
                         const dmx_unit *u, const int64_t taps[2])
{
    const dmx_op op = node_at(p, u->leader)->op;
    if (op == DMX_OP_CONV_TRANSPOSE)
        set_transposed(d, p, u, taps);
    else if (op == DMX_OP_CONV)
        set_conv(d, p, u);
    else
        for (int i = 0; i < 2; i++)
            d->window.kernel[i] = d->window.step[i] = d->window.dilation[i] =
                d->dense.phases[i] = 1;
}

/* All but the output. */
static dmx_status describe(described *t, dmx_planner *p, const dmx_unit *u,
                           dmx_error *err)
{
    const dmx_node *n = node_at(p, u->leader);
    dmx_product *d = &t->d;
    d->kind = kind_of(n);
    d->path = n->path;
    d->in = p->buf[input_of(p, u)];
    d->activation = activation_of(p, u->act);
    DMX_FORWARD(load(&t->l, p, u, err));
    DMX_FORWARD(set_addition(d, p, u, err));
    set_geometry(d, p, u, t->l.taps);
    set_dense(d, &t->l);
    d->flops = flops_of(p, u, &t->l);
    d->normed = u->norm >= 0;
    d->epsilon = d->normed ? node_at(p, u->norm)->at.epsilon : 0.0;
    d->norm_gain = t->l.norm_gain;
    d->norm_offset = t->l.norm_bias;
    d->scale = t->l.scale;
    return DMX_OK;
}

/* A sum may take the place of its other term where nothing else is read from
 * there: a decoder's that of the encoder's. */
static dmx_status make_output(dmx_buf *out, dmx_planner *p, const dmx_unit *u,
                              dmx_error *err)
{
    const dmx_value sum = node_at(p, u->last)->out[0];
    if (u->add >= 0 && u->add == u->last && p->buf[u->other] != DMX_NO_BUFFER &&
        input_of(p, u) != u->other && dmx_plan_last_use(p, u->other, u->add)) {
        p->buf[sum] = *out = p->buf[u->other];
        return DMX_OK;
    }
    return dmx_plan_output(out, p, sum, DMX_NO_VALUE, 0, err);
}

static dmx_status add_siblings(described *t, described *more, dmx_planner *p,
                               const dmx_unit *u, dmx_error *err)
{
    for (int i = 0; i < u->n_sibling; i++) {
        const dmx_unit *other = &p->unit[u->sibling[i]];
        dmx_sibling *s = &t->d.sibling[t->d.n_sibling++];
        DMX_FORWARD(describe(&more[i], p, other, err));
        DMX_FORWARD(make_output(&s->out, p, other, err));
        s->dense = more[i].d.dense;
        t->d.flops += more[i].d.flops;
    }
    return DMX_OK;
}

/* The pair of linear maps of which `first` feeds `second`. */
static dmx_status emit_pair(dmx_planner *p, const dmx_product *first,
                            const dmx_product *second, dmx_error *err)
{
    return (dmx_strassen_fits(p->e, first, second)
                ? dmx_step_strassen
                : dmx_step_feed)(p->e, first, second, err);
}

static dmx_status emit(dmx_planner *p, const dmx_unit *u, described *t,
                       described *more, dmx_error *err)
{
    DMX_FORWARD(describe(t, p, u, err));
    DMX_FORWARD(make_output(&t->d.out, p, u, err));
    DMX_FORWARD(add_siblings(t, more, p, u, err));
    if (u->feeder >= 0) {
        DMX_FORWARD(describe(more, p, &p->unit[u->feeder], err));
        return emit_pair(p, &more->d, &t->d, err);
    }
    return (dmx_winograd_fits(p->e, &t->d) ? dmx_step_winograd
            : dmx_two_tap_fits(p->e, &t->d)
                ? dmx_step_two_tap
                : dmx_step_product)(p->e, &t->d, err);
}

dmx_status dmx_emit_product(dmx_planner *p, const dmx_unit *u, dmx_error *err)
{
    described t = {0}, more[DMX_SIBLINGS] = {0};
    const dmx_status status = emit(p, u, &t, more, err);
    unload(&t.l);
    for (int i = 0; i < DMX_SIBLINGS; i++)
        unload(&more[i].l);
    if (status != DMX_OK)
        dmx_error_prefix(err, "%s", node_at(p, u->leader)->path);
    return status;
}

/* ---- dconv -------------------------------------------------------------- */

/* Where the tensors of a residual branch come from. */
enum { W1, B1, WEIGHT1, BIAS1, W2, B2, WEIGHT2, BIAS2, SCALE, DCONV_TENSORS };

static const dmx_tensor *dconv_tensor(const dmx_planner *p, const dmx_unit *u,
                                      int i)
{
    const int32_t node[] = {u->leader, u->norm1, u->conv2, u->norm2, u->scale};
    if (node[i / 2] < 0)
        return NULL;
    const dmx_node *n = node_at(p, node[i / 2]);
    return i % 2 == 0 ? dmx_weight_of(n) : dmx_bias_of(n);
}

static dmx_status load_dconv(float *w[DCONV_TENSORS], const dmx_planner *p,
                             const dmx_unit *u, dmx_error *err)
{
    const dmx_node *n = node_at(p, u->leader);
    const int64_t C = shape_of(p, u->other)->dim[0];
    const int64_t H = dmx_weight_of(n)->dim[0];
    const int64_t count[DCONV_TENSORS] = {[W1] = H * C * n->at.conv.kernel[1],
                                          [B1] = H,
                                          [WEIGHT1] = H,
                                          [BIAS1] = H,
                                          [W2] = 2 * C * H,
                                          [B2] = 2 * C,
                                          [WEIGHT2] = 2 * C,
                                          [BIAS2] = 2 * C,
                                          [SCALE] = C};
    for (int i = 0; i < DCONV_TENSORS; i++)
        if (i != SCALE || u->scale >= 0)
            DMX_FORWARD(
                dmx_plan_elements(&w[i], dconv_tensor(p, u, i), count[i], err));
    return DMX_OK;
}

static dmx_status add_dconv(dmx_planner *p, const dmx_unit *u,
                            float *const w[DCONV_TENSORS], dmx_error *err)
{
    const dmx_node *n = node_at(p, u->leader);
    dmx_dconv d = {
        .path = n->path,
        .x = p->buf[u->other],
        .hidden = dmx_weight_of(n)->dim[0],
        .channels = shape_of(p, u->other)->dim[0],
        .taps = n->at.conv.kernel[1],
        .dilation = n->at.conv.dilation[1],
        .padding = n->at.conv.padding[1][0],
        .w1 = w[W1],
        .b1 = w[B1],
        .weight1 = w[WEIGHT1],
        .bias1 = w[BIAS1],
        .w2 = w[W2],
        .b2 = w[B2],
        .weight2 = w[WEIGHT2],
        .bias2 = w[BIAS2],
        .scale = w[SCALE],
        .epsilon1 = node_at(p, u->norm1)->at.epsilon,
        .epsilon2 = node_at(p, u->norm2)->at.epsilon,
    };
    DMX_FORWARD(dmx_plan_output(&d.out, p, node_at(p, u->last)->out[0],
                                u->other, 2, err));
    return dmx_step_dconv(p->e, &d, err);
}

dmx_status dmx_emit_dconv(dmx_planner *p, const dmx_unit *u, dmx_error *err)
{
    float *w[DCONV_TENSORS] = {NULL};
    dmx_status status = load_dconv(w, p, u, err);
    if (status == DMX_OK)
        status = add_dconv(p, u, w, err);
    for (int i = 0; i < DCONV_TENSORS; i++)
        free(w[i]);
    if (status != DMX_OK)
        dmx_error_prefix(err, "%s", node_at(p, u->leader)->path);
    return status;
}
