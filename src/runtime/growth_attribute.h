/* The attributes of a node. */
#ifndef DMX_RUNTIME_GROWTH_ATTRIBUTE_H
#define DMX_RUNTIME_GROWTH_ATTRIBUTE_H

#include "runtime/growth_shape.h"

/* The attribute of that name among a node's fields; false: there is none. */
bool dmx_growth_find_attribute(dmx_wire_span *out, dmx_wire_span node,
                               const char *name);
int64_t dmx_growth_integer(const dmx_growth_node *n, const char *name,
                           int64_t otherwise);

/* A list of integers: an attribute of older opsets, or else an input, if there
 * is one of that number. */
dmx_growth_shape dmx_growth_list(const dmx_growth_node *n, const char *name,
                                 size_t input);

/* An axis counted from either end; -1: none of this rank. */
int dmx_growth_axis(double number, int rank);

#endif
