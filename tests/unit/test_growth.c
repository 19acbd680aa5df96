/* Models of a kilobyte that would make libraries compute for minutes are
 * refused before any of them parses the file. What exporters write passes. */
#include "runtime/growth_scan.h"
#include "runtime/wire_scan.h"
#include "test_support.h"
#include "tiny_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 256

/* A graph of constants next to tiny_model's. */
typedef struct bomb {
    tiny_model *tiny;
    Onnx__GraphProto *graph;
    Onnx__NodeProto node[MOST], *list[MOST];
    Onnx__AttributeProto axis, *attribute[1], body, *bodies[1];
    char name[MOST][16], *in[MOST][2], *out[MOST][1];
    Onnx__TensorProto seed, *tensors[16];
    Onnx__TensorProto more[8];
    int64_t more_dim[8][1], more_number[8][4];
    size_t n_more;
    int64_t dim[1], number[4];
    size_t n;
} bomb;

static bomb *open_bomb(void)
{
    bomb *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->tiny = tiny_model_open(1000, 1);
    b->graph = tiny_model_proto(b->tiny)->graph;
    for (; b->n < b->graph->n_node; b->n++)
        b->list[b->n] = b->graph->node[b->n];
    b->graph->node = b->list;
    size_t k = 0;
    for (; k < b->graph->n_initializer; k++)
        b->tensors[k] = b->graph->initializer[k];
    onnx__tensor_proto__init(&b->seed);
    b->dim[0] = 2;
    b->number[0] = b->number[1] = 3;
    b->seed.name = "seed";
    b->seed.has_data_type = 1;
    b->seed.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    b->seed.n_dims = 1;
    b->seed.dims = b->dim;
    b->seed.n_int64_data = 2;
    b->seed.int64_data = b->number;
    b->tensors[k++] = &b->seed;
    b->graph->initializer = b->tensors;
    b->graph->n_initializer = k;
    onnx__attribute_proto__init(&b->axis);
    b->axis.name = "axis";
    b->axis.has_type = b->axis.has_i = 1;
    b->axis.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    b->attribute[0] = &b->axis;
    return b;
}

static void close_bomb(bomb *b)
{
    tiny_model_close(b->tiny);
    free(b);
}

/* Adds a node; returns its output's name. */
static char *add(bomb *b, char *type, char *x, char *y)
{
    const size_t i = b->n++;
    Onnx__NodeProto *n = b->list[i] = &b->node[i];
    onnx__node_proto__init(n);
    snprintf(b->name[i], sizeof b->name[i], "bomb.%zu", i);
    n->op_type = type;
    b->in[i][0] = x;
    b->in[i][1] = y;
    b->out[i][0] = b->name[i];
    n->input = b->in[i];
    n->n_input = y != NULL ? 2 : 1;
    n->output = b->out[i];
    n->n_output = 1;
    if (strcmp(type, "Concat") == 0) {
        n->attribute = b->attribute;
        n->n_attribute = 1;
    }
    b->graph->n_node = b->n;
    return b->name[i];
}

static dmx_status scan(const bomb *b, dmx_error *err)
{
    size_t size;
    unsigned char *bytes = tiny_model_pack(b->tiny, &size);
    *err = (dmx_error)DMX_ERROR_INIT;
    assert_ok(dmx_wire_scan(bytes, size, NULL, err), err);
    const dmx_status status = dmx_growth_scan(bytes, size, NULL, err);
    free(bytes);
    return status;
}

static void is_refused(const bomb *b, const char *words)
{
    dmx_error err;
    assert_int_equal(scan(b, &err), DMX_ERROR_LIMIT);
    assert_non_null(strstr(err.message, words));
}

/* Some nodes of these types in turn between the doublings. */
static char *doubled(bomb *b, char *x, int times, char *between)
{
    for (int i = 0; i < times; i++) {
        x = add(b, "Concat", x, x);
        if (between != NULL)
            x = add(b, between, x, NULL);
    }
    return x;
}

static void doublings_are_refused(void **state)
{
    (void)state;
    static char *const between[] = {NULL, "Identity", "Slice", "Abs",
                                    "MadeUpOperator"};
    for (size_t k = 0; k < sizeof between / sizeof *between; k++) {
        bomb *b = open_bomb();
        doubled(b, "seed", 30, between[k]);
        is_refused(b, "joined to themselves");
        close_bomb(b);
        b = open_bomb();
        doubled(b, add(b, "Shape", "mix", NULL), 30, between[k]);
        is_refused(b, "joined to themselves");
        close_bomb(b);
    }
}

/* As Fibonacci numbers: no node has the same input twice. */
static void slower_growth_is_refused(void **state)
{
    (void)state;
    bomb *b = open_bomb();
    char *old = "seed", *new = add(b, "Concat", "seed", "seed");
    for (int i = 0; i < 60; i++) {
        char *next = add(b, "Concat", old, new);
        old = new;
        new = next;
    }
    is_refused(b, "joined to themselves");
    close_bomb(b);
}

static void a_shape_that_fills_is_refused(void **state)
{
    (void)state;
    static char *const through[] = {NULL, "Identity", "Cast", "Squeeze"};
    for (size_t k = 0; k < sizeof through / sizeof *through; k++)
        for (int joined = 0; joined < 2; joined++) {
            bomb *b = open_bomb();
            b->number[0] = joined ? 1 << 10 : 1 << 20;
            b->number[1] = 1 << 10;
            char *x = "seed";
            if (through[k] != NULL)
                x = add(b, through[k], x, NULL);
            if (joined)
                x = add(b, "Concat", x, x);
            add(b, "ConstantOfShape", x, NULL);
            is_refused(b, "filled from its shape");
            close_bomb(b);
        }
    bomb *b = open_bomb();
    b->number[0] = b->number[1] = 1 << 20;
    add(b, "Expand", "gain", "seed");
    is_refused(b, "filled from its shape");
    close_bomb(b);
    b = open_bomb();
    b->number[0] = 1LL << 40;
    add(b, "Range", "axes", "seed");
    is_refused(b, "filled from its shape");
    close_bomb(b);
}

/* An initializer of int64 numbers. */
static char *numbers(bomb *b, char *name, const int64_t *number, int64_t count)
{
    const size_t i = b->graph->n_initializer++;
    Onnx__TensorProto *t = b->tensors[i] = &b->more[b->n_more];
    int64_t *dim = b->more_dim[b->n_more];
    memcpy(b->more_number[b->n_more], number, (size_t)count * sizeof *number);
    onnx__tensor_proto__init(t);
    t->name = name;
    t->has_data_type = 1;
    t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    dim[0] = count;
    t->n_dims = 1;
    t->dims = dim;
    t->n_int64_data = (size_t)count;
    t->int64_data = b->more_number[b->n_more++];
    return name;
}

/* Each step makes the constant larger by a small factor. */
static void small_steps_are_refused(void **state)
{
    (void)state;
    static const struct {
        char *type;
        int64_t number[2], count;
    } step[] = {{"Tile", {2}, 1}, {"Pad", {70000000, 70000000}, 2}};
    for (size_t k = 0; k < sizeof step / sizeof *step; k++) {
        bomb *b = open_bomb();
        char *by = numbers(b, "by", step[k].number, step[k].count);
        char *x = "seed";
        for (int i = 0; i < 30; i++)
            x = add(b, step[k].type, x, by);
        is_refused(b, "computed from smaller ones");
        close_bomb(b);
    }
}

/* A column times a row, by whatever multiplies sizes. */
static void outer_products_are_refused(void **state)
{
    (void)state;
    static char *const types[] = {"Add", "MatMul", "Where", "Less", "Gemm"};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        for (int through = 0; through < 3; through++) {
            bomb *b = open_bomb();
            static const int64_t column[] = {40000, 1}, row[] = {1, 40000};
            char *x =
                add(b, "ConstantOfShape", numbers(b, "c", column, 2), NULL);
            char *y = add(b, "ConstantOfShape", numbers(b, "r", row, 2), NULL);
            static char *const via[] = {"Identity", "Exp", "Slice"};
            x = add(b, via[through], x, NULL);
            add(b, types[k], x, y);
            is_refused(b, "computed from smaller ones");
            close_bomb(b);
        }
}

/* Every one is small. */
static void many_constants_are_refused(void **state)
{
    (void)state;
    bomb *b = open_bomb();
    static const int64_t size[] = {1 << 13, 1 << 10};
    char *shape = numbers(b, "s", size, 2);
    for (int i = 0; i < 64; i++)
        add(b, "ConstantOfShape", shape, NULL);
    is_refused(b, "computed from smaller ones");
    close_bomb(b);
}

static void indices_are_refused(void **state)
{
    (void)state;
    bomb *b = open_bomb();
    static const int64_t size[] = {40000};
    char *at = add(b, "ConstantOfShape", numbers(b, "s", size, 1), NULL);
    char *x = add(b, "Unsqueeze", at, numbers(b, "axes", (int64_t[]){1}, 1));
    add(b, "Gather", add(b, "Gather", x, at), at);
    dmx_error err;
    assert_ok(scan(b, &err), &err); /* axis 0 both times: no larger */
    add(b, "OneHot", at, numbers(b, "depth", size, 1));
    is_refused(b, "computed from smaller ones");
    close_bomb(b);
}

static void graphs_inside_count(void **state)
{
    (void)state;
    bomb *b = open_bomb();
    bomb *inside = open_bomb();
    doubled(inside, "seed", 30, NULL);
    add(b, "If", "seed", NULL);
    Onnx__NodeProto *n = b->list[b->n - 1];
    onnx__attribute_proto__init(&b->body);
    b->body.name = "then_branch";
    b->body.has_type = 1;
    b->body.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
    b->body.g = inside->graph;
    b->bodies[0] = &b->body;
    n->attribute = b->bodies;
    n->n_attribute = 1;
    is_refused(b, "joined to themselves");
    close_bomb(inside);
    close_bomb(b);
}

/* Backwards, each value would count as nothing where it is used. */
static void order_is_asked_for(void **state)
{
    (void)state;
    bomb *b = open_bomb();
    const size_t first = b->n;
    doubled(b, "seed", 30, NULL);
    for (size_t i = first, k = b->n - 1; i < k; i++, k--) {
        Onnx__NodeProto *n = b->list[i];
        b->list[i] = b->list[k];
        b->list[k] = n;
    }
    dmx_error err;
    assert_int_equal(scan(b, &err), DMX_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "order"));
    close_bomb(b);
}

static void ordinary_models_pass(void **state)
{
    (void)state;
    dmx_error err;
    bomb *b = open_bomb();
    assert_ok(scan(b, &err), &err);
    /* As many concatenations as an exporter makes for shapes, and a window's
     * length. */
    doubled(b, add(b, "Shape", "mix", NULL), 10, "Slice");
    b->number[0] = 4;
    b->number[1] = 441000;
    add(b, "ConstantOfShape", "seed", NULL);
    assert_ok(scan(b, &err), &err);
    /* Dense connections between computed values are not constants. */
    doubled(b, "mix", 60, "Abs");
    assert_ok(scan(b, &err), &err);
    close_bomb(b);
}

/* No operator is trusted to have the inputs that it should. */
static void any_number_of_inputs(void **state)
{
    (void)state;
    static char *const types[] = {
        "Identity",  "Abs",     "Add",      "ReduceSum", "MatMul",
        "Gemm",      "Concat",  "Constant", "Transpose", "QLinearMatMul",
        "Unsqueeze", "Squeeze", "Reshape",  "Expand",    "ConstantOfShape",
        "Tile",      "Pad",     "Resize",   "Upsample",  "Gather",
        "OneHot",    "Range"};
    char *seeds[] = {"seed", "seed", "seed", "seed", "seed", "seed"};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        for (size_t n = 0; n <= sizeof seeds / sizeof *seeds; n++) {
            dmx_error err;
            bomb *b = open_bomb();
            (void)add(b, types[k], "seed", NULL);
            b->node[b->n - 1].input = seeds;
            b->node[b->n - 1].n_input = n;
            assert_ok(scan(b, &err), &err);
            close_bomb(b);
        }
}

static int stop(void *user, const char *stage, double fraction)
{
    (void)user;
    (void)stage;
    (void)fraction;
    return 1;
}

static void it_can_be_stopped(void **state)
{
    (void)state;
    const dmx_hooks hooks = {.size = sizeof hooks, .progress = stop};
    bomb *b = open_bomb();
    size_t size;
    unsigned char *bytes = tiny_model_pack(b->tiny, &size);
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(dmx_growth_scan(bytes, size, &hooks, &err),
                     DMX_ERROR_CANCELLED);
    free(bytes);
    close_bomb(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doublings_are_refused),
        cmocka_unit_test(slower_growth_is_refused),
        cmocka_unit_test(a_shape_that_fills_is_refused),
        cmocka_unit_test(small_steps_are_refused),
        cmocka_unit_test(outer_products_are_refused),
        cmocka_unit_test(many_constants_are_refused),
        cmocka_unit_test(indices_are_refused),
        cmocka_unit_test(graphs_inside_count),
        cmocka_unit_test(order_is_asked_for),
        cmocka_unit_test(ordinary_models_pass),
        cmocka_unit_test(any_number_of_inputs),
        cmocka_unit_test(it_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
