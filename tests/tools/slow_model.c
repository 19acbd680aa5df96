/* slow_model FILE: a model of a kilobyte that takes ONNX Runtime many seconds
 * to load: it multiplies a chain of large constant matrices, as many elements
 * as readers of untrusted files let pass. */
#include "test_support.h"
#include "tiny_model.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define PRODUCTS 6

typedef struct slow_node {
    Onnx__NodeProto node;
    char name[16], *in[2], *out[1];
} slow_node;

static slow_node slow[PRODUCTS + 1];
static Onnx__NodeProto *list[PRODUCTS + 8];
static Onnx__TensorProto shape, *tensors[8];
static int64_t rank[1] = {2}, side[2] = {6000, 6000};

static char *add(size_t i, char *type, char *a, char *b)
{
    slow_node *s = &slow[i];
    onnx__node_proto__init(&s->node);
    snprintf(s->name, sizeof s->name, "slow.%zu", i);
    s->in[0] = a;
    s->in[1] = b;
    s->out[0] = s->name;
    s->node.op_type = type;
    s->node.input = s->in;
    s->node.n_input = b != NULL ? 2 : 1;
    s->node.output = s->out;
    s->node.n_output = 1;
    return s->name;
}

static void put_shape(Onnx__GraphProto *g)
{
    onnx__tensor_proto__init(&shape);
    shape.name = "side";
    shape.has_data_type = 1;
    shape.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    shape.n_dims = 1;
    shape.dims = rank;
    shape.n_int64_data = 2;
    shape.int64_data = side;
    for (size_t i = 0; i < g->n_initializer; i++)
        tensors[i] = g->initializer[i];
    tensors[g->n_initializer++] = &shape;
    g->initializer = tensors;
}

static void put_nodes(Onnx__GraphProto *g)
{
    size_t n = 0;
    for (; n < g->n_node; n++)
        list[n] = g->node[n];
    char *x = add(0, "ConstantOfShape", "side", NULL);
    list[n++] = &slow[0].node;
    for (size_t i = 1; i <= PRODUCTS; i++) {
        x = add(i, "MatMul", x, x);
        list[n++] = &slow[i].node;
    }
    g->node = list;
    g->n_node = n;
}

int main(int argc, char **argv)
{
    tiny_model *tiny = tiny_model_open(44100, 1);
    Onnx__GraphProto *g = tiny_model_proto(tiny)->graph;
    put_shape(g);
    put_nodes(g);
    size_t size;
    unsigned char *bytes = tiny_model_pack(tiny, &size);
    FILE *f = argc == 2 ? fopen(argv[1], "wb") : NULL;
    const bool written = f != NULL && fwrite(bytes, 1, size, f) == size;
    const bool closed = f != NULL && fclose(f) == 0;
    free(bytes);
    tiny_model_close(tiny);
    return written && closed ? 0 : 1;
}
