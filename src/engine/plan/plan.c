/* Compiles a graph to steps: forms units, then emits them in order. */
#include "engine/plan/planner.h"

#include <stdlib.h>

/* Whether the buffer of x is used by no value but x. */
static bool is_private(const dmx_planner *p, dmx_value x)
{
    return x != p->g->output && !p->shared[x] &&
           p->e->buffer[p->buf[x]].constant == NULL;
}

/* Whether all consumers of v but `last` are emitted, and all of the results
 * that are views of it or the same buffer. */
static bool is_used_up(const dmx_planner *p, dmx_value v, int32_t last)
{
    int32_t count;
    const int32_t *user = dmx_consumers(&p->a, v, &count);
    for (int32_t i = 0; i < count; i++) {
        const dmx_value made = p->g->node[user[i]].out[0];
        if (user[i] == last)
            continue;
        if (!p->emitted[user[i]] ||
            (dmx_program_overlap(p->e, p->buf[made], p->buf[v]) &&
             (made == p->g->output || !is_used_up(p, made, -1))))
            return false;
    }
    return true;
}

bool dmx_plan_last_use(const dmx_planner *p, dmx_value v, int32_t last)
{
    return p->fuse && is_private(p, v) && is_used_up(p, v, last);
}

dmx_status dmx_plan_output(dmx_buf *b, dmx_planner *p, dmx_value out,
                           dmx_value x, int32_t uses_here, dmx_error *err)
{
    DMX_FORWARD(dmx_plan_place(b, NULL, p, out, err));
    if (*b == DMX_NO_BUFFER && x != DMX_NO_VALUE && p->fuse &&
        dmx_use_count(&p->a, x) == uses_here && is_private(p, x))
        *b = p->buf[x];
    if (*b == DMX_NO_BUFFER)
        DMX_FORWARD(dmx_program_buffer(
            b, p->e, dmx_plane_of_shape(&p->g->value[out].shape), err));
    p->buf[out] = *b;
    return DMX_OK;
}

/* A copy of the constant `from` with its tokens in another order. */
static dmx_status order_constant(dmx_buf out, dmx_planner *p, dmx_buf from,
                                 int64_t have, int64_t want, dmx_error *err)
{
    const dmx_buffer *old = &p->e->buffer[from];
    const dmx_plane *plane = &old->plane;
    float *data;
    DMX_FORWARD(dmx_program_floats(&data, p->e, old->floats, err));
    for (int64_t c = 0; c < plane->channels; c++)
        dmx_reorder_tokens(data + c * plane->stride,
                           old->constant + c * plane->stride, have, want,
                           plane->cols);
    p->e->buffer[out].constant = data;
    return DMX_OK;
}

/* A constant is permuted here, once; anything else by a step. */
dmx_status dmx_plan_ordered(dmx_buf *out, dmx_planner *p, dmx_value v,
                            int64_t rows, dmx_error *err)
{
    const dmx_shape *s = &p->g->value[v].shape;
    const int64_t have = dmx_max(dmx_token_rows(&p->a, v), 1);
    const int64_t want = dmx_max(rows, 1);
    const dmx_buf from = p->buf[v];
    *out = from;
    if (s->rank != 2 || have == want)
        return DMX_OK;
    DMX_FORWARD(dmx_program_buffer(out, p->e, dmx_plane_of_shape(s), err));
    if (p->e->buffer[from].constant == NULL)
        return dmx_step_reorder(p->e, "tokens", from, *out, have, want, err);
    return order_constant(*out, p, from, have, want, err);
}

dmx_status dmx_plan_elements(float **out, const dmx_tensor *t, int64_t n,
                             dmx_error *err)
{
    const size_t count = t != NULL ? dmx_tensor_count(t) : 0;
    const size_t room = (size_t)n > count ? (size_t)n : count;
    *out = calloc(room + 1, sizeof **out);
    DMX_RETURN_IF(*out == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for %zu weights", room);
    const dmx_status status =
        t != NULL ? dmx_tensor_read_f32(*out, t, err) : DMX_OK;
    if (status != DMX_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}

static dmx_status open_planner(dmx_planner *p, dmx_error *err)
{
    const size_t values = p->g->n_value + 1, nodes = p->g->n_node + 1;
    p->buf = calloc(values, sizeof *p->buf);
    p->shared = calloc(values, sizeof *p->shared);
    p->unit_of = calloc(nodes, sizeof *p->unit_of);
    p->emitted = calloc(nodes, sizeof *p->emitted);
    p->placed = calloc(values, sizeof *p->placed);
    p->join_of = calloc(nodes, sizeof *p->join_of);
    DMX_RETURN_IF(!dmx_analysis_open(&p->a, p->g) || p->buf == NULL ||
                      p->shared == NULL || p->unit_of == NULL ||
                      p->emitted == NULL || p->placed == NULL ||
                      p->join_of == NULL,
                  err, DMX_ERROR_MEMORY, "no memory to plan %zu operations",
                  p->g->n_node);
    for (size_t i = 0; i < nodes; i++)
        p->unit_of[i] = p->join_of[i] = -1;
    return dmx_plan_match(p, err);
}

static void close_planner(dmx_planner *p)
{
    free(p->buf);
    dmx_analysis_close(&p->a);
    free(p->shared);
    free(p->unit_of);
    free(p->emitted);
    free(p->placed);
    free(p->join_of);
    free(p->join);
    free(p->unit);
}

/* Whether a node has no step of its own: an embedding that is folded into a
 * unit, or a unit's padding or norm. */
static bool folded_constant(const dmx_planner *p, int32_t index)
{
    const dmx_node *n = &p->g->node[index];
    if (n->op != DMX_OP_FREQ_EMBEDDING || dmx_use_count(&p->a, n->out[0]) != 1)
        return false;
    const int32_t id = p->unit_of[dmx_last_consumer(&p->a, n->out[0])];
    return id >= 0 && p->unit[id].other == n->out[0];
}

/* Marks all nodes of a unit except its norm, which other units may share. */
static void mark_emitted(dmx_planner *p, int32_t id)
{
    for (size_t i = 0; i < p->g->n_node; i++)
        p->emitted[i] |=
            p->unit_of[i] == id && p->g->node[i].op != DMX_OP_LAYER_NORM;
}

static dmx_status emit_all(dmx_planner *p, const dmx_hooks *hooks,
                           dmx_error *err)
{
    for (size_t i = 0; i < p->g->n_node; i++) {
        const int32_t index = (int32_t)i, id = p->unit_of[i];
        DMX_FORWARD(
            dmx_progress(hooks, "load", (double)i / (double)p->g->n_node, err));
        if (folded_constant(p, index) || (id >= 0 && p->unit[id].joined) ||
            p->emitted[i])
            continue;
        if (id < 0) {
            DMX_FORWARD(dmx_emit_node(p, index, err));
            p->emitted[i] = true;
        } else if (p->unit[id].last == index) {
            DMX_FORWARD(p->unit[id].dconv
                            ? dmx_emit_dconv(p, &p->unit[id], err)
                            : dmx_emit_product(p, &p->unit[id], err));
            mark_emitted(p, id);
        }
    }
    p->e->output = p->buf[p->g->output];
    return DMX_OK;
}

dmx_status dmx_plan_graph(struct dmx_engine *e, const dmx_graph *g, bool fuse,
                          const dmx_hooks *hooks, dmx_error *err)
{
    dmx_planner p = {.e = e, .g = g, .fuse = fuse};
    dmx_status status = open_planner(&p, err);
    if (status == DMX_OK)
        status = emit_all(&p, hooks, err);
    close_planner(&p);
    if (status == DMX_OK) {
        dmx_plan_chains(e);
        status = dmx_plan_memory(e, err);
    }
    return status;
}
