/* The named values of an ONNX model and what the growth scan knows about each.
 */
#ifndef DMX_RUNTIME_GROWTH_VALUES_H
#define DMX_RUNTIME_GROWTH_VALUES_H

#include "runtime/wire_field.h"

#define DMX_GROWTH_DEPTH 32 /* nesting depth of graphs, as in the wire scan */

/* Field numbers of onnx.proto; see runtime/onnx_fields.h. */
enum {
    MODEL_GRAPH = 7,
    GRAPH_NODE = 1,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_SPARSE = 15,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_TYPE = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_TENSOR = 5,
    ATTRIBUTE_GRAPH = 6,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_GRAPHS = 11,
    TENSOR_INT64 = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_TYPE = 2,
    SPARSE_VALUES = 1,
    VALUE_NAME = 1,
    TYPE_INT64 = 7,
};

/* What is known about a named value. */
typedef struct dmx_growth {
    dmx_wire_span name;
    bool used, defined;
    bool computed;   /* depends on the model's inputs, so only computed when it
                        runs */
    uint64_t copies; /* of one element, in this value */
    uint64_t volume; /* product of its elements if known, else 1 */
} dmx_growth;

typedef struct dmx_growth_values {
    dmx_growth *value; /* by name, each name once */
    size_t count;
} dmx_growth_values;

/* Lists the names of all values in the graph and its subgraphs. False: no
 * memory. Free .value. */
bool dmx_growth_values_of(dmx_growth_values *out, dmx_wire_span graph);

/* The value of this name, or NULL. */
dmx_growth *dmx_growth_find(const dmx_growth_values *values,
                            dmx_wire_span name);

/* An initializer, dense or sparse: its name, and the product of its elements if
 * they are int64. */
dmx_growth dmx_growth_tensor(dmx_wire_span tensor);
dmx_growth dmx_growth_sparse(dmx_wire_span tensor);

/* The same for the value of an attribute: a tensor, or a list of integers. */
uint64_t dmx_growth_attribute(dmx_wire_span attribute);

/* The name in a ValueInfoProto. */
dmx_wire_span dmx_growth_name(dmx_wire_span info);

/* Saturating sums and products. */
uint64_t dmx_growth_times(uint64_t a, uint64_t b);
uint64_t dmx_growth_plus(uint64_t a, uint64_t b);

#endif
