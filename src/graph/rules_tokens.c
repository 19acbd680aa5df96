/* Rules of operations on token lists [L][D]. */
#include "graph/rules.h"

const char *dmx_rule_layer_norm(dmx_dims out[2], const dmx_dims *in,
                                dmx_node *node)
{
    const int64_t width = dmx_channels_of(&in[0]);
    out[0] = in[0];
    return in[0].rank == 2 && dmx_fits_channels(dmx_weight_of(node), width) &&
                   dmx_fits_channels(dmx_bias_of(node), width)
               ? NULL
               : "the norm does not fit its input";
}

const char *dmx_rule_linear(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    const dmx_tensor *weight = dmx_weight_of(node), *bias = dmx_bias_of(node);
    if (in[0].rank != 2 || weight == NULL || weight->rank != 2 ||
        weight->dim[1] != dmx_channels_of(&in[0]) ||
        (bias != NULL && !dmx_fits_channels(bias, weight->dim[0])))
        return "the weight does not fit its input";
    out[0] = dmx_token_dims(in[0].dim[0], weight->dim[0]);
    return NULL;
}

const char *dmx_rule_attention(dmx_dims out[2], const dmx_dims *in,
                               dmx_node *node)
{
    static const char misfit[] = "query, key and value do not fit";
    const int64_t width = dmx_channels_of(&in[0]);
    for (int i = 0; i < 3; i++)
        if (in[i].rank != 2 || dmx_channels_of(&in[i]) != width)
            return misfit;
    if (node->at.heads <= 0 || width % node->at.heads != 0)
        return "the width does not divide into heads";
    out[0] = in[0];
    /* torch.nn.functional.scaled_dot_product_attention: 1/sqrt(head size) */
    node->at.scale = 1.0 / __builtin_sqrt((double)(width / node->at.heads));
    return dmx_compare_lengths(in[1].dim[0], in[2].dim[0], misfit);
}

const char *dmx_rule_tokens(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    const int64_t rows = in[0].rank == 3 ? dmx_number(in[0].dim[1]) : DMX_ANY;
    (void)node;
    if (in[0].rank != 3)
        return "the input is not a signal";
    out[0] = dmx_token_dims(in[0].dim[2], dmx_number(in[0].dim[0]));
    if (rows < 1 || !dmx_length_multiply(&out[0].dim[0], in[0].dim[2], rows))
        return dmx_no_rule;
    return NULL;
}

const char *dmx_rule_untokens(dmx_dims out[2], const dmx_dims *in,
                              dmx_node *node)
{
    static const char uneven[] = "tokens do not divide into rows";
    const int64_t freqs = node->at.freqs;
    dmx_length frames;
    if (in[0].rank != 2 || freqs <= 0)
        return uneven;
    if (!dmx_length_divide(&frames, in[0].dim[0], freqs))
        return dmx_length_is_fixed(in[0].dim[0]) ? uneven : dmx_no_rule;
    out[0] = dmx_signal_dims(in[0].dim[1], dmx_length_fixed(freqs), frames);
    return NULL;
}

static const char *learned(dmx_dims out[2], dmx_node *node)
{
    const dmx_tensor *weight = dmx_weight_of(node);
    if (weight == NULL || weight->rank != 2)
        return "missing embedding";
    if (node->at.frames > weight->dim[0])
        return "more positions than t_max_positions; choose a shorter segment";
    node->at.width = weight->dim[1];
    out[0] = dmx_token_dims(node->at.extent, node->at.width);
    return NULL;
}

const char *dmx_rule_position_1d(dmx_dims out[2], const dmx_dims *in,
                                 dmx_node *node)
{
    (void)in;
    node->at.frames = dmx_number(node->at.extent);
    if (node->at.position == DMX_POSITION_LEARNED)
        return learned(out, node);
    if (node->at.width < 4 || node->at.width % 2 != 0)
        return "the embedding width must be even";
    out[0] = dmx_token_dims(node->at.extent, node->at.width);
    return NULL;
}

const char *dmx_rule_position_2d(dmx_dims out[2], const dmx_dims *in,
                                 dmx_node *node)
{
    const int64_t freqs = node->at.freqs;
    (void)in;
    node->at.frames = dmx_number(node->at.extent);
    if (node->at.width < 4 || node->at.width % 4 != 0)
        return "the embedding width must divide by 4";
    out[0] = dmx_token_dims(node->at.extent, node->at.width);
    if (freqs < 1 || node->at.frames == 0 ||
        !dmx_length_multiply(&out[0].dim[0], node->at.extent, freqs))
        return "more positions than any input has";
    return NULL;
}
