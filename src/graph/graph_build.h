/* Shared by the files of graph/: creating nodes. */
#ifndef DMX_GRAPH_GRAPH_BUILD_H
#define DMX_GRAPH_GRAPH_BUILD_H

#include "graph/graph.h"

/* Far above any value of a real network; the sum of a few still fits in int64.
 */
#define DMX_MAX_ELEMENTS ((int64_t)1 << 33)

/* Records that a node's inputs, operands or attributes do not fit together. */
dmx_value dmx_graph_misfit(dmx_graph *g, const char *path, const char *what);

/* A node with its inputs, not yet in the graph; NULL after an error. The path
 * is copied. */
dmx_node *dmx_graph_append(dmx_graph *g, dmx_op op, const char *path,
                           const dmx_value *in, int n_in);

/* Gives the node its operands; the list is copied, entries may be NULL. */
void dmx_graph_operands(dmx_graph *g, dmx_node *node,
                        const dmx_tensor *const *list, int count);

/* Checks the node by its operation's rule, creates its outputs and adds it to
 * the graph; returns the first output. */
dmx_value dmx_graph_finish(dmx_graph *g, dmx_node *node);

/* Weights as the last two arguments of dmx_graph_operands. */
#define DMX_OPERANDS(...)                                                      \
    (const dmx_tensor *const[]){__VA_ARGS__},                                  \
        (int)(sizeof((const dmx_tensor *[]){__VA_ARGS__}) / sizeof(void *))

#endif
