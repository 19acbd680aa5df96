/* The amount of computation, in multiply-adds. */
#ifndef DMX_GRAPH_WORK_H
#define DMX_GRAPH_WORK_H

#include "graph/graph.h"

double dmx_node_work(const dmx_graph *g, const dmx_node *node);
/* The total of all nodes; at least 1. */
double dmx_graph_work(const dmx_graph *g);

#endif
