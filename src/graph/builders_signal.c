/* Spectrograms, masks, resampling, levels. */
#include "graph/builders.h"
#include "graph/graph_build.h"

dmx_value dmx_graph_stft(dmx_graph *g, const char *path, dmx_value x,
                         int64_t nfft, dmx_frames frames)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_STFT, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.nfft = nfft;
    node->at.frames_of = frames;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_istft(dmx_graph *g, const char *path, dmx_value x,
                          int64_t nfft, dmx_frames frames, dmx_length length)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_ISTFT, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.nfft = nfft;
    node->at.frames_of = frames;
    node->at.extent = length;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_magnitude(dmx_graph *g, const char *path, dmx_value z)
{
    return dmx_graph_finish(g,
                            dmx_graph_append(g, DMX_OP_MAGNITUDE, path, &z, 1));
}

dmx_value dmx_graph_mask(dmx_graph *g, const char *path, dmx_value m,
                         dmx_value z, double epsilon)
{
    const dmx_value in[] = {m, z};
    dmx_node *node = dmx_graph_append(g, DMX_OP_MASK, path, in, 2);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.epsilon = epsilon;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_wiener(dmx_graph *g, const char *path, dmx_value m,
                           dmx_value z, int64_t iterations, bool residual)
{
    const dmx_value in[] = {m, z};
    dmx_node *node = dmx_graph_append(g, DMX_OP_WIENER, path, in, 2);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.iterations = iterations;
    node->at.residual = residual;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_mono(dmx_graph *g, const char *path, dmx_value x)
{
    return dmx_graph_finish(g, dmx_graph_append(g, DMX_OP_MONO, path, &x, 1));
}

dmx_value dmx_graph_resample(dmx_graph *g, const char *path, dmx_value x,
                             const dmx_tensor *weight, int64_t down)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_RESAMPLE, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.down = down;
    dmx_graph_operands(g, node, &weight, 1);
    return dmx_graph_finish(g, node);
}

void dmx_graph_statistics(dmx_graph *g, const char *path, dmx_value x,
                          dmx_value *mean, dmx_value *std)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_STATISTICS, path, &x, 1);
    *mean = dmx_graph_finish(g, node);
    *std = *mean != DMX_NO_VALUE ? node->out[1] : DMX_NO_VALUE;
}

dmx_value dmx_graph_standardize(dmx_graph *g, const char *path, dmx_value x,
                                dmx_value mean, dmx_value std, double epsilon)
{
    const dmx_value in[] = {x, mean, std};
    dmx_node *node = dmx_graph_append(g, DMX_OP_STANDARDIZE, path, in, 3);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.epsilon = epsilon;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_unstandardize(dmx_graph *g, const char *path, dmx_value x,
                                  dmx_value mean, dmx_value std)
{
    const dmx_value in[] = {x, mean, std};
    return dmx_graph_finish(
        g, dmx_graph_append(g, DMX_OP_UNSTANDARDIZE, path, in, 3));
}
