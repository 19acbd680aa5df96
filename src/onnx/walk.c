#include "onnx/walk.h"
#include "onnx/emit_shape.h"

#include <stdlib.h>
#include <string.h>

static void note_dims(dmx_walk *w)
{
    const size_t each = DMX_VALUE_RANK;
    w->dim = dmx_emitter_alloc(&w->e, w->g->n_value * each, sizeof *w->dim);
    for (size_t v = 0; v < w->g->n_value && w->dim != NULL; v++)
        for (int k = 0; k < w->g->value[v].dims.rank; k++)
            w->dim[v * each + (size_t)k] =
                dmx_extent_of(&w->e, w->g->value[v].dims.dim[k], false);
}

void dmx_walk_open(dmx_walk *w, const dmx_graph *g, int opset,
                   dmx_weight_format weights, dmx_walk_input input)
{
    *w = (dmx_walk){.g = g};
    dmx_emitter_open(&w->e, opset, weights);
    w->e.typical = input.typical > 0 ? input.typical : 1;
    w->e.batch = input.batch > 0 ? input.batch : 1;
    if (g->any_length || input.batch == DMX_ANY)
        dmx_emitter_free(&w->e, input.batch == DMX_ANY);
    note_dims(w);
    w->value = dmx_emitter_alloc(&w->e, g->n_value, sizeof *w->value);
    w->done = dmx_emitter_alloc(&w->e, g->n_node, sizeof *w->done);
    if (!dmx_analysis_open(&w->a, g))
        dmx_emitter_fail(&w->e, DMX_ERROR_MEMORY, "no memory for the graph");
}

void dmx_walk_close(dmx_walk *w)
{
    dmx_emitter_close(&w->e);
    dmx_analysis_close(&w->a);
}

void dmx_walk_run(dmx_walk *w, const dmx_recipe_table *table,
                  const dmx_hooks *hooks)
{
    const dmx_graph *g = w->g;
    w->flat = table->flat;
    for (size_t i = 0; i < g->n_node && !dmx_emitter_failed(&w->e); i++) {
        const dmx_node *n = &g->node[i];
        if (w->done[i])
            continue;
        w->e.path = n->path;
        if (table->recipe[n->op] == NULL)
            dmx_emitter_fail(&w->e, DMX_ERROR_UNSUPPORTED,
                             "%s: no ONNX form of %s is known", n->path,
                             dmx_op_name(n->op));
        else
            table->recipe[n->op](w, n);
        (void)dmx_progress(hooks, "graph", (double)(i + 1) / (double)g->n_node,
                           &w->e.error);
    }
}

const dmx_extent *dmx_walk_dim(const dmx_walk *w, dmx_value v)
{
    return w->dim + (size_t)v * DMX_VALUE_RANK;
}

int64_t dmx_walk_rows(const dmx_walk *w, dmx_value v)
{
    const int64_t rows = w->flat ? 1 : dmx_token_rows(&w->a, v);
    return rows > 1 ? rows : 1;
}

/* The row length for tokens without frequency rows: convolutions are
 * parallelised over rows. */
static int64_t row_length(int64_t length)
{
    int64_t best = 1;
    for (int64_t d = 2; d <= 384; d++)
        if (length % d == 0)
            best = d;
    return best >= 32 ? best : length;
}

size_t dmx_walk_token_shape(dmx_walk *w, dmx_extent length, int64_t rows,
                            int64_t width, dmx_extent dim[4])
{
    const bool free = dmx_extent_is_free(length);
    const int64_t r = rows > 1 ? rows : free ? 1 : length / row_length(length);
    dim[0] = w->e.batch;
    dim[1] = w->flat ? length : r;
    dim[2] = w->flat ? width : dmx_extent_divide(&w->e, length, r);
    dim[3] = width;
    return w->flat ? 3 : 4;
}

/* Reorders a * b tokens from a runs of b to b runs of a: the order `rows`. */
static dmx_name swap_order(dmx_walk *w, dmx_name x, dmx_extent length,
                           dmx_extent a, dmx_extent b, int64_t width,
                           int64_t rows)
{
    dmx_extent dim[4];
    const size_t rank = dmx_walk_token_shape(w, length, rows, width, dim);
    x = dmx_emit_reshape(&w->e, x, DMX_DIMS(w->e.batch, a, b, width));
    x = dmx_emit_transpose(&w->e, x, DMX_DIMS(0, 2, 1, 3));
    return dmx_emit_reshape(&w->e, x, dim, rank);
}

/* Tokens in the order in which they were emitted. */
static dmx_name own_tokens(dmx_walk *w, dmx_value v)
{
    dmx_emitted *x = &w->value[v];
    if (x->name == NULL && x->nchw != NULL)
        x->name = dmx_emit_transpose(&w->e, x->nchw, DMX_DIMS(0, 2, 3, 1));
    return x->name;
}

dmx_name dmx_walk_tokens(dmx_walk *w, dmx_value v, int64_t rows)
{
    const int64_t have = dmx_walk_rows(w, v);
    const dmx_node *producer = &w->g->node[w->g->value[v].producer];
    const dmx_extent *dim = dmx_walk_dim(w, v);
    if (dmx_emitter_failed(&w->e))
        return "";
    dmx_name name = own_tokens(w, v);
    if (name == NULL)
        return dmx_emit_position(w, producer, 1.0, rows);
    if (have == rows)
        return name;
    if (have != 1)
        name = swap_order(w, name, dim[0], have,
                          dmx_extent_divide(&w->e, dim[0], have), dim[1], 1);
    return rows == 1 ? name
                     : swap_order(w, name, dim[0],
                                  dmx_extent_divide(&w->e, dim[0], rows), rows,
                                  dim[1], rows);
}

dmx_name dmx_walk_nchw(dmx_walk *w, dmx_value v)
{
    dmx_emitted *x = &w->value[v];
    if (dmx_emitter_failed(&w->e))
        return "";
    if (x->nchw == NULL)
        x->nchw = dmx_emit_transpose(&w->e,
                                     dmx_walk_tokens(w, v, dmx_walk_rows(w, v)),
                                     DMX_DIMS(0, 3, 1, 2));
    return x->nchw;
}

bool dmx_walk_is_nchw(const dmx_walk *w, dmx_value v)
{
    return w->value[v].name == NULL && w->value[v].nchw != NULL;
}

dmx_name dmx_walk_in(dmx_walk *w, const dmx_node *n, int i)
{
    const dmx_emitted *x = &w->value[n->in[i]];
    if (dmx_emitter_failed(&w->e))
        return "";
    return x->name != NULL
               ? x->name
               : dmx_walk_tokens(w, n->in[i], dmx_walk_rows(w, n->in[i]));
}

void dmx_walk_skip(dmx_walk *w, const dmx_node *n)
{
    if (w->done != NULL)
        w->done[n - w->g->node] = true;
}

void dmx_walk_set(dmx_walk *w, const dmx_node *n, dmx_name name)
{
    if (dmx_emitter_failed(&w->e))
        return;
    w->value[n->out[0]].name = name;
    dmx_walk_skip(w, n);
}

void dmx_walk_set_nchw(dmx_walk *w, const dmx_node *n, dmx_name name)
{
    if (dmx_emitter_failed(&w->e))
        return;
    w->value[n->out[0]].nchw = name;
    dmx_walk_skip(w, n);
}
