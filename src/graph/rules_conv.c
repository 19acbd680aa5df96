/* Rules of convolutions. */
#include "graph/rules.h"

static bool sane(const dmx_conv_geometry *c)
{
    const int64_t most = (int64_t)1 << 24;
    for (int k = 0; k < 2; k++)
        if (c->kernel[k] < 1 || c->kernel[k] > most || c->stride[k] < 1 ||
            c->stride[k] > most || c->dilation[k] < 1 ||
            c->dilation[k] > most || c->padding[k][0] < 0 ||
            c->padding[k][1] < 0 || c->padding[k][0] > most ||
            c->padding[k][1] > most)
            return false;
    return true;
}

/* Checks the weight [a][b][kf][kt] or [a][b][kt], the bias and the geometry;
 * `in` and `out` are the axes of the weight that hold those channels. Sets the
 * kernel. */
static const char *check(const dmx_dims *x, dmx_node *node, int in, int out)
{
    const dmx_tensor *w = dmx_weight_of(node), *bias = dmx_bias_of(node);
    dmx_conv_geometry *c = &node->at.conv;
    if (x->rank != 3)
        return "the input is not a signal";
    if (w == NULL)
        return "missing weight";
    if (w->rank != 3 && w->rank != 4)
        return "the weight is not a convolution's";
    if (bias != NULL && !dmx_tensor_is(bias, 1, &w->dim[out]))
        return "the bias does not fit the weight";
    if (w->dim[in] != dmx_number(x->dim[0]))
        return "the weight does not fit its input";
    c->kernel[0] = w->rank == 4 ? w->dim[2] : 1;
    c->kernel[1] = w->dim[w->rank - 1];
    node->at.rows = w->rank == 4 ? DMX_ROWS_TOGETHER : DMX_ROWS_BATCH;
    return sane(c) ? NULL : "absurd kernel, stride or padding";
}

/* floor((length + padding - reach) / stride) + 1, and floor(x / s) + 1 is
 * ceil((x + 1) / s). */
static const char *convolve(dmx_length *length, const dmx_conv_geometry *c,
                            int k)
{
    const int64_t reach = c->dilation[k] * (c->kernel[k] - 1) + 1;
    const int64_t more = c->padding[k][0] + c->padding[k][1] - reach;
    const int64_t had = dmx_number(*length);
    if (had != DMX_ANY && had < -more)
        return "the input is too short";
    if (!dmx_length_add(length, *length, more + 1) ||
        !dmx_length_ceil(length, *length, c->stride[k]))
        return dmx_no_rule;
    return NULL;
}

const char *dmx_rule_conv(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    const char *problem = check(&in[0], node, 1, 0);
    if (problem != NULL)
        return problem;
    out[0] = in[0];
    out[0].dim[0] = dmx_length_fixed(dmx_weight_of(node)->dim[0]);
    for (int k = 0; problem == NULL && k < 2; k++)
        problem = convolve(&out[0].dim[k + 1], &node->at.conv, k);
    return problem;
}

const char *dmx_rule_conv_transpose(dmx_dims out[2], const dmx_dims *in,
                                    dmx_node *node)
{
    const char *problem = check(&in[0], node, 0, 1);
    if (problem != NULL)
        return problem;
    out[0] = in[0];
    out[0].dim[0] = dmx_length_fixed(dmx_weight_of(node)->dim[1]);
    for (int k = 0; k < 2; k++) {
        dmx_length *length = &out[0].dim[k + 1];
        const int64_t s = node->at.conv.stride[k];
        if (!dmx_length_multiply(length, *length, s) ||
            !dmx_length_add(length, *length, node->at.conv.kernel[k] - s))
            return dmx_no_rule;
    }
    return NULL;
}
