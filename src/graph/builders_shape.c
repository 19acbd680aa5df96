/* The input, and what only moves samples: padding, crops, concatenation. */
#include "graph/builders.h"
#include "graph/graph_build.h"

static dmx_value input(dmx_graph *g, int64_t channels, dmx_length samples)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_INPUT, "mix", NULL, 0);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.dims = (dmx_dims){
        3, {dmx_length_fixed(channels), dmx_length_fixed(1), samples}};
    g->input = dmx_graph_finish(g, node);
    return g->input;
}

dmx_value dmx_graph_input(dmx_graph *g, int64_t channels, int64_t samples)
{
    return input(g, channels, dmx_length_fixed(samples));
}

dmx_value dmx_graph_input_any(dmx_graph *g, int64_t channels)
{
    g->any_length = true;
    return input(g, channels, dmx_length_samples());
}

dmx_value dmx_graph_pad(dmx_graph *g, const char *path, dmx_value x, int axis,
                        int64_t before, int64_t after)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_PAD, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.axis = axis;
    node->at.before = before;
    node->at.after = after;
    return dmx_graph_finish(g, node);
}

static dmx_value pad_up(dmx_graph *g, const char *path, dmx_value x,
                        dmx_length length, dmx_fit fit)
{
    const dmx_length had = dmx_graph_length(g, x, 2);
    if (g->error.code != DMX_OK)
        return DMX_NO_VALUE;
    if (dmx_length_is_fixed(had) && dmx_length_same(had, length))
        return x;
    dmx_node *node = dmx_graph_append(g, DMX_OP_PAD, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.axis = 2;
    node->at.fit = fit;
    node->at.extent = length;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_pad_to(dmx_graph *g, const char *path, dmx_value x,
                           int64_t multiple)
{
    dmx_length length = dmx_graph_length(g, x, 2);
    if (g->error.code == DMX_OK &&
        (!dmx_length_ceil(&length, length, multiple) ||
         !dmx_length_multiply(&length, length, multiple)))
        return dmx_graph_fail(g, DMX_ERROR_UNSUPPORTED,
                              "%s: no rule gives this padding for every input "
                              "length",
                              path);
    return pad_up(g, path, x, length, DMX_FIT_END);
}

dmx_value dmx_graph_pad_around(dmx_graph *g, const char *path, dmx_value x,
                               dmx_length length)
{
    return pad_up(g, path, x, length, DMX_FIT_CENTRE);
}

static dmx_value crop(dmx_graph *g, const char *path, dmx_value x,
                      const dmx_attributes *at)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_CROP, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at = *at;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_crop(dmx_graph *g, const char *path, dmx_value x, int axis,
                         int64_t start, int64_t length)
{
    const dmx_attributes at = {
        .axis = axis, .start = start, .extent = dmx_length_fixed(length)};
    return crop(g, path, x, &at);
}

dmx_value dmx_graph_crop_to(dmx_graph *g, const char *path, dmx_value x,
                            int64_t start, dmx_length length)
{
    const dmx_attributes at = {.axis = 2, .start = start, .extent = length};
    return crop(g, path, x, &at);
}

dmx_value dmx_graph_crop_centre(dmx_graph *g, const char *path, dmx_value x,
                                dmx_length length)
{
    const dmx_attributes at = {
        .axis = 2, .fit = DMX_FIT_CENTRE, .extent = length};
    if (dmx_length_same(dmx_graph_length(g, x, 2), length))
        return x;
    return crop(g, path, x, &at);
}

dmx_value dmx_graph_concat(dmx_graph *g, const char *path, const dmx_value *x,
                           int count, int axis)
{
    if (count < 1)
        return dmx_graph_misfit(g, path, "nothing to concatenate");
    dmx_node *node = dmx_graph_append(g, DMX_OP_CONCAT, path, x, count);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.axis = axis;
    return dmx_graph_finish(g, node);
}

dmx_value dmx_graph_reshape(dmx_graph *g, const char *path, dmx_value x,
                            dmx_shape shape)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_RESHAPE, path, &x, 1);
    if (node == NULL || shape.rank < 0 || shape.rank > DMX_VALUE_RANK)
        return dmx_graph_misfit(g, path, "a reshape needs three dimensions");
    node->at.dims.rank = shape.rank;
    for (int k = 0; k < shape.rank; k++)
        node->at.dims.dim[k] = shape.dim[k] == DMX_ANY
                                   ? dmx_graph_length(g, x, k)
                                   : dmx_length_fixed(shape.dim[k]);
    return dmx_graph_finish(g, node);
}
