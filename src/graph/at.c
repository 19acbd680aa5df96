/* Specialises a graph of any length to one length. */
#include "graph/rules.h"

#include <stdlib.h>

static dmx_length at_length(dmx_length a, int64_t samples)
{
    return dmx_length_fixed(dmx_length_at(a, samples));
}

static dmx_dims at_dims(const dmx_dims *d, int64_t samples)
{
    dmx_dims out = {.rank = d->rank};
    for (int k = 0; k < d->rank; k++)
        out.dim[k] = at_length(d->dim[k], samples);
    return out;
}

dmx_shape dmx_graph_shape_at(const dmx_graph *g, dmx_value v, int64_t samples)
{
    const dmx_dims d = dmx_graph_dims(g, v);
    dmx_shape s = {.rank = d.rank};
    for (int k = 0; k < d.rank; k++)
        s.dim[k] = dmx_length_at(d.dim[k], samples);
    return s;
}

/* Whether a padding adds nothing, since the signal has that length already. */
static bool pads_nothing(const dmx_graph *g, const dmx_node *n, int64_t samples)
{
    if (n->op != DMX_OP_PAD || n->at.fit == DMX_FIT_GIVEN)
        return false;
    const dmx_shape in = dmx_graph_shape_at(g, n->in[0], samples);
    return in.dim[n->at.axis] == dmx_length_at(n->at.extent, samples);
}

static void copy_node(dmx_graph *to, const dmx_graph *g, const dmx_node *n,
                      int64_t samples, dmx_value *map, dmx_value *in)
{
    for (int k = 0; k < n->n_in; k++)
        in[k] = map[n->in[k]];
    if (pads_nothing(g, n, samples)) {
        map[n->out[0]] = in[0];
        return;
    }
    dmx_node *node = dmx_graph_append(to, n->op, n->path, in, n->n_in);
    if (node == NULL)
        return;
    node->operand = n->operand;
    node->n_operand = n->n_operand;
    node->at = n->at;
    node->at.extent = at_length(n->at.extent, samples);
    node->at.dims = at_dims(&n->at.dims, samples);
    if (dmx_graph_finish(to, node) == DMX_NO_VALUE)
        return;
    for (int k = 0; k < n->n_out; k++)
        map[n->out[k]] = node->out[k];
}

/* The largest number of inputs of any node. */
static size_t max_inputs(const dmx_graph *g)
{
    int most = 1;
    for (size_t i = 0; i < g->n_node; i++)
        if (g->node[i].n_in > most)
            most = g->node[i].n_in;
    return (size_t)most;
}

static dmx_status copy_graph(dmx_graph *to, const dmx_graph *g, int64_t samples,
                             dmx_error *err)
{
    dmx_value *map = calloc(g->n_value, sizeof *map);
    dmx_value *in = calloc(max_inputs(g), sizeof *in);
    const bool ready = map != NULL && in != NULL;
    for (size_t i = 0; ready && i < g->n_node; i++)
        copy_node(to, g, &g->node[i], samples, map, in);
    if (ready) {
        to->input = map[g->input];
        to->output = map[g->output];
    }
    free(map);
    free(in);
    DMX_RETURN_IF(!ready, err, DMX_ERROR_MEMORY, "no memory for the graph");
    return dmx_graph_status(to, err);
}

dmx_status dmx_graph_at(dmx_graph **out, const dmx_graph *g, int64_t samples,
                        dmx_error *err)
{
    *out = NULL;
    DMX_FORWARD(dmx_graph_status(g, err));
    DMX_RETURN_IF(samples < 1 || samples > DMX_LENGTH_LIMIT, err,
                  DMX_ERROR_ARGUMENT,
                  "a graph needs 1 to %lld samples, not %lld",
                  (long long)DMX_LENGTH_LIMIT, (long long)samples);
    DMX_RETURN_IF(g->input < 0 || g->output < 0, err, DMX_ERROR_ARGUMENT,
                  "the graph has no input or no output");
    dmx_graph *to = dmx_graph_open();
    DMX_RETURN_IF(to == NULL, err, DMX_ERROR_MEMORY, "no memory for the graph");
    const dmx_status status = copy_graph(to, g, samples, err);
    if (status == DMX_OK)
        *out = to;
    else
        dmx_graph_close(to);
    return status;
}

int64_t dmx_graph_shortest(const dmx_graph *g, int64_t enough)
{
    int64_t low = 0, high = enough > 0 ? enough : 1;
    for (int64_t n = 1; high - low > 1; n = low + (high - low) / 2) {
        dmx_graph *at = NULL;
        if (dmx_graph_at(&at, g, n, NULL) == DMX_OK)
            high = n;
        else
            low = n;
        dmx_graph_close(at);
    }
    return high;
}

bool dmx_graph_uses(const dmx_graph *g, dmx_op op)
{
    for (size_t i = 0; i < g->n_node; i++)
        if (g->node[i].op == op)
            return true;
    return false;
}
