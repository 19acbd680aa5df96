#include "graph/work.h"

#include <math.h>

typedef double work_function(const dmx_graph *g, const dmx_node *node);

static const dmx_shape *in_shape(const dmx_graph *g, const dmx_node *n, int i)
{
    return &g->value[n->in[i]].shape;
}

static double elements_of(const dmx_shape *s)
{
    return (double)dmx_shape_count(s);
}

static double taps(const dmx_node *n)
{
    return (double)n->at.conv.kernel[0] * (double)n->at.conv.kernel[1];
}

static double work_elements(const dmx_graph *g, const dmx_node *n)
{
    return elements_of(&g->value[n->out[0]].shape);
}

static double work_conv(const dmx_graph *g, const dmx_node *n)
{
    return work_elements(g, n) * (double)in_shape(g, n, 0)->dim[0] * taps(n);
}

static double work_conv_transpose(const dmx_graph *g, const dmx_node *n)
{
    return elements_of(in_shape(g, n, 0)) *
           (double)g->value[n->out[0]].shape.dim[0] * taps(n);
}

static double work_linear(const dmx_graph *g, const dmx_node *n)
{
    return work_elements(g, n) * (double)in_shape(g, n, 0)->dim[1];
}

static double work_attention(const dmx_graph *g, const dmx_node *n)
{
    return 2.0 * work_elements(g, n) * (double)in_shape(g, n, 1)->dim[0];
}

/* Both directions of every layer; in chunks every step is computed twice. */
static double work_lstm(const dmx_graph *g, const dmx_node *n)
{
    const dmx_shape *x = in_shape(g, n, 0);
    const dmx_chunks c = dmx_lstm_chunks(n->at.chunk, x->dim[2]);
    const double steps = (double)c.count * (double)c.width * (double)x->dim[1];
    double products = 0.0;
    for (int i = 0; i < n->n_operand; i++)
        if (n->operand[i] != NULL && n->operand[i]->rank == 2)
            products += (double)dmx_tensor_count(n->operand[i]);
    return steps * products;
}

static double work_local_attention(const dmx_graph *g, const dmx_node *n)
{
    return 2.0 * work_elements(g, n) * (double)in_shape(g, n, 1)->dim[2];
}

static double work_resample(const dmx_graph *g, const dmx_node *n)
{
    return work_elements(g, n) * (double)dmx_weight_of(n)->dim[1];
}

static double work_wiener(const dmx_graph *g, const dmx_node *n)
{
    return 32.0 * work_elements(g, n) * (double)n->at.iterations;
}

static double work_stft(const dmx_graph *g, const dmx_node *n)
{
    return work_elements(g, n) * log2((double)n->at.nfft);
}

static double work_istft(const dmx_graph *g, const dmx_node *n)
{
    return elements_of(in_shape(g, n, 0)) * log2((double)n->at.nfft);
}

double dmx_node_work(const dmx_graph *g, const dmx_node *node)
{
    static work_function *const table[DMX_OP_COUNT] = {
#define DMX_OPERATION(NAME, name, least, most, outputs, operands, attributes,  \
                      shape, channels, place, work)                            \
    [DMX_OP_##NAME] = work_##work,
#include "graph/operations.def"
#undef DMX_OPERATION
    };
    return table[node->op](g, node);
}

double dmx_graph_work(const dmx_graph *g)
{
    double total = 0.0;
    for (size_t n = 0; n < g->n_node; n++)
        total += dmx_node_work(g, &g->node[n]);
    return total > 1.0 ? total : 1.0;
}
