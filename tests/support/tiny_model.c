#include "tiny_model.h"

#include "test_support.h"
#include <stdio.h>
#include <stdlib.h>

#define MAX_NODES 4096

struct tiny_model {
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opset_list[1];
    Onnx__NodeProto node[MAX_NODES], *node_list[MAX_NODES];
    char *in[MAX_NODES][2], *out[MAX_NODES][1], name[MAX_NODES][16];
    Onnx__TensorProto tensor[2], *tensor_list[2];
    int64_t axes[1], axes_dim[1], gain_dim[4];
    float gain[2];
    struct port {
        Onnx__ValueInfoProto info, *list[1];
        Onnx__TypeProto type;
        Onnx__TypeProto__Tensor tensor;
        Onnx__TensorShapeProto shape;
        Onnx__TensorShapeProto__Dimension dim[4], *dim_list[4];
    } input, output;
};

static void make_port(struct port *p, char *name, size_t rank,
                      const int64_t *dim)
{
    onnx__value_info_proto__init(&p->info);
    onnx__type_proto__init(&p->type);
    onnx__type_proto__tensor__init(&p->tensor);
    onnx__tensor_shape_proto__init(&p->shape);
    for (size_t i = 0; i < rank; i++) {
        onnx__tensor_shape_proto__dimension__init(&p->dim[i]);
        p->dim[i].value_case =
            ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        p->dim[i].dim_value = dim[i];
        p->dim_list[i] = &p->dim[i];
    }
    p->shape.n_dim = rank;
    p->shape.dim = p->dim_list;
    p->tensor.has_elem_type = 1;
    p->tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    p->tensor.shape = &p->shape;
    p->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    p->type.tensor_type = &p->tensor;
    p->info.name = name;
    p->info.type = &p->type;
    p->list[0] = &p->info;
}

static void add_node(tiny_model *t, char *op, char *a, char *b, char *result)
{
    const size_t i = t->graph.n_node++;
    Onnx__NodeProto *n = &t->node[i];
    onnx__node_proto__init(n);
    snprintf(t->name[i], sizeof t->name[i], "node.%zu", i);
    t->in[i][0] = a;
    t->in[i][1] = b;
    t->out[i][0] = result;
    n->name = t->name[i];
    n->op_type = op;
    n->n_input = b != NULL ? 2 : 1;
    n->input = t->in[i];
    n->n_output = 1;
    n->output = t->out[i];
    t->node_list[i] = n;
}

static void make_constants(tiny_model *t)
{
    t->axes[0] = 1;
    t->axes_dim[0] = 1;
    for (int i = 0; i < 4; i++)
        t->gain_dim[i] = i == 1 ? 2 : 1;
    t->gain[0] = 0.5f;
    t->gain[1] = 2.0f;
    for (int i = 0; i < 2; i++) {
        onnx__tensor_proto__init(&t->tensor[i]);
        t->tensor[i].has_data_type = 1;
        t->tensor_list[i] = &t->tensor[i];
    }
    t->tensor[0].name = "axes";
    t->tensor[0].data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    t->tensor[0].n_dims = 1;
    t->tensor[0].dims = t->axes_dim;
    t->tensor[0].n_int64_data = 1;
    t->tensor[0].int64_data = t->axes;
    t->tensor[1].name = "gain";
    t->tensor[1].data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    t->tensor[1].n_dims = 4;
    t->tensor[1].dims = t->gain_dim;
    t->tensor[1].has_raw_data = 1;
    t->tensor[1].raw_data.len = sizeof t->gain;
    t->tensor[1].raw_data.data = (uint8_t *)t->gain;
}

static void make_nodes(tiny_model *t, int repeats)
{
    add_node(t, "Unsqueeze", "mix", "axes", "wide");
    add_node(t, "Mul", "wide", "gain", repeats > 0 ? "node.1" : "stems");
    for (int i = 0; i < repeats; i++)
        add_node(t, "Abs", t->name[i + 1], NULL,
                 i + 1 < repeats ? t->name[i + 2] : "stems");
    for (int i = 2; i < repeats + 1; i++)
        snprintf(t->name[i], sizeof t->name[i], "node.%d", i);
}

tiny_model *tiny_model_open(int64_t samples, int repeats)
{
    tiny_model *t = calloc(1, sizeof *t);
    assert_non_null(t);
    assert_true(repeats + 2 <= MAX_NODES);
    onnx__model_proto__init(&t->model);
    onnx__graph_proto__init(&t->graph);
    onnx__operator_set_id_proto__init(&t->opset);
    t->graph.node = t->node_list;
    make_port(&t->input, "mix", 3, (const int64_t[]){1, 2, samples});
    make_port(&t->output, "stems", 4, (const int64_t[]){1, 2, 2, samples});
    make_constants(t);
    make_nodes(t, repeats);
    t->graph.name = "tiny";
    t->graph.n_input = t->graph.n_output = 1;
    t->graph.input = t->input.list;
    t->graph.output = t->output.list;
    t->graph.n_initializer = 2;
    t->graph.initializer = t->tensor_list;
    t->opset_list[0] = &t->opset;
    t->opset.domain = "";
    t->opset.has_version = 1;
    t->opset.version = 17;
    t->model.has_ir_version = 1;
    t->model.ir_version = 8;
    t->model.n_opset_import = 1;
    t->model.opset_import = t->opset_list;
    t->model.graph = &t->graph;
    return t;
}

void tiny_model_close(tiny_model *tiny)
{
    free(tiny);
}

Onnx__ModelProto *tiny_model_proto(tiny_model *tiny)
{
    return &tiny->model;
}

unsigned char *tiny_model_pack(const tiny_model *tiny, size_t *size)
{
    *size = onnx__model_proto__get_packed_size(&tiny->model);
    unsigned char *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(onnx__model_proto__pack(&tiny->model, bytes), *size);
    return bytes;
}
