/* Prints the graph as text, one node per line, so that a change in a network
 * shows as a diff. */
#include "graph/graph.h"

#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>

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
    const dmx_dims d = dmx_graph_dims(g, v);
    char length[128];
    put(t, "%%%d ", (int)v);
    for (int k = 0; k < d.rank; k++)
        put(t, "[%s]", dmx_length_text(d.dim[k], length, sizeof length));
    put(t, d.rank > 0 ? " " : "[] ");
}

/* Prints a number, or its rule. */
static void put_length(text *t, int64_t number, dmx_length rule)
{
    char length[128];
    if (number != DMX_ANY)
        put(t, "%lld", (long long)number);
    else
        put(t, "%s", dmx_length_text(rule, length, sizeof length));
}

/* ---- attributes, one function for each kind of operations.def ------------ */

static void put_none(text *t, const dmx_attributes *at)
{
    (void)t;
    (void)at;
}

static void put_axis(text *t, const dmx_attributes *at)
{
    put(t, " axis %d", at->axis);
}

static void put_pad(text *t, const dmx_attributes *at)
{
    if (at->after != DMX_ANY) {
        put(t, " axis %d %lld,%lld", at->axis, (long long)at->before,
            (long long)at->after);
        return;
    }
    put(t, " axis %d%s to ", at->axis,
        at->fit == DMX_FIT_CENTRE ? " around" : "");
    put_length(t, DMX_ANY, at->extent);
}

static void put_crop(text *t, const dmx_attributes *at)
{
    if (at->start == DMX_ANY)
        put(t, " axis %d centre+", at->axis);
    else
        put(t, " axis %d %lld+", at->axis, (long long)at->start);
    put_length(t, at->length, at->extent);
}

static void put_transform(text *t, const dmx_attributes *at)
{
    static const char *const kinds[] = {"", " hybrid_old", " centred"};
    put(t, " nfft %lld hop %lld%s", (long long)at->nfft, (long long)at->hop,
        kinds[at->frames_of]);
}

static void put_wiener(text *t, const dmx_attributes *at)
{
    put(t, " iterations %lld%s", (long long)at->iterations,
        at->residual ? " residual" : "");
}

static void put_resample(text *t, const dmx_attributes *at)
{
    put(t, " %lld/%lld", (long long)at->up, (long long)at->down);
}

static void put_chunk(text *t, const dmx_attributes *at)
{
    put(t, " hidden %lld layers %lld", (long long)at->hidden,
        (long long)at->layers);
    if (at->chunk > 0)
        put(t, " chunk %lld", (long long)at->chunk);
}

static void put_conv(text *t, const dmx_attributes *at)
{
    const dmx_conv_geometry *c = &at->conv;
    put(t, " kernel %lldx%lld stride %lldx%lld", (long long)c->kernel[0],
        (long long)c->kernel[1], (long long)c->stride[0],
        (long long)c->stride[1]);
    if (c->padding[0][0] + c->padding[0][1] + c->padding[1][0] +
            c->padding[1][1] !=
        0)
        put(t, " padding %lld,%lld x %lld,%lld", (long long)c->padding[0][0],
            (long long)c->padding[0][1], (long long)c->padding[1][0],
            (long long)c->padding[1][1]);
    if (c->dilation[0] > 1 || c->dilation[1] > 1)
        put(t, " dilation %lldx%lld", (long long)c->dilation[0],
            (long long)c->dilation[1]);
}

static void put_group_norm(text *t, const dmx_attributes *at)
{
    put(t, " groups %lld%s eps %g", (long long)at->groups,
        at->rows == DMX_ROWS_BATCH ? " per row" : "", at->epsilon);
}

static void put_epsilon(text *t, const dmx_attributes *at)
{
    put(t, " eps %g", at->epsilon);
}

static void put_alpha(text *t, const dmx_attributes *at)
{
    put(t, " alpha %g", at->alpha);
}

static void put_attention(text *t, const dmx_attributes *at)
{
    put(t, " heads %lld scale %g", (long long)at->heads, at->scale);
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

static void put_period(text *t, const dmx_attributes *at)
{
    put(t, " period %g", at->max_period);
}

static void put_attributes(text *t, const dmx_node *node)
{
    static void (*const table[DMX_OP_COUNT])(text *, const dmx_attributes *) = {
#define DMX_OPERATION(NAME, name, least, most, outputs, operands, attributes,  \
                      shape, channels, place, work)                            \
    [DMX_OP_##NAME] = put_##attributes,
#include "graph/operations.def"
#undef DMX_OPERATION
    };
    table[node->op](t, &node->at);
}

static void put_operands(text *t, const dmx_node *node)
{
    char name[64], shape[128];
    for (int i = 0; i < node->n_operand; i++)
        if (node->operand[i] != NULL)
            put(t, " %s %s", dmx_operand_name(node->op, i, name, sizeof name),
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
        put_operands(&t, node);
        line(user, t.data);
    }
}
