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

/* malloc'd elements; n of zero when there is no tensor. */
static float *elements(const dmx_tensor *t, int64_t n)
{
    float *p = calloc((size_t)n + 1, sizeof *p);
    if (p != NULL && t != NULL)
        dmx_tensor_to_f32(p, t);
    return p;
}

/* ---- dense weights ------------------------------------------------------ */

/* [Co][Ci][kf][kt] -> [Co][kf][Ci][kt] */
static void order_taps(float *out, const float *w, const dmx_node *n,
                       int64_t co, int64_t ci)
{
    const int64_t kf = n->at.kernel[0], kt = n->at.kernel[1];
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
    const int64_t *s = n->at.stride, *k = n->at.kernel;
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
static bool fold_norm(float *w, float *bias, const dmx_node *norm, int64_t out,
                      int64_t in)
{
    float *gain = elements(dmx_weight_of(norm), in);
    float *offset = elements(dmx_bias_of(norm), in);
    for (int64_t o = 0; gain != NULL && offset != NULL && o < out; o++) {
        double sum = (double)bias[o];
        for (int64_t i = 0; i < in; i++) {
            sum += (double)w[o * in + i] * (double)offset[i];
            w[o * in + i] *= gain[i];
        }
        bias[o] = (float)sum;
    }
    const bool ok = gain != NULL && offset != NULL;
    free(gain);
    free(offset);
    return ok;
}

/* Weights and bias in the order that products want; both malloc'd. */
typedef struct loaded {
    float *weight, *bias;
    int64_t out, in, k, taps[2];
} loaded;

static bool load(loaded *l, const dmx_planner *p, const dmx_unit *u)
{
    const dmx_node *n = node_at(p, u->leader);
    const bool transposed = n->op == DMX_OP_CONV_TRANSPOSE;
    l->out = dmx_weight_of(n)->dim[transposed ? 1 : 0];
    l->in = dmx_weight_of(n)->dim[transposed ? 0 : 1];
    l->taps[0] = l->taps[1] = 1;
    int64_t lines = l->out;
    for (int i = 0; i < 2 && n->op != DMX_OP_LINEAR; i++) {
        const int64_t s = transposed ? n->at.stride[i] : 1;
        l->taps[i] = (n->at.kernel[i] + s - 1) / s;
        lines *= s;
    }
    l->k = l->in * l->taps[0] * l->taps[1];
    l->bias = elements(dmx_bias_of(n), l->out);
    l->weight =
        elements(dmx_weight_of(n), (int64_t)dmx_tensor_count(dmx_weight_of(n)));
    if (l->bias == NULL || l->weight == NULL)
        return false;
    if (u->norm >= 0 && !p->e->low_memory)
        return fold_norm(l->weight, l->bias, node_at(p, u->norm), l->out,
                         l->in);
    if (!transposed && l->taps[0] == 1)
        return true;
    float *ordered = calloc((size_t)(lines * l->k) + 1, sizeof *ordered);
    if (ordered == NULL)
        return false;
    if (transposed)
        order_phases(ordered, l->weight, n, l->out, l->in, l->taps);
    else
        order_taps(ordered, l->weight, n, l->out, l->in);
    free(l->weight);
    l->weight = ordered;
    return true;
}

/* ---- geometry ----------------------------------------------------------- */

static void set_conv(dmx_product *d, const dmx_planner *p, const dmx_unit *u)
{
    const dmx_attributes *at = &node_at(p, u->leader)->at;
    for (int i = 0; i < 2; i++) {
        d->window.kernel[i] = at->kernel[i];
        d->window.step[i] = at->stride[i];
        d->window.dilation[i] = at->dilation[i];
        d->window.padding[i] = at->padding[i][0];
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
        d->window.padding[i] = taps[i] - 1 - start / at->stride[i];
        d->dense.phases[i] = at->stride[i];
        d->start[i] = start % at->stride[i];
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
    const double taps = n->op == DMX_OP_LINEAR
                            ? 1.0
                            : (double)(n->at.kernel[0] * n->at.kernel[1]);
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
static const float *embedding(dmx_planner *p, const dmx_unit *u)
{
    const dmx_node *n = node_at(p, p->g->value[u->other].producer);
    const int64_t count = (int64_t)dmx_tensor_count(dmx_weight_of(n));
    const float alpha = (float)(n->at.alpha * node_at(p, u->add)->at.alpha);
    float *table = dmx_engine_floats(p->e, count);
    if (table == NULL)
        return NULL;
    dmx_tensor_to_f32(table, dmx_weight_of(n));
    for (int64_t i = 0; i < count; i++)
        table[i] *= alpha;
    return table;
}

static bool set_addition(dmx_product *d, dmx_planner *p, const dmx_unit *u)
{
    if (u->add < 0)
        return true;
    const dmx_node *maker = node_at(p, p->g->value[u->other].producer);
    if (maker->op == DMX_OP_FREQ_EMBEDDING) {
        d->offset = embedding(p, u);
        return d->offset != NULL;
    }
    d->add = p->buf[u->other];
    const dmx_node *add = node_at(p, u->add);
    d->add_gain = add->in[1] == u->other ? (float)add->at.alpha : 1.0f;
    return true;
}

/* The norm kept apart from the weights, which stay exact halves. */
static bool load_norm(dmx_product *d, float *norm[2], const dmx_planner *p,
                      const dmx_unit *u, int64_t in)
{
    const dmx_node *n = node_at(p, u->norm);
    norm[0] = elements(dmx_weight_of(n), in);
    norm[1] = elements(dmx_bias_of(n), in);
    d->norm_gain = norm[0];
    d->norm_offset = norm[1];
    return norm[0] != NULL && norm[1] != NULL;
}

/* A product and the memory behind it. */
typedef struct described {
    dmx_product d;
    loaded l;
    float *scale, *norm[2];
} described;

static void forget(described *t)
{
    free(t->l.weight);
    free(t->l.bias);
    free(t->scale);
    free(t->norm[0]);
    free(t->norm[1]);
}

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
static bool describe(described *t, dmx_planner *p, const dmx_unit *u)
{
    const dmx_node *n = node_at(p, u->leader);
    dmx_product *d = &t->d;
    d->kind = kind_of(n);
    d->path = n->path;
    d->in = p->buf[input_of(p, u)];
    d->add = d->gain = d->out = -1;
    d->activation = activation_of(p, u->act);
    if (!load(&t->l, p, u) || !set_addition(d, p, u))
        return false;
    set_geometry(d, p, u, t->l.taps);
    set_dense(d, &t->l);
    d->flops = flops_of(p, u, &t->l);
    if (u->norm >= 0) {
        d->normed = true;
        d->epsilon = node_at(p, u->norm)->at.epsilon;
        if (p->e->low_memory && !load_norm(d, t->norm, p, u, t->l.in))
            return false;
    }
    if (u->scale >= 0) {
        t->scale =
            elements(dmx_weight_of(node_at(p, u->scale)), d->dense.channels);
        d->scale = t->scale;
    }
    return u->scale < 0 || t->scale != NULL;
}

/* A sum may take the place of its other term where nothing else is read from
 * there: a decoder's that of the encoder's. */
static bool make_output(dmx_buf *out, dmx_planner *p, const dmx_unit *u)
{
    const dmx_value sum = node_at(p, u->last)->out[0];
    if (u->add >= 0 && u->add == u->last && p->buf[u->other] >= 0 &&
        input_of(p, u) != u->other && dmx_plan_last_use(p, u->other, u->add)) {
        p->buf[sum] = *out = p->buf[u->other];
        return true;
    }
    *out = dmx_plan_output(p, sum, DMX_NO_VALUE, 0);
    return *out >= 0;
}

static bool add_siblings(described *t, described *more, dmx_planner *p,
                         const dmx_unit *u)
{
    for (int i = 0; i < u->n_sibling; i++) {
        const dmx_unit *other = &p->unit[u->sibling[i]];
        dmx_sibling *s = &t->d.sibling[t->d.n_sibling++];
        if (!describe(&more[i], p, other) || !make_output(&s->out, p, other))
            return false;
        s->dense = more[i].d.dense;
        t->d.flops += more[i].d.flops;
    }
    return true;
}

static bool emit(dmx_planner *p, const dmx_unit *u, described *t,
                 described *more)
{
    if (!describe(t, p, u) || !make_output(&t->d.out, p, u) ||
        !add_siblings(t, more, p, u))
        return false;
    if (u->feeder >= 0)
        return describe(more, p, &p->unit[u->feeder]) &&
               (dmx_strassen_fits(p->e, &more->d, &t->d)
                    ? dmx_step_strassen(p->e, &more->d, &t->d)
                    : dmx_step_feed(p->e, &more->d, &t->d));
    if (dmx_winograd_fits(p->e, &t->d))
        return dmx_step_winograd(p->e, &t->d);
    if (dmx_two_tap_fits(p->e, &t->d))
        return dmx_step_two_tap(p->e, &t->d);
    return dmx_step_product(p->e, &t->d);
}

dmx_status dmx_emit_product(dmx_planner *p, const dmx_unit *u, dmx_error *err)
{
    described t = {0}, more[DMX_SIBLINGS] = {0};
    const bool ok = emit(p, u, &t, more);
    forget(&t);
    for (int i = 0; i < DMX_SIBLINGS; i++)
        forget(&more[i]);
    DMX_RETURN_IF(!ok, err, DMX_ERROR_MEMORY, "%s: out of memory for weights",
                  node_at(p, u->leader)->path);
    return DMX_OK;
}

/* ---- dconv -------------------------------------------------------------- */

static const dmx_tensor *dconv_tensor(const dmx_planner *p, const dmx_unit *u,
                                      int i)
{
    const int32_t node[] = {u->leader, u->norm1, u->conv2, u->norm2};
    const dmx_node *n = node_at(p, node[i / 2]);
    return i % 2 == 0 ? dmx_weight_of(n) : dmx_bias_of(n);
}

dmx_status dmx_emit_dconv(dmx_planner *p, const dmx_unit *u, dmx_error *err)
{
    const dmx_node *n = node_at(p, u->leader);
    const int64_t C = shape_of(p, u->other)->dim[0],
                  H = dmx_weight_of(n)->dim[0];
    const int64_t count[8] = {
        H * C * n->at.kernel[1], H, H, H, 2 * C * H, 2 * C, 2 * C, 2 * C};
    float *w[9] = {NULL};
    bool ok = true;
    for (int i = 0; i < 8; i++)
        ok = (w[i] = elements(dconv_tensor(p, u, i), count[i])) != NULL && ok;
    if (u->scale >= 0)
        ok =
            (w[8] = elements(dmx_weight_of(node_at(p, u->scale)), C)) != NULL &&
            ok;
    const dmx_dconv d = {
        .path = n->path,
        .x = p->buf[u->other],
        .out = dmx_plan_output(p, node_at(p, u->last)->out[0], u->other, 2),
        .hidden = H,
        .channels = C,
        .taps = n->at.kernel[1],
        .dilation = n->at.dilation[1],
        .padding = n->at.padding[1][0],
        .w1 = w[0],
        .b1 = w[1],
        .weight1 = w[2],
        .bias1 = w[3],
        .w2 = w[4],
        .b2 = w[5],
        .weight2 = w[6],
        .bias2 = w[7],
        .scale = w[8],
        .epsilon1 = node_at(p, u->norm1)->at.epsilon,
        .epsilon2 = node_at(p, u->norm2)->at.epsilon,
    };
    ok = ok && d.out >= 0 && dmx_step_dconv(p->e, &d);
    for (int i = 0; i < 9; i++)
        free(w[i]);
    DMX_RETURN_IF(!ok, err, DMX_ERROR_MEMORY, "%s: out of memory for weights",
                  n->path);
    return DMX_OK;
}
