/* Evaluates the semantic graph in float64, straight from PyTorch's definitions:
 * the standard that every other implementation is measured against. Weights are
 * used as the checkpoint stores them; nothing is folded. */
#ifndef DMX_REFERENCE_REFERENCE_H
#define DMX_REFERENCE_REFERENCE_H

#include "graph/graph.h"

typedef struct dmx_reference_options {
    int threads; /* 0: dmx_cpu_count(); results do not depend on it */
    const dmx_hooks *hooks; /* progress (stage "reference") and cancellation,
                               called before every node; may be NULL */
    size_t max_bytes;       /* of values alive at one time; 0: no limit */
    /* Called after every node, once for each of its values, from the calling
     * thread; data is row-major and valid during the call. May be NULL. */
    void (*observe)(void *user, const dmx_node *node, dmx_value value,
                    const dmx_shape *shape, const double *data);
    void *user;
    size_t *peak_bytes; /* out: most bytes of values alive; may be NULL */
} dmx_reference_options;

/* Runs g on mix (the shape of g->input) and writes the value g->output to out.
 * Values are freed after their last use. Fails with CANCELLED, MEMORY, LIMIT
 * (max_bytes), MODEL (a graph without output) or UNSUPPORTED (an unknown
 * operation). options may be NULL. */
DMX_MUST_CHECK dmx_status
dmx_reference_run(double *out, const dmx_graph *g, const double *mix,
                  const dmx_reference_options *options, dmx_error *err);

#endif
