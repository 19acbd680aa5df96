/* Builders of operations on signals [C][F][T]. */
#include "graph/graph_build.h"

static dmx_shape signal_shape(int64_t c, int64_t f, int64_t t)
{
    return (dmx_shape){3, {c, f, t}};
}

/* The shape of x, checked to be a signal; false records an error. */
static bool take_signal(dmx_graph *g, const char *path, dmx_value x,
                        dmx_shape *shape)
{
    if (g->error.code != DMX_OK)
        return false;
    *shape = dmx_graph_shape(g, x);
    if (shape->rank == 3)
        return true;
    dmx_graph_fail(g, DMX_ERROR_MODEL, "%s: the input is not a signal", path);
    return false;
}

dmx_value dmx_graph_input(dmx_graph *g, int64_t channels, int64_t samples)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_INPUT, "mix", NULL, 0);
    const dmx_value v =
        dmx_graph_finish(g, node, signal_shape(channels, 1, samples));
    g->input = v;
    return v;
}

dmx_value dmx_graph_pad(dmx_graph *g, const char *path, dmx_value x, int axis,
                        int64_t before, int64_t after)
{
    dmx_shape s;
    if (!take_signal(g, path, x, &s))
        return DMX_NO_VALUE;
    if (before < 0 || after < 0 || before > DMX_MAX_ELEMENTS ||
        after > DMX_MAX_ELEMENTS || axis < 0 || axis > 2)
        return dmx_graph_misfit(g, path, "bad padding");
    dmx_node *node = dmx_graph_append(g, DMX_OP_PAD, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.axis = axis;
    node->at.before = before;
    node->at.after = after;
    s.dim[axis] += before + after;
    return dmx_graph_finish(g, node, s);
}

dmx_value dmx_graph_crop(dmx_graph *g, const char *path, dmx_value x, int axis,
                         int64_t start, int64_t length)
{
    dmx_shape s;
    if (!take_signal(g, path, x, &s))
        return DMX_NO_VALUE;
    if (axis < 0 || axis > 2 || start < 0 || length <= 0 ||
        start > s.dim[axis] || length > s.dim[axis] - start)
        return dmx_graph_misfit(g, path, "the crop lies outside the signal");
    dmx_node *node = dmx_graph_append(g, DMX_OP_CROP, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.axis = axis;
    node->at.start = start;
    node->at.length = length;
    s.dim[axis] = length;
    return dmx_graph_finish(g, node, s);
}

dmx_value dmx_graph_concat(dmx_graph *g, const char *path, const dmx_value *x,
                           int count, int axis)
{
    dmx_shape s, next;
    if (count < 1 || axis < 0 || axis > 2)
        return dmx_graph_misfit(g, path, "nothing to concatenate");
    if (!take_signal(g, path, x[0], &s))
        return DMX_NO_VALUE;
    for (int i = 1; i < count; i++) {
        if (!take_signal(g, path, x[i], &next))
            return DMX_NO_VALUE;
        for (int k = 0; k < 3; k++)
            if (k != axis && next.dim[k] != s.dim[k])
                return dmx_graph_misfit(g, path, "parts of different shape");
        s.dim[axis] += next.dim[axis];
    }
    dmx_node *node = dmx_graph_append(g, DMX_OP_CONCAT, path, x, count);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.axis = axis;
    return dmx_graph_finish(g, node, s);
}

/* The element count of a shape that nobody has checked yet; -1 when it is
 * absurd. */
static int64_t checked_count(const dmx_shape *s)
{
    int64_t n = 1;
    for (int k = 0; k < s->rank; k++)
        if (s->dim[k] <= 0 || dmx_mul_overflow(&n, n, s->dim[k]))
            return -1;
    return n;
}

dmx_value dmx_graph_reshape(dmx_graph *g, const char *path, dmx_value x,
                            dmx_shape shape)
{
    dmx_shape s;
    if (!take_signal(g, path, x, &s))
        return DMX_NO_VALUE;
    if (shape.rank != 3 || checked_count(&shape) != dmx_shape_count(&s))
        return dmx_graph_misfit(g, path, "a reshape changes the element count");
    return dmx_graph_finish(g, dmx_graph_append(g, DMX_OP_RESHAPE, path, &x, 1),
                            shape);
}

/* n_fft as torch.stft takes it, with Demucs' hop of a quarter. */
static bool good_nfft(int64_t nfft)
{
    return nfft >= 16 && nfft <= 65536 && nfft % 4 == 0;
}

dmx_value dmx_graph_stft(dmx_graph *g, const char *path, dmx_value x,
                         int64_t nfft)
{
    dmx_shape s;
    if (!take_signal(g, path, x, &s))
        return DMX_NO_VALUE;
    if (!good_nfft(nfft) || s.dim[1] != 1)
        return dmx_graph_misfit(g, path,
                                "nfft must be a multiple of 4 in 16..65536");
    const int64_t hop = nfft / 4, pad = hop / 2 * 3, n = s.dim[2];
    const int64_t frames = (n + hop - 1) / hop;
    /* Short inputs are zero-padded on the right first (the original's pad1d),
     * until reflection is possible. */
    const int64_t right = pad + frames * hop - n;
    if (right < 0 || frames < 1)
        return dmx_graph_misfit(g, path, "the input is too short for the STFT");
    dmx_node *node = dmx_graph_append(g, DMX_OP_STFT, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.nfft = nfft;
    node->at.hop = hop;
    return dmx_graph_finish(g, node,
                            signal_shape(2 * s.dim[0], nfft / 2, frames));
}

dmx_value dmx_graph_istft(dmx_graph *g, const char *path, dmx_value x,
                          int64_t nfft, int64_t length)
{
    dmx_shape s;
    if (!take_signal(g, path, x, &s))
        return DMX_NO_VALUE;
    const int64_t hop = nfft / 4;
    if (!good_nfft(nfft) || s.dim[1] != nfft / 2 || s.dim[0] % 2 != 0 ||
        length <= 0 || (length + hop - 1) / hop != s.dim[2])
        return dmx_graph_misfit(g, path,
                                "the spectrogram does not fit its length");
    dmx_node *node = dmx_graph_append(g, DMX_OP_ISTFT, path, &x, 1);
    if (node == NULL)
        return DMX_NO_VALUE;
    node->at.nfft = nfft;
    node->at.hop = hop;
    node->at.length = length;
    return dmx_graph_finish(g, node, signal_shape(s.dim[0] / 2, 1, length));
}

/* Checks weight [a][b][kf][kt] or [a][b][kt] and bias [channels]. */
static bool take_kernel(dmx_graph *g, const char *path, const dmx_tensor *w,
                        const dmx_tensor *bias, int64_t channels,
                        int64_t kernel[2])
{
    if (w == NULL || (w->rank != 3 && w->rank != 4)) {
        dmx_graph_misfit(g, path, "the weight is not a convolution's");
        return false;
    }
    kernel[0] = w->rank == 4 ? w->dim[2] : 1;
    kernel[1] = w->dim[w->rank - 1];
    if (bias != NULL && !dmx_tensor_is(bias, 1, &channels)) {
        dmx_graph_misfit(g, path, "the bias does not fit the weight");
        return false;
    }
    return kernel[0] > 0 && kernel[1] > 0;
}

static void set_geometry(dmx_node *node, const dmx_conv_geometry *geometry,
                         const int64_t kernel[2])
{
    for (int k = 0; k < 2; k++) {
        node->at.kernel[k] = kernel[k];
        node->at.stride[k] = geometry->stride[k] > 0 ? geometry->stride[k] : 1;
        node->at.dilation[k] =
            geometry->dilation[k] > 0 ? geometry->dilation[k] : 1;
        node->at.padding[k][0] = geometry->padding[k][0];
        node->at.padding[k][1] = geometry->padding[k][1];
    }
}

static bool sane_geometry(const dmx_attributes *at)
{
    const int64_t most = (int64_t)1 << 24;
    for (int k = 0; k < 2; k++)
        if (at->kernel[k] > most || at->stride[k] > most ||
            at->dilation[k] > most || at->padding[k][0] < 0 ||
            at->padding[k][1] < 0 || at->padding[k][0] > most ||
            at->padding[k][1] > most)
            return false;
    return true;
}

/* The node of a convolution, its weights and geometry checked; `in` and `out`
 * are the axes of the weight that hold those channels. NULL after an error. */
static dmx_node *append_conv(dmx_graph *g, dmx_op op, const char *path,
                             dmx_value x, dmx_shape *s,
                             const dmx_tensor *weight, const dmx_tensor *bias,
                             const dmx_conv_geometry *geometry)
{
    const int in = op == DMX_OP_CONV ? 1 : 0, out = 1 - in;
    int64_t kernel[2];
    if (!take_signal(g, path, x, s) || weight == NULL ||
        !take_kernel(g, path, weight, bias, weight->dim[out], kernel)) {
        dmx_graph_misfit(g, path, "missing weight");
        return NULL;
    }
    if (weight->dim[in] != s->dim[0]) {
        dmx_graph_misfit(g, path, "the weight does not fit its input");
        return NULL;
    }
    dmx_node *node = dmx_graph_append(g, op, path, &x, 1);
    if (node == NULL)
        return NULL;
    dmx_graph_operands(g, node, (const dmx_tensor *[]){weight, bias}, 2);
    s->dim[0] = weight->dim[out];
    set_geometry(node, geometry, kernel);
    if (sane_geometry(&node->at))
        return node;
    dmx_graph_misfit(g, path, "absurd kernel, stride or padding");
    return NULL;
}

dmx_value dmx_graph_conv(dmx_graph *g, const char *path, dmx_value x,
                         const dmx_tensor *weight, const dmx_tensor *bias,
                         dmx_conv_geometry geometry)
{
    dmx_shape s;
    dmx_node *node =
        append_conv(g, DMX_OP_CONV, path, x, &s, weight, bias, &geometry);
    for (int k = 0; node != NULL && k < 2; k++) {
        const dmx_attributes *at = &node->at;
        const int64_t reach = at->dilation[k] * (at->kernel[k] - 1) + 1;
        const int64_t room =
            s.dim[k + 1] + at->padding[k][0] + at->padding[k][1];
        if (room < reach)
            return dmx_graph_misfit(g, path, "the input is too short");
        s.dim[k + 1] = (room - reach) / at->stride[k] + 1;
    }
    return dmx_graph_finish(g, node, s);
}

dmx_value dmx_graph_conv_transpose(dmx_graph *g, const char *path, dmx_value x,
                                   const dmx_tensor *weight,
                                   const dmx_tensor *bias,
                                   dmx_conv_geometry geometry)
{
    dmx_shape s;
    dmx_node *node = append_conv(g, DMX_OP_CONV_TRANSPOSE, path, x, &s, weight,
                                 bias, &geometry);
    for (int k = 0; node != NULL && k < 2; k++)
        s.dim[k + 1] =
            (s.dim[k + 1] - 1) * node->at.stride[k] + node->at.kernel[k];
    return dmx_graph_finish(g, node, s);
}

dmx_value dmx_graph_freq_embedding(dmx_graph *g, const char *path,
                                   const dmx_tensor *weight, double alpha)
{
    dmx_node *node = dmx_graph_append(g, DMX_OP_FREQ_EMBEDDING, path, NULL, 0);
    if (node == NULL || weight == NULL || weight->rank != 2)
        return dmx_graph_misfit(g, path, "missing embedding");
    dmx_graph_operands(g, node, &weight, 1);
    node->at.alpha = alpha;
    return dmx_graph_finish(g, node,
                            signal_shape(weight->dim[1], weight->dim[0], 1));
}
