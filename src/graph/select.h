/* Extracts the part of a network that computes some of its output channels. */
#ifndef DMX_GRAPH_SELECT_H
#define DMX_GRAPH_SELECT_H

#include "graph/graph.h"

/* *out computes channels row[0..count) (rising) of g's output, exactly as g
 * does: the last operations that keep channels apart, and the weights before
 * them, lose the rows that are not needed. *out is closed with dmx_graph_close;
 * g's weights must outlive it. Fails with ARGUMENT or MEMORY. */
DMX_MUST_CHECK dmx_status dmx_graph_select(dmx_graph **out, const dmx_graph *g,
                                           const int64_t *row, size_t count,
                                           dmx_error *err);

#endif
