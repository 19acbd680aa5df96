/* The graph as text, one node a line: a change in a network is a diff. */
#include "graph/graph.h"

#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>

const char *dmx_op_name(dmx_op op)
{
    static const char *const names[DMX_OP_COUNT] = {
        "input",          "pad",         "crop",
        "concat",         "reshape",     "stft",
        "istft",          "statistics",  "standardize",
        "unstandardize",  "conv",        "conv_transpose",
        "group_norm",     "layer_norm",  "gelu",
        "relu",           "glu",         "scale",
        "bias",           "add",         "linear",
        "attention",      "tokens",      "untokens",
        "freq_embedding", "position_1d", "position_2d",
    };
    return op >= 0 && op < DMX_OP_COUNT ? names[op] : "unknown";
}

typedef struct text {
    char data[768];
    size_t used;
} text;

static void put(text *t, const char *fmt, ...) DMX_PRINTF(2, 3);

static void put(text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n =
        dmx_vformat(t->data + t->used, sizeof t->data - t->used, fmt, args);
    va_end(args);
    if (n > 0)
        t->used += (size_t)n;
    if (t->used >= sizeof t->data)
        t->used = sizeof t->data - 1;
}

static void put_value(text *t, const dmx_graph *g, dmx_value v)
{
    const dmx_shape s = dmx_graph_shape(g, v);
    put(t, "%%%d ", (int)v);
    for (int k = 0; k < s.rank; k++)
        put(t, "[%lld]", (long long)s.dim[k]);
    put(t, s.rank > 0 ? " " : "[] ");
}

static void put_conv(text *t, const dmx_attributes *at)
{
    put(t, " kernel %lldx%lld stride %lldx%lld", (long long)at->kernel[0],
        (long long)at->kernel[1], (long long)at->stride[0],
        (long long)at->stride[1]);
    if (at->padding[0][0] + at->padding[0][1] + at->padding[1][0] +
            at->padding[1][1] !=
        0)
        put(t, " padding %lld,%lld x %lld,%lld", (long long)at->padding[0][0],
            (long long)at->padding[0][1], (long long)at->padding[1][0],
            (long long)at->padding[1][1]);
    if (at->dilation[0] > 1 || at->dilation[1] > 1)
        put(t, " dilation %lldx%lld", (long long)at->dilation[0],
            (long long)at->dilation[1]);
}

static void put_position(text *t, const dmx_attributes *at)
{
    static const char *const kinds[] = {"sin", "cape", "learned"};
    put(t, " %s period %g", kinds[at->position], at->max_period);
    if (at->position == DMX_POSITION_CAPE && at->mean_normalize)
        put(t, " mean_normalize");
    if (at->position == DMX_POSITION_LEARNED)
        put(t, " alpha %g", at->alpha);
}

static void put_attributes(text *t, const dmx_node *node)
{
    const dmx_attributes *at = &node->at;
    switch (node->op) {
    case DMX_OP_PAD:
        put(t, " axis %d %lld,%lld", at->axis, (long long)at->before,
            (long long)at->after);
        break;
    case DMX_OP_CROP:
        put(t, " axis %d %lld+%lld", at->axis, (long long)at->start,
            (long long)at->length);
        break;
    case DMX_OP_CONCAT:
        put(t, " axis %d", at->axis);
        break;
    case DMX_OP_STFT:
    case DMX_OP_ISTFT:
        put(t, " nfft %lld hop %lld", (long long)at->nfft, (long long)at->hop);
        break;
    case DMX_OP_CONV:
    case DMX_OP_CONV_TRANSPOSE:
        put_conv(t, at);
        break;
    case DMX_OP_GROUP_NORM:
        put(t, " groups %lld%s eps %g", (long long)at->groups,
            at->per_row ? " per row" : "", at->epsilon);
        break;
    case DMX_OP_STANDARDIZE:
    case DMX_OP_LAYER_NORM:
        put(t, " eps %g", at->epsilon);
        break;
    case DMX_OP_ADD:
    case DMX_OP_BIAS:
    case DMX_OP_FREQ_EMBEDDING:
        put(t, " alpha %g", at->alpha);
        break;
    case DMX_OP_ATTENTION:
        put(t, " heads %lld scale %g", (long long)at->heads, at->scale);
        break;
    case DMX_OP_POSITION_1D:
        put_position(t, at);
        break;
    case DMX_OP_POSITION_2D:
        put(t, " period %g", at->max_period);
        break;
    default:
        break;
    }
}

static void put_weights(text *t, const dmx_node *node)
{
    char shape[128];
    for (int i = 0; i < node->n_operand; i++)
        if (node->operand[i] != NULL)
            put(t, " %s %s",
                i > 0 || node->op == DMX_OP_BIAS ? "bias" : "weight",
                dmx_tensor_shape_text(node->operand[i], shape, sizeof shape));
}

void dmx_graph_print(const dmx_graph *g, void (*line)(void *, const char *),
                     void *user)
{
    for (size_t i = 0; i < g->n_node; i++) {
        const dmx_node *node = &g->node[i];
        text t = {.used = 0};
        for (int k = 0; k < node->n_out; k++)
            put_value(&t, g, node->out[k]);
        put(&t, "= %s(", dmx_op_name(node->op));
        for (int k = 0; k < node->n_in; k++)
            put(&t, "%s%%%d", k > 0 ? ", " : "", (int)node->in[k]);
        put(&t, ") %s", node->path);
        put_attributes(&t, node);
        put_weights(&t, node);
        line(user, t.data);
    }
}
