/* Rows of signals without copies. A crop of rows is a view. The parts of a
 * concatenation along rows are written where they belong in its result, and
 * what follows on the result alone is applied to each part. A transposed
 * convolution that only crops consume writes each of them on its own. */
#include "engine/plan/planner.h"

static int64_t rows_of(const dmx_planner *p, dmx_value v)
{
    return dmx_shape_at(p, v)->dim[1];
}

/* ---- joins -------------------------------------------------------------- */

/* The node that alone consumes the result of node i and has a step of its own,
 * or -1. */
static int32_t next_free(const dmx_planner *p, int32_t i)
{
    const int32_t next = dmx_next_node(&p->a, i);
    return next >= 0 && p->unit_of[next] < 0 ? next : -1;
}

static bool is_pointwise(dmx_op op)
{
    return op == DMX_OP_GELU || op == DMX_OP_RELU;
}

/* The other term of an addition to all of `mine`, or none. */
static dmx_value term_of(const dmx_planner *p, int32_t add, dmx_value mine)
{
    const dmx_node *n = dmx_node_at(p, add);
    if (n->op != DMX_OP_ADD)
        return DMX_NO_VALUE;
    const bool first = n->in[0] == mine;
    const dmx_value other = n->in[first ? 1 : 0];
    return other != mine &&
                   dmx_shape_same(dmx_shape_at(p, other),
                                  dmx_shape_at(p, mine)) &&
                   (first || n->at.alpha == 1.0)
               ? other
               : DMX_NO_VALUE;
}

static dmx_join join_at(const dmx_planner *p, int32_t concat)
{
    dmx_join j = {
        .concat = concat, .act = -1, .add = -1, .other = DMX_NO_VALUE};
    int32_t last = concat, next = next_free(p, last);
    if (next >= 0 && is_pointwise(dmx_node_at(p, next)->op)) {
        j.act = last = next;
        next = next_free(p, last);
    }
    if (next >= 0)
        j.other = term_of(p, next, dmx_node_at(p, last)->out[0]);
    if (j.other != DMX_NO_VALUE)
        j.add = next;
    return j;
}

static dmx_status find_joins(dmx_planner *p, dmx_error *err)
{
    for (size_t i = 0; i < p->g->n_node; i++) {
        const dmx_node *n = &p->g->node[i];
        if (n->op != DMX_OP_CONCAT || n->at.axis != 1 ||
            dmx_shape_at(p, n->out[0])->rank != 3)
            continue;
        const dmx_join j = join_at(p, (int32_t)i);
        DMX_RETURN_IF(!dmx_grow(&p->join, &p->join_capacity, p->n_join + 1,
                                sizeof *p->join),
                      err, DMX_ERROR_MEMORY, "out of memory while planning");
        p->join_of[i] = (int32_t)p->n_join;
        if (j.act >= 0)
            p->join_of[j.act] = (int32_t)p->n_join;
        if (j.add >= 0)
            p->join_of[j.add] = (int32_t)p->n_join;
        p->join[p->n_join++] = j;
    }
    return DMX_OK;
}

/* The join of which v is a part, and nothing else; or NULL. */
static dmx_join *join_of(const dmx_planner *p, dmx_value v)
{
    const int32_t user = dmx_sole_consumer(&p->a, v);
    if (user < 0 || p->join_of[user] < 0)
        return NULL;
    dmx_join *j = &p->join[p->join_of[user]];
    return j->concat == user ? j : NULL;
}

static bool has_epilogue(const dmx_join *j)
{
    return j->act >= 0 || j->add >= 0;
}

/* Chooses the buffer of the result: the sum may overwrite its other term. A
 * term that does not exist yet is added by a step of its own. */
static dmx_status open_join(dmx_join *j, dmx_planner *p, dmx_error *err)
{
    if (j->out != DMX_NO_BUFFER)
        return DMX_OK;
    if (j->add >= 0 && p->buf[j->other] == DMX_NO_BUFFER) {
        p->join_of[j->add] = -1;
        j->add = -1;
    }
    if (j->add >= 0) {
        j->added = p->buf[j->other];
        if (dmx_plan_last_use(p, j->other, j->add)) {
            j->out = j->added;
            return DMX_OK;
        }
    }
    const dmx_value v = dmx_node_at(p, j->concat)->out[0];
    return dmx_program_buffer(&j->out, p->e,
                              dmx_plane_of_shape(dmx_shape_at(p, v)), err);
}

/* The place of rows [at, at + rows) in the result, and of those of the term to
 * add, if there is one. */
static dmx_status view_part(dmx_buf *out, dmx_buf *added, dmx_planner *p,
                            const dmx_join *j, int64_t at, int64_t rows,
                            dmx_error *err)
{
    *added = DMX_NO_BUFFER;
    DMX_FORWARD(dmx_program_view(out, p->e, j->out, at, rows, err));
    if (j->add < 0)
        return DMX_OK;
    *added = *out;
    if (j->added == j->out)
        return DMX_OK;
    return dmx_program_view(added, p->e, j->added, at, rows, err);
}

static int64_t row_in(const dmx_planner *p, const dmx_node *concat, dmx_value v)
{
    int64_t at = 0;
    for (int i = 0; i < concat->n_in && concat->in[i] != v; i++)
        at += rows_of(p, concat->in[i]);
    return at;
}

dmx_status dmx_plan_place(dmx_buf *out, dmx_join_epilogue *with, dmx_planner *p,
                          dmx_value v, dmx_error *err)
{
    dmx_join *j = join_of(p, v);
    dmx_buf added;
    *out = DMX_NO_BUFFER;
    if (j == NULL || (with == NULL && has_epilogue(j)))
        return DMX_OK;
    DMX_FORWARD(open_join(j, p, err));
    DMX_FORWARD(view_part(out, &added, p, j,
                          row_in(p, dmx_node_at(p, j->concat), v),
                          rows_of(p, v), err));
    p->placed[v] = true;
    if (with != NULL)
        *with = (dmx_join_epilogue){j->act, j->add, j->other, added};
    return DMX_OK;
}

/* ---- emitting ----------------------------------------------------------- */

dmx_status dmx_emit_crop_rows(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    const dmx_value v = n->out[0];
    p->shared[v] = true;
    return dmx_program_view(&p->buf[v], p->e, p->buf[n->in[0]], n->at.start,
                            rows_of(p, v), err);
}

static dmx_status activate(dmx_buf *from, dmx_planner *p, const dmx_join *j,
                           dmx_buf to, dmx_error *err)
{
    const dmx_node *n = dmx_node_at(p, j->act);
    const dmx_buf x = *from;
    if (j->add >= 0)
        DMX_FORWARD(dmx_program_buffer(&to, p->e, p->e->buffer[x].plane, err));
    *from = to;
    return dmx_step_activation(p->e, n->path, dmx_activation_of(n->op), x, to,
                               err);
}

/* A part that was not written in its place. */
static dmx_status add_part(dmx_planner *p, const dmx_join *j, dmx_value v,
                           int64_t at, dmx_error *err)
{
    dmx_buf from = p->buf[v], to, added;
    DMX_FORWARD(view_part(&to, &added, p, j, at, rows_of(p, v), err));
    if (j->act >= 0)
        DMX_FORWARD(activate(&from, p, j, to, err));
    if (j->add >= 0) {
        const dmx_node *n = dmx_node_at(p, j->add);
        const double alpha = n->in[1] == j->other ? n->at.alpha : 1.0;
        return dmx_step_add(p->e, n->path, from, added, to, (float)alpha, err);
    }
    if (j->act >= 0)
        return DMX_OK;
    const int64_t none[3] = {0, 0, 0};
    return dmx_step_shift(p->e, dmx_op_name(DMX_OP_CONCAT),
                          dmx_node_at(p, j->concat)->path, from, to, none,
                          false, err);
}

dmx_status dmx_emit_join(dmx_planner *p, const dmx_node *n, dmx_error *err)
{
    dmx_join *j = &p->join[p->join_of[n - p->g->node]];
    int64_t at = 0;
    DMX_FORWARD(open_join(j, p, err));
    for (int i = 0; i < n->n_in; i++) {
        if (!p->placed[n->in[i]])
            DMX_FORWARD(add_part(p, j, n->in[i], at, err));
        at += rows_of(p, n->in[i]);
    }
    const int32_t all[] = {j->concat, j->act, j->add};
    for (int i = 0; i < 3; i++)
        if (all[i] >= 0) {
            p->buf[dmx_node_at(p, all[i])->out[0]] = j->out;
            p->emitted[all[i]] = true;
        }
    return DMX_OK;
}

/* ---- bands -------------------------------------------------------------- */

static bool is_band(const dmx_planner *p, const dmx_unit *u, int32_t crop)
{
    const dmx_node *n = dmx_node_at(p, crop);
    if (n->op != DMX_OP_CROP || n->at.axis != 1 || p->unit_of[crop] >= 0)
        return false;
    const int64_t to = n->at.start + rows_of(p, n->out[0]);
    for (int i = 0; i < u->n_band; i++) {
        const dmx_node *m = dmx_node_at(p, u->band[i]);
        if (n->at.start < m->at.start + rows_of(p, m->out[0]) &&
            m->at.start < to)
            return false;
    }
    return true;
}

/* The longest band on which a join's operations can be done at once. */
static int finished_band(const dmx_planner *p, const dmx_unit *u)
{
    int best = -1;
    int64_t most = 0;
    for (int i = 0; i < u->n_band; i++) {
        const dmx_value v = dmx_node_at(p, u->band[i])->out[0];
        const dmx_join *j = join_of(p, v);
        if (j == NULL || !has_epilogue(j) || rows_of(p, v) <= most)
            continue;
        best = i;
        most = rows_of(p, v);
    }
    return best;
}

static void find_bands(dmx_planner *p, int32_t id)
{
    dmx_unit *u = &p->unit[id];
    const dmx_node *n = dmx_node_at(p, u->leader);
    const dmx_value v = n->out[0];
    int32_t count;
    const int32_t *user = dmx_consumers(&p->a, v, &count);
    if (n->op != DMX_OP_CONV_TRANSPOSE || u->last != u->leader || count < 2 ||
        count > DMX_STEP_OUT || v == p->g->output ||
        dmx_shape_at(p, v)->rank != 3)
        return;
    for (int32_t i = 0; i < count && is_band(p, u, user[i]); i++)
        u->band[u->n_band++] = user[i];
    if (u->n_band < count) {
        u->n_band = 0;
        return;
    }
    for (int i = 0; i < u->n_band; i++)
        p->unit_of[u->band[i]] = id;
    u->finished = finished_band(p, u);
}

dmx_status dmx_plan_rows(dmx_planner *p, dmx_error *err)
{
    DMX_FORWARD(find_joins(p, err));
    for (size_t i = 0; i < p->n_unit; i++)
        find_bands(p, (int32_t)i);
    return DMX_OK;
}
