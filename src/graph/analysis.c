#include "graph/analysis.h"

#include <stdlib.h>

/* The entries of value v are first[v] .. first[v + 1] - 1; during filling,
 * first[v + 1] is the place of the next one. */
static void find_consumers(dmx_analysis *a)
{
    const dmx_graph *g = a->g;
    for (size_t i = 0; i < g->n_node; i++)
        for (int k = 0; k < g->node[i].n_in; k++)
            a->first[g->node[i].in[k] + 2]++;
    for (size_t v = 2; v < g->n_value + 2; v++)
        a->first[v] += a->first[v - 1];
    for (size_t i = 0; i < g->n_node; i++)
        for (int k = 0; k < g->node[i].n_in; k++)
            a->consumer[a->first[g->node[i].in[k] + 1]++] = (int32_t)i;
}

/* The row count of the tokens that n produces. */
static int64_t own_rows(const dmx_analysis *a, const dmx_node *n)
{
    if (n->op == DMX_OP_TOKENS)
        return a->g->value[n->in[0]].shape.dim[1];
    if (n->op == DMX_OP_POSITION_2D)
        return n->at.freqs;
    return n->n_in > 0 ? a->rows[n->in[0]] : 1;
}

static void find_rows(dmx_analysis *a)
{
    for (size_t i = 0; i < a->g->n_node; i++) {
        const dmx_node *n = &a->g->node[i];
        for (int k = 0; k < n->n_out; k++)
            if (a->g->value[n->out[k]].shape.rank == 2)
                a->rows[n->out[k]] = own_rows(a, n);
    }
}

bool dmx_analysis_open(dmx_analysis *a, const dmx_graph *g)
{
    size_t uses = 1;
    for (size_t i = 0; i < g->n_node; i++)
        uses += (size_t)g->node[i].n_in;
    *a = (dmx_analysis){.g = g};
    a->first = calloc(g->n_value + 3, sizeof *a->first);
    a->consumer = calloc(uses, sizeof *a->consumer);
    a->rows = calloc(g->n_value + 1, sizeof *a->rows);
    if (a->first == NULL || a->consumer == NULL || a->rows == NULL)
        return false;
    find_consumers(a);
    find_rows(a);
    return true;
}

void dmx_analysis_close(dmx_analysis *a)
{
    free(a->first);
    free(a->consumer);
    free(a->rows);
    *a = (dmx_analysis){0};
}

int32_t dmx_last_consumer(const dmx_analysis *a, dmx_value v)
{
    int32_t count;
    const int32_t *list = dmx_consumers(a, v, &count);
    return count > 0 ? list[count - 1] : -1;
}

int32_t dmx_sole_consumer(const dmx_analysis *a, dmx_value v)
{
    return dmx_use_count(a, v) == 1 && v != a->g->output
               ? dmx_last_consumer(a, v)
               : -1;
}

int32_t dmx_next_node(const dmx_analysis *a, int32_t i)
{
    const dmx_node *n = &a->g->node[i];
    return n->n_out == 1 ? dmx_sole_consumer(a, n->out[0]) : -1;
}

const dmx_node *dmx_next_op(const dmx_analysis *a, const dmx_node *n, dmx_op op)
{
    if (n == NULL || n->n_out != 1)
        return NULL;
    const int32_t user = dmx_sole_consumer(a, n->out[0]);
    if (user < 0)
        return NULL;
    const dmx_node *next = &a->g->node[user];
    return next->op == op && next->in[0] == n->out[0] ? next : NULL;
}

bool dmx_only_consumers(const dmx_analysis *a, dmx_value v, dmx_op op)
{
    int32_t count;
    const int32_t *list = dmx_consumers(a, v, &count);
    bool only = v != a->g->output;
    for (int32_t i = 0; only && i < count; i++)
        only = a->g->node[list[i]].op == op;
    return only;
}
