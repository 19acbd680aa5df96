#include "runtime/growth_scan.h"
#include "runtime/growth_values.h"

#include <stdlib.h>

/* How many copies of one element a constant may hold: PyTorch exports
 * concatenate pieces of shapes a few dozen times at most. */
#define MOST_COPIES ((uint64_t)1 << 22)

/* The number of elements that a shape alone may create, or nodes from smaller
 * constants; weights are stored in full. */
#define MOST_FILLED ((uint64_t)1 << 28)

#define ASK_EVERY 1024 /* nodes between checks for cancellation */

typedef struct scan {
    dmx_growth_values all;
    uint64_t copies;         /* the most of any value in the current graph */
    uint64_t elements, most; /* of all constants that nodes make */
    size_t nodes;
    const dmx_hooks *hooks;
    dmx_error *err;
} scan;

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Nodes must come after what they use, as ONNX requires; otherwise a value
 * would count as nothing where it is used and grow later. */
static dmx_status define(scan *s, dmx_wire_span name, const dmx_growth *what)
{
    dmx_growth *v = dmx_growth_find(&s->all, name);
    if (v == NULL || name.at == name.end)
        return DMX_OK;
    DMX_RETURN_IF(v->used && !v->defined, s->err, DMX_ERROR_FORMAT,
                  "a node uses a value that a later one makes: the nodes are "
                  "not in the order that ONNX asks for");
    v->copies = greater(v->copies, what->copies);
    v->volume = greater(v->volume, what->volume);
    v->computed = what->computed && (v->computed || !v->defined);
    v->shape = what->shape;
    v->defined = true;
    if (!what->computed)
        s->copies = greater(s->copies, what->copies);
    return DMX_OK;
}

/* ------------------------------------------------------------------- nodes */

typedef struct node {
    dmx_wire_span type;
    size_t inputs;
    uint64_t volume[2];        /* of the first two inputs */
    uint64_t copies, together; /* the most of any one input; the sum over all */
    uint64_t product;          /* of the inputs' volumes */
    dmx_growth_node shapes;
    bool computed;
} node;

static void use(const scan *s, node *n, dmx_wire_span name)
{
    dmx_growth none = {.copies = 1, .volume = 1};
    dmx_growth *v = dmx_growth_find(&s->all, name);
    if (v == NULL || name.at == name.end)
        v = &none; /* omitted, or an error that the parsers will report */
    v->used = true;
    n->computed = n->computed || v->computed;
    n->copies = greater(n->copies, v->copies);
    n->together = dmx_growth_plus(n->together, v->copies);
    n->product = dmx_growth_times(n->product, greater(v->volume, 1));
    if (n->inputs < 2)
        n->volume[n->inputs] = v->volume;
    if (n->inputs < DMX_GROWTH_INPUTS)
        n->shapes.input[n->inputs] = v->shape;
    n->inputs++;
}

static bool is_any(dmx_wire_span type, const char *const *name)
{
    while (*name != NULL && !dmx_wire_is(type, *name))
        name++;
    return *name != NULL;
}

static dmx_status check_filled(const scan *s, const node *n)
{
    static const char *const by_second[] = {"Expand", "Tile", "Range", NULL};
    const uint64_t volume = dmx_wire_is(n->type, "ConstantOfShape")
                                ? n->volume[0]
                            : is_any(n->type, by_second) ? n->volume[1]
                                                         : 1;
    DMX_RETURN_IF(volume > MOST_FILLED, s->err, DMX_ERROR_LIMIT,
                  "a constant of more than %llu elements, filled from its "
                  "shape alone: refused",
                  (unsigned long long)MOST_FILLED);
    return DMX_OK;
}

/* What a node makes of constants counts, even if each alone is small. */
static dmx_status count_made(dmx_growth *out, scan *s, node *n)
{
    n->shapes.type = n->type;
    n->shapes.inputs = n->inputs;
    out->shape = dmx_growth_shape_of(&n->shapes);
    s->elements =
        dmx_growth_plus(s->elements, dmx_growth_elements(&out->shape));
    DMX_RETURN_IF(s->elements > s->most, s->err, DMX_ERROR_LIMIT,
                  "constants of more than %llu elements, computed from smaller "
                  "ones: refused",
                  (unsigned long long)MOST_FILLED);
    return DMX_OK;
}

/* A lower bound on the result of a node applied to constants. */
static dmx_status result(dmx_growth *out, scan *s, node *n)
{
    static const char *const shape[] = {"Shape", "Size", NULL};
    static const char *const join[] = {
        "Concat",         "SequenceConstruct", "ConcatFromSequence",
        "SequenceInsert", "StringConcat",      NULL};
    static const char *const same[] = {"Identity",  "Cast",    "Unsqueeze",
                                       "Squeeze",   "Reshape", "Flatten",
                                       "Transpose", NULL};
    *out = (dmx_growth){.copies = 1, .volume = 1};
    if (is_any(n->type, shape)) /* constant whatever the input contains */
        return DMX_OK;
    const bool joins = is_any(n->type, join);
    out->computed = n->computed;
    out->copies = greater(joins ? n->together : n->copies, 1);
    if (joins || dmx_wire_is(n->type, "Constant"))
        out->volume = n->product;
    else if (is_any(n->type, same))
        out->volume = greater(n->volume[0], 1);
    if (n->computed)
        return DMX_OK;
    DMX_RETURN_IF(out->copies > MOST_COPIES, s->err, DMX_ERROR_LIMIT,
                  "constants that are joined to themselves over and over, to "
                  "more than %llu copies: refused",
                  (unsigned long long)MOST_COPIES);
    DMX_FORWARD(check_filled(s, n));
    return count_made(out, s, n);
}

static dmx_status scan_graph(scan *s, dmx_wire_span graph, int depth);

/* A node with subgraphs may take on their results. */
static dmx_status scan_inside(scan *s, node *n, dmx_wire_span attribute,
                              int depth)
{
    dmx_wire_field f;
    while (dmx_wire_next(&f, &attribute)) {
        if (f.number != ATTRIBUTE_GRAPH && f.number != ATTRIBUTE_GRAPHS)
            continue;
        const uint64_t outside = s->copies;
        s->copies = 1;
        DMX_FORWARD(scan_graph(s, f.span, depth + 1));
        n->copies = greater(n->copies, s->copies);
        s->copies = greater(outside, s->copies);
    }
    return DMX_OK;
}

static dmx_status scan_attributes(scan *s, node *n, dmx_wire_span all,
                                  int depth)
{
    const bool constant = dmx_wire_is(n->type, "Constant");
    dmx_wire_field f;
    while (dmx_wire_next(&f, &all))
        if (f.number == NODE_ATTRIBUTE && constant)
            n->product =
                dmx_growth_times(n->product, dmx_growth_attribute(f.span));
        else if (f.number == NODE_ATTRIBUTE)
            DMX_FORWARD(scan_inside(s, n, f.span, depth));
    return DMX_OK;
}

static dmx_status scan_node(scan *s, dmx_wire_span all, int depth)
{
    node n = {.product = 1, .volume = {1, 1}, .shapes.fields = all};
    dmx_growth out;
    dmx_wire_field f;
    for (dmx_wire_span r = all; dmx_wire_next(&f, &r);)
        if (f.number == NODE_INPUT)
            use(s, &n, f.span);
        else if (f.number == NODE_TYPE)
            n.type = f.span;
    DMX_FORWARD(scan_attributes(s, &n, all, depth));
    DMX_FORWARD(result(&out, s, &n));
    for (dmx_wire_span r = all; dmx_wire_next(&f, &r);)
        if (f.number == NODE_OUTPUT)
            DMX_FORWARD(define(s, f.span, &out));
    return DMX_OK;
}

/* ------------------------------------------------------------------ graphs */

/* Defines the inputs and initializers; a name in both is a constant. */
static dmx_status define_given(scan *s, dmx_wire_span graph)
{
    static const dmx_growth computed = {
        .computed = true, .copies = 1, .volume = 1};
    dmx_wire_field f;
    while (dmx_wire_next(&f, &graph)) {
        dmx_growth v = computed;
        if (f.number == GRAPH_INITIALIZER)
            v = dmx_growth_tensor(f.span);
        else if (f.number == GRAPH_SPARSE)
            v = dmx_growth_sparse(f.span);
        else if (f.number == GRAPH_INPUT)
            v.name = dmx_growth_name(f.span);
        else
            continue;
        DMX_FORWARD(define(s, v.name, &v));
    }
    return DMX_OK;
}

static dmx_status scan_graph(scan *s, dmx_wire_span graph, int depth)
{
    DMX_RETURN_IF(depth > DMX_GROWTH_DEPTH, s->err, DMX_ERROR_LIMIT,
                  "graphs nested deeper than %d", DMX_GROWTH_DEPTH);
    DMX_FORWARD(define_given(s, graph));
    dmx_wire_field f;
    while (dmx_wire_next(&f, &graph)) {
        if (f.number != GRAPH_NODE)
            continue;
        if (s->nodes++ % ASK_EVERY == 0)
            DMX_FORWARD(dmx_progress(s->hooks, "reading", 1.0, s->err));
        DMX_FORWARD(scan_node(s, f.span, depth));
    }
    return DMX_OK;
}

static dmx_status scan_model(scan *s, dmx_wire_span graph)
{
    DMX_RETURN_IF(!dmx_growth_values_of(&s->all, graph), s->err,
                  DMX_ERROR_MEMORY, "no memory for the names of a model");
    const dmx_status status = scan_graph(s, graph, 0);
    free(s->all.value);
    return status;
}

dmx_status dmx_growth_scan(const void *bytes, size_t size,
                           const dmx_hooks *hooks, dmx_error *err)
{
    dmx_wire_span model = {bytes, (const unsigned char *)bytes + size};
    dmx_wire_field f;
    scan s = {.hooks = hooks, .err = err, .most = MOST_FILLED + 2 * size};
    while (dmx_wire_next(&f, &model))
        if (f.number == MODEL_GRAPH)
            return scan_model(&s, f.span);
    return DMX_OK;
}
