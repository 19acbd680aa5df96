/* Groups nodes of the graph into units. */
#include "engine/plan/planner.h"

static int32_t next_of(const dmx_planner *p, int32_t i)
{
    return dmx_next_node(&p->a, i);
}

static bool next_is(const dmx_planner *p, int32_t i, dmx_op op)
{
    const int32_t next = next_of(p, i);
    return next >= 0 && dmx_node_at(p, next)->op == op && p->unit_of[next] < 0;
}

static bool same_shape(const dmx_planner *p, dmx_value a, dmx_value b)
{
    return dmx_shape_same(dmx_shape_at(p, a), dmx_shape_at(p, b));
}

static int32_t producer(const dmx_planner *p, dmx_value v)
{
    return p->g->value[v].producer;
}

/* ---- what follows a product --------------------------------------------- */

static bool is_activation(const dmx_planner *p, int32_t i, dmx_op leader)
{
    if (i < 0 || p->unit_of[i] >= 0)
        return false;
    const dmx_op op = dmx_node_at(p, i)->op;
    return op == DMX_OP_GELU || op == DMX_OP_RELU ||
           (op == DMX_OP_GLU && leader != DMX_OP_CONV_TRANSPOSE);
}

/* The other term of an addition that can be fused into a product; -1: none. */
static dmx_value fusible_term(const dmx_planner *p, int32_t add, dmx_value mine)
{
    const dmx_node *n = dmx_node_at(p, add);
    const bool first = n->in[0] == mine;
    const dmx_value other = n->in[first ? 1 : 0];
    if (other == mine)
        return DMX_NO_VALUE;
    const int32_t maker = producer(p, other);
    if (first && dmx_node_at(p, maker)->op == DMX_OP_FREQ_EMBEDDING &&
        dmx_shape_at(p, other)->dim[0] == dmx_shape_at(p, mine)->dim[0] &&
        dmx_shape_at(p, other)->dim[1] == dmx_shape_at(p, mine)->dim[1])
        return other;
    if (!same_shape(p, mine, other) || (!first && n->at.alpha != 1.0))
        return DMX_NO_VALUE;
    if (dmx_shape_at(p, mine)->rank == 2 &&
        dmx_token_rows(&p->a, mine) != dmx_token_rows(&p->a, other))
        return DMX_NO_VALUE;
    return other;
}

static void follow_crops(const dmx_planner *p, dmx_unit *u)
{
    while (next_is(p, u->last, DMX_OP_CROP)) {
        const int32_t next = next_of(p, u->last);
        const int axis = dmx_node_at(p, next)->at.axis;
        if (axis == 0 || u->crop[axis - 1] >= 0)
            return;
        u->crop[axis - 1] = next;
        u->last = next;
    }
}

static void follow(const dmx_planner *p, dmx_unit *u)
{
    const dmx_op op = dmx_node_at(p, u->leader)->op;
    if (op == DMX_OP_CONV_TRANSPOSE)
        follow_crops(p, u);
    if (is_activation(p, next_of(p, u->last), op))
        u->act = u->last = next_of(p, u->last);
    if (next_is(p, u->last, DMX_OP_SCALE))
        u->scale = u->last = next_of(p, u->last);
    if (!next_is(p, u->last, DMX_OP_ADD))
        return;
    const int32_t add = next_of(p, u->last);
    u->other = fusible_term(p, add, dmx_node_at(p, u->last)->out[0]);
    if (u->other != DMX_NO_VALUE)
        u->add = u->last = add;
}

/* ---- what goes before it ------------------------------------------------- */

static void precede(const dmx_planner *p, dmx_unit *u)
{
    const dmx_node *n = dmx_node_at(p, u->leader);
    const int32_t before = producer(p, n->in[0]);
    const dmx_node *m = dmx_node_at(p, before);
    if (n->op == DMX_OP_LINEAR && m->op == DMX_OP_LAYER_NORM &&
        dmx_only_consumers(&p->a, n->in[0], DMX_OP_LINEAR))
        u->norm = before;
    if (n->op == DMX_OP_CONV && m->op == DMX_OP_PAD && m->at.axis > 0 &&
        dmx_sole_consumer(&p->a, n->in[0]) >= 0)
        u->pad = before;
}

/* ---- residual branches --------------------------------------------------- */

static bool match_dconv(const dmx_planner *p, dmx_unit *u)
{
    dmx_residual_branch b;
    if (!dmx_match_residual_branch(&b, &p->a, u->leader))
        return false;
    u->norm1 = b.norm1;
    u->conv2 = b.conv2;
    u->norm2 = b.norm2;
    u->scale = b.scale;
    u->add = u->last = b.add;
    u->other = b.x;
    u->dconv = true;
    return true;
}

/* ---- all of it ----------------------------------------------------------- */

static dmx_unit new_unit(int32_t leader)
{
    return (dmx_unit){.leader = leader,
                      .last = leader,
                      .pad = -1,
                      .norm = -1,
                      .crop = {-1, -1},
                      .act = -1,
                      .scale = -1,
                      .add = -1,
                      .other = DMX_NO_VALUE,
                      .norm1 = -1,
                      .conv2 = -1,
                      .norm2 = -1,
                      .feeder = -1,
                      .finished = -1};
}

/* Assigns every node from the leader to the last to the unit. */
static void assign_nodes(dmx_planner *p, const dmx_unit *u)
{
    const int32_t id = (int32_t)p->n_unit - 1;
    for (int32_t i = u->leader; i >= 0; i = next_of(p, i)) {
        p->unit_of[i] = id;
        if (i == u->last)
            break;
    }
    if (u->pad >= 0)
        p->unit_of[u->pad] = id;
    if (u->norm >= 0)
        p->unit_of[u->norm] = id;
}

/* ---- units that share a step --------------------------------------------- */

/* Whether the unit is a linear map that does not share its step yet. */
static bool is_linear(const dmx_planner *p, const dmx_unit *u)
{
    return dmx_node_at(p, u->leader)->op == DMX_OP_LINEAR && !u->joined &&
           u->feeder < 0 && u->n_sibling == 0;
}

static bool has_no_epilogue(const dmx_unit *u)
{
    return u->scale < 0 && u->add < 0;
}

/* Finds the unit whose result is this one's only input. */
static void match_feeder(const dmx_planner *p, dmx_unit *u)
{
    const dmx_value v = dmx_node_at(p, u->leader)->in[0];
    const int32_t maker = producer(p, v);
    const int32_t id = p->unit_of[maker];
    if (!is_linear(p, u) || u->norm >= 0 || id < 0 ||
        dmx_sole_consumer(&p->a, v) < 0)
        return;
    dmx_unit *first = &p->unit[id];
    if (first->last != maker || !is_linear(p, first) || !has_no_epilogue(first))
        return;
    first->joined = true;
    u->feeder = id;
}

static void match_siblings(const dmx_planner *p, dmx_unit *u)
{
    if (!is_linear(p, u) || !has_no_epilogue(u) || u->act >= 0)
        return;
    const dmx_value v = dmx_node_at(p, u->leader)->in[0];
    for (size_t i = 0; i < p->n_unit && u->n_sibling < DMX_SIBLINGS; i++) {
        dmx_unit *other = &p->unit[i];
        if (other == u || !is_linear(p, other) || !has_no_epilogue(other) ||
            other->act >= 0 || other->leader < u->leader ||
            dmx_node_at(p, other->leader)->in[0] != v)
            continue;
        other->joined = true;
        u->sibling[u->n_sibling++] = (int32_t)i;
    }
}

static void match_shared(const dmx_planner *p)
{
    for (size_t i = 0; i < p->n_unit; i++)
        match_feeder(p, &p->unit[i]);
    for (size_t i = 0; i < p->n_unit; i++)
        match_siblings(p, &p->unit[i]);
}

dmx_status dmx_plan_match(dmx_planner *p, dmx_error *err)
{
    for (size_t i = 0; i < p->g->n_node; i++) {
        const dmx_op op = p->g->node[i].op;
        if (p->unit_of[i] >= 0 ||
            (op != DMX_OP_CONV && op != DMX_OP_CONV_TRANSPOSE &&
             op != DMX_OP_LINEAR))
            continue;
        dmx_unit u = new_unit((int32_t)i);
        if (p->fuse && !match_dconv(p, &u)) {
            u = new_unit((int32_t)i);
            precede(p, &u);
            follow(p, &u);
        }
        DMX_RETURN_IF(!dmx_grow(&p->unit, &p->unit_capacity, p->n_unit + 1,
                                sizeof *p->unit),
                      err, DMX_ERROR_MEMORY, "out of memory while planning");
        p->unit[p->n_unit++] = u;
        assign_nodes(p, &u);
    }
    if (!p->fuse)
        return DMX_OK;
    match_shared(p);
    return p->e->limits.copies ? DMX_OK : dmx_plan_rows(p, err);
}
