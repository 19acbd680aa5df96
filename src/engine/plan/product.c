/* Emits units as product steps: their geometry, and what is fused into them. */
#include "engine/plan/weights.h"

#define LEAST_DEPTH    32 /* from here on, integer products are faster */
#define LEAST_LINES    16
#define WINOGRAD_CHUNK 32 /* short, since its transforms amplify errors */

/* ---- geometry ----------------------------------------------------------- */

static void set_conv(dmx_product *d, const dmx_planner *p, const dmx_unit *u)
{
    const dmx_attributes *at = &dmx_node_at(p, u->leader)->at;
    for (int i = 0; i < 2; i++) {
        d->window.kernel[i] = at->conv.kernel[i];
        d->window.step[i] = at->conv.stride[i];
        d->window.dilation[i] = at->conv.dilation[i];
        d->window.padding[i] = at->conv.padding[i][0];
        d->dense.phases[i] = 1;
    }
    if (u->pad >= 0) {
        const dmx_attributes *pad = &dmx_node_at(p, u->pad)->at;
        d->window.padding[pad->axis - 1] += pad->before;
    }
    const dmx_taps_span live = dmx_live_taps(p, u);
    d->window.kernel[0] = live.to - live.from;
    d->window.padding[0] -= live.from * at->conv.dilation[0];
}

/* Cropping by whole positions shifts the window; the rest is `start`. */
static void set_transposed(dmx_product *d, const dmx_planner *p,
                           const dmx_unit *u, const int64_t taps[2])
{
    const dmx_attributes *at = &dmx_node_at(p, u->leader)->at;
    for (int i = 0; i < 2; i++) {
        const int64_t start =
            u->crop[i] >= 0 ? dmx_node_at(p, u->crop[i])->at.start : 0;
        d->window.kernel[i] = taps[i];
        d->window.step[i] = d->window.dilation[i] = 1;
        d->window.padding[i] = taps[i] - 1 - start / at->conv.stride[i];
        d->dense.phases[i] = at->conv.stride[i];
        d->start[i] = start % at->conv.stride[i];
    }
}

static double flops_of(const dmx_planner *p, const dmx_unit *u,
                       const dmx_loaded *l)
{
    const dmx_node *n = dmx_node_at(p, u->leader);
    const bool transposed = n->op == DMX_OP_CONV_TRANSPOSE;
    const dmx_shape *s = dmx_shape_at(p, transposed ? n->in[0] : n->out[0]);
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
    return act < 0 ? DMX_ACT_NONE : dmx_activation_of(dmx_node_at(p, act)->op);
}

/* The table of a frequency embedding as [F][C], times alphas. */
static dmx_status embedding(const float **out, dmx_planner *p,
                            const dmx_unit *u, dmx_error *err)
{
    const dmx_node *n = dmx_node_at(p, p->g->value[u->other].producer);
    const int64_t count = (int64_t)dmx_tensor_count(dmx_weight_of(n));
    const float alpha = (float)(n->at.alpha * dmx_node_at(p, u->add)->at.alpha);
    float *table;
    DMX_FORWARD(dmx_program_floats(&table, p->e, count, err));
    DMX_FORWARD(dmx_tensor_read_f32(table, dmx_weight_of(n), err));
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
    const dmx_node *maker = dmx_node_at(p, p->g->value[u->other].producer);
    if (maker->op == DMX_OP_FREQ_EMBEDDING)
        return embedding(&d->offset, p, u, err);
    d->add = p->buf[u->other];
    const dmx_node *add = dmx_node_at(p, u->add);
    d->add_gain = add->in[1] == u->other ? (float)add->at.alpha : 1.0f;
    return DMX_OK;
}

/* A product and the memory it refers to. */
typedef struct described {
    dmx_product d;
    dmx_loaded l;
} described;

static dmx_value input_of(const dmx_planner *p, const dmx_unit *u)
{
    const int32_t first = u->norm >= 0  ? u->norm
                          : u->pad >= 0 ? u->pad
                                        : u->leader;
    return dmx_node_at(p, first)->in[0];
}

static void set_dense(dmx_product *d, const dmx_loaded *l)
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
    const dmx_op op = dmx_node_at(p, u->leader)->op;
    if (op == DMX_OP_CONV_TRANSPOSE)
        set_transposed(d, p, u, taps);
    else if (op == DMX_OP_CONV)
        set_conv(d, p, u);
    else
        for (int i = 0; i < 2; i++)
            d->window.kernel[i] = d->window.step[i] = d->window.dilation[i] =
                d->dense.phases[i] = 1;
}

/* Whether an attention consumes the unit's result. */
static bool makes_heads(const dmx_planner *p, const dmx_unit *u)
{
    const dmx_value v = dmx_node_at(p, u->last)->out[0];
    return dmx_use_count(&p->a, v) == 1 &&
           dmx_node_at(p, dmx_last_consumer(&p->a, v))->op == DMX_OP_ATTENTION;
}

static dmx_layers layers_of(const dmx_planner *p, const dmx_unit *u)
{
    const dmx_op op = dmx_node_at(p, u->leader)->op;
    if (op == DMX_OP_CONV_TRANSPOSE)
        return DMX_LAYERS_TRANSPOSED;
    if (op == DMX_OP_CONV)
        return DMX_LAYERS_CONV;
    return makes_heads(p, u) ? DMX_LAYERS_HEADS : DMX_LAYERS_LINEAR;
}

/* Sets the arithmetic: integers only where the product is deep enough for them
 * to be faster. */
static void set_number(dmx_product *d, const dmx_planner *p, dmx_layers layers)
{
    const int64_t lines = d->dense.phases[0] * d->dense.phases[1] *
                          d->dense.channels * (d->dense.glu ? 2 : 1);
    d->dense.chunk = layers == DMX_LAYERS_WINOGRAD ? WINOGRAD_CHUNK : 0;
    d->dense.number = d->dense.k >= LEAST_DEPTH && lines >= LEAST_LINES
                          ? p->e->precision.of[layers]
                          : DMX_FLOAT32;
}

/* Describes everything but the output. */
static dmx_status describe(described *t, dmx_planner *p, const dmx_unit *u,
                           dmx_error *err)
{
    const dmx_node *n = dmx_node_at(p, u->leader);
    dmx_product *d = &t->d;
    d->kind = kind_of(n);
    d->path = n->path;
    d->in = p->buf[input_of(p, u)];
    d->activation = activation_of(p, u->act);
    DMX_FORWARD(dmx_load_weights(&t->l, p, u, err));
    DMX_FORWARD(set_addition(d, p, u, err));
    set_geometry(d, p, u, t->l.taps);
    set_dense(d, &t->l);
    d->flops = flops_of(p, u, &t->l);
    d->normed = u->norm >= 0;
    d->epsilon = d->normed ? dmx_node_at(p, u->norm)->at.epsilon : 0.0;
    d->norm_gain = t->l.norm_gain;
    d->norm_offset = t->l.norm_bias;
    d->scale = t->l.scale;
    set_number(d, p, layers_of(p, u));
    return DMX_OK;
}

/* A sum may overwrite its other term if nothing else reads that: in a decoder,
 * the encoder's output. */
static dmx_status make_output(dmx_buf *out, dmx_planner *p, const dmx_unit *u,
                              dmx_error *err)
{
    const dmx_value sum = dmx_node_at(p, u->last)->out[0];
    if (u->add >= 0 && u->add == u->last && p->buf[u->other] != DMX_NO_BUFFER &&
        input_of(p, u) != u->other && dmx_plan_last_use(p, u->other, u->add)) {
        p->buf[sum] = *out = p->buf[u->other];
        return DMX_OK;
    }
    return dmx_plan_output(out, p, sum, DMX_NO_VALUE, 0, err);
}

/* The longest band gets what its join applies to all parts. */
static dmx_status finish_band(dmx_buf *out, dmx_product *d, dmx_planner *p,
                              dmx_value v, dmx_error *err)
{
    dmx_join_epilogue with;
    DMX_FORWARD(dmx_plan_place(out, &with, p, v, err));
    d->activation = activation_of(p, with.act);
    d->add = with.added;
    if (with.add >= 0) {
        const dmx_node *add = dmx_node_at(p, with.add);
        d->add_gain = add->in[1] == with.other ? (float)add->at.alpha : 1.0f;
    }
    return DMX_OK;
}

static dmx_status make_bands(dmx_product *d, dmx_planner *p, const dmx_unit *u,
                             dmx_error *err)
{
    d->rows = dmx_shape_at(p, dmx_node_at(p, u->leader)->out[0])->dim[1];
    for (; d->n_band < u->n_band; d->n_band++) {
        const dmx_node *crop = dmx_node_at(p, u->band[d->n_band]);
        const dmx_value v = crop->out[0];
        dmx_band *b = &d->band[d->n_band];
        b->from = crop->at.start;
        b->to = b->from + dmx_shape_at(p, v)->dim[1];
        b->plain = d->n_band != u->finished;
        DMX_FORWARD(b->plain
                        ? dmx_plan_output(&b->out, p, v, DMX_NO_VALUE, 0, err)
                        : finish_band(&b->out, d, p, v, err));
        p->buf[v] = b->out;
    }
    d->out = d->band[0].out;
    return DMX_OK;
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
        s->dense.number = t->d.dense.number; /* siblings share its panels */
        t->d.flops += more[i].d.flops;
    }
    return DMX_OK;
}

/* Emits a pair of linear maps, of which `first` feeds `second`. */
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
    DMX_FORWARD(u->n_band > 0 ? make_bands(&t->d, p, u, err)
                              : make_output(&t->d.out, p, u, err));
    DMX_FORWARD(add_siblings(t, more, p, u, err));
    if (u->feeder >= 0) {
        DMX_FORWARD(describe(more, p, &p->unit[u->feeder], err));
        set_number(&t->d, p, DMX_LAYERS_FEED);
        set_number(&more->d, p, DMX_LAYERS_FEED);
        return emit_pair(p, &more->d, &t->d, err);
    }
    if (dmx_winograd_fits(p->e, &t->d)) {
        set_number(&t->d, p, DMX_LAYERS_WINOGRAD);
        return dmx_step_winograd(p->e, &t->d, err);
    }
    return (dmx_two_tap_fits(p->e, &t->d) ? dmx_step_two_tap
                                          : dmx_step_product)(p->e, &t->d, err);
}

dmx_status dmx_emit_product(dmx_planner *p, const dmx_unit *u, dmx_error *err)
{
    described t = {0}, more[DMX_SIBLINGS] = {0};
    const dmx_status status = emit(p, u, &t, more, err);
    dmx_unload_weights(&t.l);
    for (int i = 0; i < DMX_SIBLINGS; i++)
        dmx_unload_weights(&more[i].l);
    if (status != DMX_OK)
        dmx_error_prefix(err, "%s", dmx_node_at(p, u->leader)->path);
    return status;
}
