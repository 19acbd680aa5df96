/* The named values of an ONNX model and what the growth scan knows about each.
 */
#ifndef DMX_RUNTIME_GROWTH_VALUES_H
#define DMX_RUNTIME_GROWTH_VALUES_H

#include "runtime/growth_fields.h"
#include "runtime/growth_shape.h"

#define DMX_GROWTH_DEPTH 32 /* nesting depth of graphs, as in the wire scan */

/* What is known about a named value. */
typedef struct dmx_growth {
    dmx_wire_span name;
    bool used, defined;
    bool computed;   /* depends on the model's inputs, so only computed when it
                        runs */
    uint64_t copies; /* of one element, in this value */
    uint64_t volume; /* product of its elements if known, else 1 */
    dmx_growth_shape shape;
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

#endif
