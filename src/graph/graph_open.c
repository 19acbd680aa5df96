/* The container: values, nodes, errors, pruning. Builders are elsewhere. */
#include "graph/builders.h"
#include "graph/rules.h"

#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A network has a few hundred nodes; a hostile one must not have millions. */
#define MAX_NODES  ((size_t)20000)
#define MAX_MEMORY ((size_t)256 << 20)

dmx_graph *dmx_graph_open(void)
{
    dmx_graph *g = calloc(1, sizeof *g);
    if (g != NULL) {
        g->input = g->output = DMX_NO_VALUE;
        g->error.offset = -1;
        g->arena.limit = MAX_MEMORY;
    }
    return g;
}

void dmx_graph_close(dmx_graph *g)
{
    if (g == NULL)
        return;
    dmx_arena_free(&g->arena);
    free(g->node);
    free(g->value);
    free(g);
}

dmx_status dmx_graph_status(const dmx_graph *g, dmx_error *err)
{
    DMX_RETURN_IF(g->error.code != DMX_OK, err, g->error.code, "%s",
                  g->error.message);
    return DMX_OK;
}

dmx_value dmx_graph_fail(dmx_graph *g, dmx_status code, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    dmx_vformat(text, sizeof text, fmt, args);
    va_end(args);
    (void)dmx_fail(&g->error, code, "%s", text);
    return DMX_NO_VALUE;
}

dmx_value dmx_graph_misfit(dmx_graph *g, const char *path, const char *what)
{
    return dmx_graph_fail(g, DMX_ERROR_MODEL, "%s: %s", path, what);
}

dmx_shape dmx_graph_shape(const dmx_graph *g, dmx_value v)
{
    if (v < 0 || (size_t)v >= g->n_value)
        return (dmx_shape){0};
    return g->value[v].shape;
}

dmx_dims dmx_graph_dims(const dmx_graph *g, dmx_value v)
{
    return v >= 0 && (size_t)v < g->n_value ? g->value[v].dims : (dmx_dims){0};
}

dmx_length dmx_graph_length(const dmx_graph *g, dmx_value v, int axis)
{
    const dmx_dims d = dmx_graph_dims(g, v);
    return axis >= 0 && axis < d.rank ? d.dim[axis] : dmx_length_fixed(0);
}

dmx_status dmx_graph_complete(const dmx_graph *g, dmx_error *err)
{
    DMX_FORWARD(dmx_graph_status(g, err));
    DMX_RETURN_IF(g->input < 0 || (size_t)g->input >= g->n_value, err,
                  DMX_ERROR_MODEL, "the graph has no input");
    DMX_RETURN_IF(g->output < 0 || (size_t)g->output >= g->n_value, err,
                  DMX_ERROR_MODEL, "the graph has no output");
    return DMX_OK;
}

dmx_status dmx_graph_ready(const dmx_graph *g, dmx_error *err)
{
    DMX_FORWARD(dmx_graph_complete(g, err));
    DMX_RETURN_IF(g->any_length, err, DMX_ERROR_ARGUMENT,
                  "the graph is of any length; one length is wanted");
    return DMX_OK;
}

bool dmx_shape_same(const dmx_shape *a, const dmx_shape *b)
{
    bool same = a->rank == b->rank;
    for (int k = 0; same && k < a->rank; k++)
        same = a->dim[k] == b->dim[k];
    return same;
}

int64_t dmx_shape_count(const dmx_shape *s)
{
    int64_t n = 1;
    for (int k = 0; k < s->rank; k++)
        n *= s->dim[k];
    return n;
}

const dmx_tensor *dmx_graph_tensor(dmx_graph *g, dmx_tensor t)
{
    dmx_tensor *copy = dmx_arena_alloc(&g->arena, 1, sizeof *copy);
    if (copy == NULL)
        dmx_graph_fail(g, DMX_ERROR_MEMORY, "no memory for the graph");
    else
        *copy = t;
    return copy;
}

const char *dmx_graph_path(dmx_graph *g, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    dmx_vformat(text, sizeof text, fmt, args);
    va_end(args);
    const char *copy = dmx_arena_strndup(&g->arena, text, strlen(text));
    if (copy == NULL)
        dmx_graph_fail(g, DMX_ERROR_MEMORY, "no memory for the graph");
    return copy != NULL ? copy : "";
}

/* Checks the dimensions of a value and sets its shape. The element count must
 * stay far below overflow. */
static bool take_dims(dmx_graph *g, const char *path, dmx_value_info *info)
{
    int64_t count = 1;
    info->shape.rank = info->dims.rank;
    for (int k = 0; k < info->dims.rank; k++) {
        const dmx_length d = info->dims.dim[k];
        info->shape.dim[k] = dmx_number(d);
        if (!dmx_length_is_fixed(d))
            continue;
        if (d.plus <= 0)
            dmx_graph_fail(g, DMX_ERROR_MODEL,
                           "%s: a dimension is %lld; the input is too short "
                           "for this network",
                           path, (long long)d.plus);
        else if (dmx_mul_overflow(&count, count, d.plus) ||
                 count > DMX_MAX_ELEMENTS)
            dmx_graph_fail(g, DMX_ERROR_LIMIT,
                           "%s: a tensor of more than %lld elements; choose a "
                           "shorter segment",
                           path, (long long)DMX_MAX_ELEMENTS);
        if (g->error.code != DMX_OK)
            return false;
    }
    return true;
}

static dmx_value new_value(dmx_graph *g, const char *path, dmx_dims dims)
{
    dmx_value_info info = {.dims = dims, .producer = (int32_t)g->n_node};
    if (!take_dims(g, path, &info))
        return DMX_NO_VALUE;
    if (!dmx_grow(&g->value, &g->value_capacity, g->n_value + 1,
                  sizeof *g->value))
        return dmx_graph_fail(g, DMX_ERROR_MEMORY, "no memory for the graph");
    g->value[g->n_value] = info;
    return (dmx_value)g->n_value++;
}

dmx_node *dmx_graph_append(dmx_graph *g, dmx_op op, const char *path,
                           const dmx_value *in, int n_in)
{
    if (g->error.code != DMX_OK)
        return NULL;
    for (int i = 0; i < n_in; i++)
        if (in[i] < 0 || (size_t)in[i] >= g->n_value) {
            dmx_graph_fail(g, DMX_ERROR_ARGUMENT, "%s: no such input", path);
            return NULL;
        }
    dmx_value *copy = dmx_arena_alloc(&g->arena, (size_t)n_in, sizeof *copy);
    if (copy == NULL || g->n_node >= MAX_NODES ||
        !dmx_grow(&g->node, &g->node_capacity, g->n_node + 1,
                  sizeof *g->node)) {
        dmx_graph_fail(g, DMX_ERROR_LIMIT, "%s: the graph is too large", path);
        return NULL;
    }
    if (n_in > 0)
        memcpy(copy, in, (size_t)n_in * sizeof *copy);
    dmx_node *node = &g->node[g->n_node];
    *node = (dmx_node){.op = op, .n_in = n_in, .in = copy};
    node->path = dmx_graph_path(g, "%s", path);
    node->out[0] = node->out[1] = DMX_NO_VALUE;
    return node;
}

void dmx_graph_operands(dmx_graph *g, dmx_node *node,
                        const dmx_tensor *const *list, int count)
{
    const dmx_tensor **copy =
        dmx_arena_alloc(&g->arena, (size_t)count + 1, sizeof *copy);
    if (copy == NULL) {
        dmx_graph_fail(g, DMX_ERROR_MEMORY, "no memory for the graph");
        return;
    }
    memcpy(copy, list, (size_t)count * sizeof *copy);
    node->operand = copy;
    node->n_operand = count;
}

/* Infers the dimensions of a node's results by its operation's rule; false
 * after an error. */
static bool infer(dmx_graph *g, dmx_node *node, dmx_dims out[2])
{
    const dmx_operation *op = dmx_operation_of(node->op);
    dmx_dims few[4], *in = few;
    if (node->n_in < op->least_inputs || node->n_in > op->most_inputs ||
        !dmx_operand_count_fits(node->op, node->n_operand)) {
        dmx_graph_misfit(g, node->path, "a wrong number of inputs or weights");
        return false;
    }
    if ((size_t)node->n_in > sizeof few / sizeof few[0])
        in = calloc((size_t)node->n_in, sizeof *in);
    if (in == NULL) {
        dmx_graph_fail(g, DMX_ERROR_MEMORY, "no memory for the graph");
        return false;
    }
    for (int i = 0; i < node->n_in; i++)
        in[i] = g->value[node->in[i]].dims;
    const char *problem = dmx_rule_of(node->op)(out, in, node);
    if (in != few)
        free(in);
    if (problem == dmx_no_rule)
        dmx_graph_fail(g, DMX_ERROR_UNSUPPORTED, "%s: %s", node->path, problem);
    else if (problem != NULL)
        dmx_graph_misfit(g, node->path, problem);
    return problem == NULL;
}

dmx_value dmx_graph_finish(dmx_graph *g, dmx_node *node)
{
    dmx_dims out[2] = {{0}, {0}};
    if (node == NULL || g->error.code != DMX_OK || !infer(g, node, out))
        return DMX_NO_VALUE;
    const size_t before = g->n_value;
    const int outputs = dmx_operation_of(node->op)->outputs;
    for (int i = 0; i < outputs; i++) {
        node->out[i] = new_value(g, node->path, out[i]);
        if (node->out[i] == DMX_NO_VALUE) {
            g->n_value = before;
            return DMX_NO_VALUE;
        }
    }
    node->n_out = outputs;
    g->n_node++;
    return node->out[0];
}

void dmx_graph_output(dmx_graph *g, dmx_value x)
{
    g->output = x;
}

/* Marks, from the output backwards, the nodes that are used. */
static void mark_used(const dmx_graph *g, unsigned char *used)
{
    used[g->value[g->output].producer] = 1;
    used[g->value[g->input].producer] = 1;
    for (size_t i = g->n_node; i-- > 0;) {
        const dmx_node *node = &g->node[i];
        for (int k = 0; used[i] && k < node->n_in; k++)
            used[g->value[node->in[k]].producer] = 1;
    }
}

static void compact(dmx_graph *g, const unsigned char *used, dmx_value *map)
{
    size_t nodes = 0, values = 0;
    for (size_t i = 0; i < g->n_node; i++) {
        if (!used[i])
            continue;
        dmx_node node = g->node[i];
        dmx_value *in;
        memcpy(&in, &node.in, sizeof in); /* our own arena memory */
        for (int k = 0; k < node.n_in; k++)
            in[k] = map[in[k]];
        for (int k = 0; k < node.n_out; k++) {
            map[node.out[k]] = (dmx_value)values;
            g->value[values] = g->value[node.out[k]];
            g->value[values].producer = (int32_t)nodes;
            node.out[k] = (dmx_value)values++;
        }
        g->node[nodes++] = node;
    }
    g->n_node = nodes;
    g->n_value = values;
    g->input = map[g->input];
    g->output = map[g->output];
}

void dmx_graph_prune(dmx_graph *g)
{
    if (g->error.code != DMX_OK || g->output < 0 || g->input < 0)
        return;
    unsigned char *used = calloc(g->n_node, 1);
    dmx_value *map = calloc(g->n_value, sizeof *map);
    if (used == NULL || map == NULL) {
        dmx_graph_fail(g, DMX_ERROR_MEMORY, "no memory for the graph");
    } else {
        mark_used(g, used);
        compact(g, used, map);
    }
    free(used);
    free(map);
}
