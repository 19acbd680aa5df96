/* How much there is to compute, for progress. */
#include "reference/reference.h"

#include <math.h>

double dmx_reference_node_work(const dmx_graph *g, const dmx_node *node)
{
    const dmx_shape *out = &g->value[node->out[0]].shape;
    const double count = (double)dmx_shape_count(out);
    const dmx_shape *in = node->n_in > 0 ? &g->value[node->in[0]].shape : out;
    const dmx_shape *keys = node->n_in > 1 ? &g->value[node->in[1]].shape : out;
    const double taps = (double)node->at.kernel[0] * (double)node->at.kernel[1];
    switch (node->op) {
    case DMX_OP_CONV:
        return count * (double)in->dim[0] * taps;
    case DMX_OP_CONV_TRANSPOSE:
        return (double)dmx_shape_count(in) * (double)out->dim[0] * taps;
    case DMX_OP_LINEAR:
        return count * (double)in->dim[1];
    case DMX_OP_ATTENTION:
        return 2.0 * count * (double)keys->dim[0];
    case DMX_OP_STFT:
        return count * log2((double)node->at.nfft);
    case DMX_OP_ISTFT:
        return (double)dmx_shape_count(in) * log2((double)node->at.nfft);
    default:
        return count;
    }
}

double dmx_reference_work(const dmx_graph *g)
{
    double total = 0.0;
    for (size_t n = 0; n < g->n_node; n++)
        total += dmx_reference_node_work(g, &g->node[n]);
    return total > 0.0 ? total : 1.0;
}
