/* The container: values, nodes, errors, pruning. Builders are elsewhere. */
#include "graph/graph_build.h"

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

/* Appends a value; its element count must stay far below overflow. */
static dmx_value new_value(dmx_graph *g, const char *path, dmx_shape shape)
{
    int64_t count = 1;
    for (int k = 0; k < shape.rank; k++) {
        if (shape.dim[k] <= 0)
            return dmx_graph_fail(g, DMX_ERROR_MODEL,
                                  "%s: a dimension is %lld; the input is too "
                                  "short for this network",
                                  path, (long long)shape.dim[k]);
        if (dmx_mul_overflow(&count, count, shape.dim[k]) ||
            count > DMX_MAX_ELEMENTS)
            return dmx_graph_fail(g, DMX_ERROR_LIMIT,
                                  "%s: a tensor of more than %lld elements; "
                                  "choose a shorter segment",
                                  path, (long long)DMX_MAX_ELEMENTS);
    }
    if (!dmx_grow(&g->value, &g->value_capacity, g->n_value + 1,
                  sizeof *g->value))
        return dmx_graph_fail(g, DMX_ERROR_MEMORY, "no memory for the graph");
    g->value[g->n_value] = (dmx_value_info){shape, (int32_t)g->n_node};
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

dmx_value dmx_graph_finish(dmx_graph *g, dmx_node *node, dmx_shape shape)
{
    if (node == NULL || g->error.code != DMX_OK)
        return DMX_NO_VALUE;
    const dmx_value v = new_value(g, node->path, shape);
    if (v == DMX_NO_VALUE)
        return v;
    node->out[0] = v;
    node->n_out = 1;
    g->n_node++;
    return v;
}

void dmx_graph_finish_pair(dmx_graph *g, dmx_node *node, dmx_value out[2])
{
    out[0] = out[1] = DMX_NO_VALUE;
    if (node == NULL || g->error.code != DMX_OK)
        return;
    for (int i = 0; i < 2; i++) {
        out[i] = new_value(g, node->path, (dmx_shape){0});
        node->out[i] = out[i];
    }
    node->n_out = 2;
    if (out[1] != DMX_NO_VALUE)
        g->n_node++;
}

void dmx_graph_output(dmx_graph *g, dmx_value x)
{
    g->output = x;
}

/* Marks, from the output backwards, the nodes somebody needs. */
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
