/* Rules of operations on signals and tokens alike, and on scalars. */
#include "graph/rules.h"

const char dmx_no_rule[] = "no rule gives this length for every input length";

dmx_rule *dmx_rule_of(dmx_op op)
{
    static dmx_rule *const table[DMX_OP_COUNT] = {
#define DMX_OPERATION(NAME, name, least, most, outputs, operands, attributes,  \
                      shape, channels, place, work)                            \
    [DMX_OP_##NAME] = dmx_rule_##shape,
#include "graph/operations.def"
#undef DMX_OPERATION
    };
    return table[op];
}

int64_t dmx_channels_of(const dmx_dims *d)
{
    return d->rank == 3   ? dmx_number(d->dim[0])
           : d->rank == 2 ? dmx_number(d->dim[1])
                          : 0;
}

bool dmx_fits_channels(const dmx_tensor *t, int64_t channels)
{
    return t != NULL && dmx_tensor_is(t, 1, &channels);
}

const char *dmx_compare_lengths(dmx_length a, dmx_length b, const char *what)
{
    if (dmx_length_same(a, b))
        return NULL;
    return dmx_length_is_fixed(a) && dmx_length_is_fixed(b) ? what
                                                            : dmx_no_rule;
}

const char *dmx_rule_dims(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    (void)in;
    out[0] = node->at.dims;
    return NULL;
}

const char *dmx_rule_same(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    (void)node;
    out[0] = in[0];
    return NULL;
}

const char *dmx_rule_statistics(dmx_dims out[2], const dmx_dims *in,
                                dmx_node *node)
{
    (void)in;
    (void)node;
    out[0] = out[1] = (dmx_dims){0};
    return NULL;
}

const char *dmx_rule_standardize(dmx_dims out[2], const dmx_dims *in,
                                 dmx_node *node)
{
    (void)node;
    out[0] = in[0];
    return in[1].rank == 0 && in[2].rank == 0 ? NULL
                                              : "statistics are not scalars";
}

const char *dmx_rule_group_norm(dmx_dims out[2], const dmx_dims *in,
                                dmx_node *node)
{
    const int64_t channels = dmx_channels_of(&in[0]);
    out[0] = in[0];
    if (!dmx_fits_channels(dmx_weight_of(node), channels) ||
        !dmx_fits_channels(dmx_bias_of(node), channels))
        return "the norm does not fit its input";
    if (node->at.groups <= 0 || channels % node->at.groups != 0 ||
        (node->at.rows == DMX_ROWS_BATCH && in[0].rank != 3))
        return "channels do not divide into groups";
    return NULL;
}

const char *dmx_rule_glu(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    const int64_t channels = dmx_channels_of(&in[0]);
    (void)node;
    if (in[0].rank != 3 || channels <= 0 || channels % 2 != 0)
        return "GLU needs an even channel count";
    out[0] = in[0];
    out[0].dim[0] = dmx_length_fixed(channels / 2);
    return NULL;
}

const char *dmx_rule_per_channel(dmx_dims out[2], const dmx_dims *in,
                                 dmx_node *node)
{
    out[0] = in[0];
    if (dmx_fits_channels(dmx_operand(node, 0), dmx_channels_of(&in[0])))
        return NULL;
    return node->op == DMX_OP_BIAS ? "the bias does not fit its input"
                                   : "the scale does not fit its input";
}

const char *dmx_rule_add(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    static const char misfit[] = "terms of different shape";
    const char *problem = in[0].rank == in[1].rank ? NULL : misfit;
    (void)node;
    out[0] = in[0];
    for (int k = 0; problem == NULL && k < in[0].rank; k++)
        if (dmx_number(in[1].dim[k]) != 1)
            problem = dmx_compare_lengths(in[0].dim[k], in[1].dim[k], misfit);
    return problem;
}
