/* Rules of operations on signals [C][F][T] that move elements or transform
 * them. */
#include "graph/rules.h"

static const char not_signal[] = "the input is not a signal";

static const char *pad_given(dmx_length *length, const dmx_attributes *at)
{
    if (at->before < 0 || at->after < 0 || at->before > DMX_MAX_ELEMENTS ||
        at->after > DMX_MAX_ELEMENTS)
        return "bad padding";
    return dmx_length_add(length, *length, at->before + at->after)
               ? NULL
               : dmx_no_rule;
}

/* Pads with zeros up to the requested length. */
static const char *pad_up(dmx_length *length, dmx_attributes *at)
{
    const int64_t had = dmx_number(*length), want = dmx_number(at->extent);
    at->before = at->fit == DMX_FIT_CENTRE ? DMX_ANY : 0;
    at->after = DMX_ANY;
    *length = at->extent;
    if (had < 0 || want < 0)
        return NULL;
    if (want < had)
        return "bad padding";
    if (at->fit == DMX_FIT_CENTRE)
        at->before = (want - had) / 2;
    at->after = want - had - at->before;
    return NULL;
}

const char *dmx_rule_pad(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    const int axis = node->at.axis;
    out[0] = in[0];
    if (in[0].rank != 3)
        return not_signal;
    if (axis < 0 || axis > 2)
        return "bad padding";
    return node->at.fit == DMX_FIT_GIVEN
               ? pad_given(&out[0].dim[axis], &node->at)
               : pad_up(&out[0].dim[axis], &node->at);
}

const char *dmx_rule_crop(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    static const char outside[] = "the crop lies outside the signal";
    dmx_attributes *at = &node->at;
    out[0] = in[0];
    if (in[0].rank != 3)
        return not_signal;
    if (at->axis < 0 || at->axis > 2)
        return outside;
    const int64_t had = dmx_number(in[0].dim[at->axis]);
    at->length = dmx_number(at->extent);
    if (at->fit == DMX_FIT_CENTRE)
        at->start = had < 0 || at->length < 0 ? DMX_ANY
                    : had >= at->length       ? (had - at->length) / 2
                                              : 0;
    out[0].dim[at->axis] = at->extent;
    if (at->start < 0 && at->fit != DMX_FIT_CENTRE)
        return outside;
    if (had < 0 || at->length < 0)
        return NULL;
    return at->length > 0 && at->start <= had && at->length <= had - at->start
               ? NULL
               : outside;
}

const char *dmx_rule_concat(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    const int axis = node->at.axis;
    out[0] = in[0];
    if (in[0].rank != 3)
        return not_signal;
    if (axis < 0 || axis > 2)
        return "nothing to concatenate";
    for (int i = 1; i < node->n_in; i++) {
        if (in[i].rank != 3)
            return not_signal;
        for (int k = 0; k < 3; k++) {
            const char *problem =
                k == axis ? NULL
                          : dmx_compare_lengths(in[i].dim[k], in[0].dim[k],
                                                "parts of different shape");
            if (problem != NULL)
                return problem;
        }
        if (!dmx_length_sum(&out[0].dim[axis], out[0].dim[axis],
                            in[i].dim[axis]))
            return dmx_no_rule;
    }
    return NULL;
}

/* The number of elements as a rule: at most one dimension may depend on the
 * input. False when it is out of range or no rule describes it. */
static bool elements(dmx_length *out, const dmx_dims *d)
{
    *out = dmx_length_fixed(1);
    for (int k = 0; k < d->rank; k++) {
        const int64_t n = dmx_number(d->dim[k]), have = dmx_number(*out);
        if (n == 0 || n < DMX_ANY)
            return false;
        if (n == DMX_ANY && have == DMX_ANY)
            return false;
        if (!(n != DMX_ANY ? dmx_length_multiply(out, *out, n)
                           : dmx_length_multiply(out, d->dim[k], have)))
            return false;
    }
    return true;
}

const char *dmx_rule_reshape(dmx_dims out[2], const dmx_dims *in,
                             dmx_node *node)
{
    static const char changed[] = "a reshape changes the element count";
    dmx_length had, has;
    if (in[0].rank != 3)
        return not_signal;
    out[0] = node->at.dims;
    if (out[0].rank != 3 || !elements(&had, &in[0]) || !elements(&has, &out[0]))
        return changed;
    return dmx_compare_lengths(had, has, changed);
}

/* Whether torch.stft accepts n_fft with Demucs' hop of n_fft / 4. */
static bool good_nfft(int64_t nfft)
{
    return nfft >= 16 && nfft <= 65536 && nfft % 4 == 0;
}

/* 1 + floor(n / hop) is ceil((n + 1) / hop). */
static bool frames_of(dmx_length *out, dmx_length n, const dmx_node *node)
{
    const bool centred = node->at.frames_of == DMX_FRAMES_CENTRED;
    return dmx_length_add(out, n, centred ? 1 : 0) &&
           dmx_length_ceil(out, *out, node->at.hop);
}

const char *dmx_rule_stft(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    const int64_t nfft = node->at.nfft, channels = dmx_channels_of(&in[0]);
    if (in[0].rank != 3)
        return not_signal;
    if (!good_nfft(nfft) || dmx_number(in[0].dim[1]) != 1 || channels < 1)
        return "nfft must be a multiple of 4 in 16..65536";
    const int64_t samples = dmx_number(in[0].dim[2]);
    if (node->at.frames_of == DMX_FRAMES_CENTRED && samples >= 0 &&
        samples <= nfft / 2)
        return "the input is too short: half an nfft is reflected around it";
    node->at.hop = nfft / 4;
    out[0] = dmx_signal_dims(dmx_length_fixed(2 * channels),
                             dmx_length_fixed(nfft / 2), in[0].dim[2]);
    return frames_of(&out[0].dim[2], in[0].dim[2], node) ? NULL : dmx_no_rule;
}

const char *dmx_rule_istft(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    static const char misfit[] = "the spectrogram does not fit its length";
    const int64_t nfft = node->at.nfft, channels = dmx_channels_of(&in[0]);
    const int64_t length = dmx_number(node->at.extent);
    dmx_length frames;
    if (in[0].rank != 3)
        return not_signal;
    if (!good_nfft(nfft) || dmx_number(in[0].dim[1]) != nfft / 2 ||
        channels < 2 || channels % 2 != 0 || (length != DMX_ANY && length <= 0))
        return misfit;
    node->at.hop = nfft / 4;
    node->at.length = length;
    out[0] = dmx_signal_dims(dmx_length_fixed(channels / 2),
                             dmx_length_fixed(1), node->at.extent);
    if (!frames_of(&frames, node->at.extent, node))
        return dmx_no_rule;
    return dmx_compare_lengths(frames, in[0].dim[2], misfit);
}

/* The original's pad1d with (3/2 hop, 3/2 hop + frames * hop - n). The padding
 * behind is never less than that in front, so a signal is too short when it is
 * not longer than the padding behind, and all zeros go behind. */
bool dmx_stft_padding_of(dmx_stft_padding *out, int64_t nfft, dmx_length n)
{
    const int64_t hop = nfft / 4, side = hop / 2 * 3;
    dmx_length whole, twice;
    if (!dmx_length_ceil(&whole, n, hop) ||
        !dmx_length_multiply(&whole, whole, hop) ||
        !dmx_length_add(&whole, whole, side) ||
        !dmx_length_multiply(&twice, n, 2))
        return false;
    out->before = dmx_amount_fixed(side);
    out->behind = (dmx_amount){whole, n};
    out->zeros.from = twice;
    return dmx_length_add(&out->zeros.to, whole, 1);
}

const char *dmx_rule_magnitude(dmx_dims out[2], const dmx_dims *in,
                               dmx_node *node)
{
    const int64_t channels = dmx_channels_of(&in[0]);
    (void)node;
    out[0] = in[0];
    if (in[0].rank != 3 || channels < 2 || channels % 2 != 0)
        return "the input is not a spectrogram";
    out[0].dim[0] = dmx_length_fixed(channels / 2);
    return NULL;
}

const char *dmx_rule_mask(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    static const char misfit[] = "magnitudes and spectrogram do not fit";
    const int64_t m = dmx_channels_of(&in[0]), z = dmx_channels_of(&in[1]);
    const char *problem = NULL;
    if (in[0].rank != 3 || in[1].rank != 3 || z < 2 || z % 2 != 0 || m < 1 ||
        m % (z / 2) != 0 || !(node->at.epsilon >= 0.0))
        return misfit;
    for (int k = 1; problem == NULL && k < 3; k++)
        problem = dmx_compare_lengths(in[0].dim[k], in[1].dim[k], misfit);
    out[0] = in[0];
    if (!dmx_length_multiply(&out[0].dim[0], in[0].dim[0], 2))
        return misfit;
    return problem;
}

const char *dmx_rule_wiener(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    if (node->at.iterations < 1 || node->at.iterations > 1000)
        return "1 to 1000 iterations of the Wiener filter are possible";
    if (dmx_channels_of(&in[1]) > 4)
        return "the Wiener filter takes one channel or two";
    return dmx_rule_mask(out, in, node);
}

const char *dmx_rule_freq_embedding(dmx_dims out[2], const dmx_dims *in,
                                    dmx_node *node)
{
    const dmx_tensor *weight = dmx_weight_of(node);
    (void)in;
    if (weight == NULL || weight->rank != 2)
        return "missing embedding";
    out[0] =
        dmx_signal_dims(dmx_length_fixed(weight->dim[1]),
                        dmx_length_fixed(weight->dim[0]), dmx_length_fixed(1));
    return NULL;
}
