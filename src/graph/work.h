/* How much there is to compute: multiplications, each with its addition. */
#ifndef DMX_GRAPH_WORK_H
#define DMX_GRAPH_WORK_H

#include "graph/graph.h"

double dmx_node_work(const dmx_graph *g, const dmx_node *node);
/* Of all nodes; at least 1. */
double dmx_graph_work(const dmx_graph *g);

#endif
