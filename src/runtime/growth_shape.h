/* What the growth scan knows of a constant's shape: exact, or an upper bound
 * for operators that only leave something out. */
#ifndef DMX_RUNTIME_GROWTH_SHAPE_H
#define DMX_RUNTIME_GROWTH_SHAPE_H

#include "runtime/wire_field.h"

enum { DMX_GROWTH_RANK = 8, DMX_GROWTH_NUMBERS = 16, DMX_GROWTH_INPUTS = 4 };

typedef struct dmx_growth_shape {
    bool known; /* rank and dim */
    int rank;
    uint64_t dim[DMX_GROWTH_RANK];
    bool listed; /* count and number: the elements of a short list */
    int count;
    double number[DMX_GROWTH_NUMBERS];
} dmx_growth_shape;

/* A node whose inputs are all constants; absent ones are unknown. */
typedef struct dmx_growth_node {
    dmx_wire_span type, fields;
    dmx_growth_shape input[DMX_GROWTH_INPUTS]; /* the first ones */
    size_t inputs;                             /* all */
} dmx_growth_node;

/* The first output's shape. Source: the operators' own specifications in ONNX,
 * opsets 1 to 21. */
dmx_growth_shape dmx_growth_shape_of(const dmx_growth_node *node);

/* A tensor's, with its numbers where it is short. */
dmx_growth_shape dmx_growth_shape_tensor(dmx_wire_span tensor);

/* Add an axis, or a number to the list; more than fit make it unknown. */
void dmx_growth_add_dim(dmx_growth_shape *shape, uint64_t n);
void dmx_growth_add_number(dmx_growth_shape *shape, double x);
void dmx_growth_add_integer(dmx_growth_shape *shape, uint64_t n);
/* Those of a field, packed or not. */
void dmx_growth_add_integers(dmx_growth_shape *shape, const dmx_wire_field *f,
                             void (*add)(dmx_growth_shape *, uint64_t));

/* Saturating; 1 where the shape is not known. */
uint64_t dmx_growth_elements(const dmx_growth_shape *shape);

#endif
