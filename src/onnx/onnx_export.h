/* Exports the semantic graph as an ONNX model, to a file or to memory. */
#ifndef DMX_ONNX_ONNX_EXPORT_H
#define DMX_ONNX_ONNX_EXPORT_H

#include "base/file.h"
#include "base/output.h"
#include "graph/graph.h"
#include "graph/identity.h"
#include "onnx/int8.h"

#define DMX_ONNX_OLDEST_OPSET 17

/* All zero means: opset 17, float32, every source. */
typedef struct dmx_onnx_options {
    int opset;        /* 0: 17 */
    int newest_opset; /* newest allowed: what the checker knows; 0: 17 */
    dmx_precision precision;
    const size_t *chosen; /* prune: source indices, rising, or NULL: all */
    size_t n_chosen;
    const char *stem; /* metadata "stem", or NULL */
    const char *bag;  /* metadata "bag", or NULL */
    int threads;      /* 0: dmx_cpu_count(); never changes the bytes */
    const dmx_hooks *hooks;
    /* Other recipes, for measurements; NULL: ours. */
    const struct dmx_recipe_table *recipes;
    int64_t batch;   /* batch size; 0: 1; DMX_ANY: any */
    int64_t typical; /* of a graph of any length: samples that forms are chosen
                        for; 0: the identity's segment */
    unsigned int8;   /* DMX_INT8_...: of DMX_PRECISION_INT8; 0: all */
} dmx_onnx_options;

/* The classes of layers that these options quantise; 0: none. */
unsigned dmx_onnx_int8(const dmx_onnx_options *o);

/* Serialises the graph as one ONNX model. The bytes depend on the graph, the
 * identity and the options alone. `who` names the sources and fills the
 * metadata; NULL writes a bare graph whose output keeps its channels. With
 * `chosen` only what those sources need is computed and the output is
 * (1, n_chosen, channels, samples). options NULL: defaults. Of a graph of any
 * length, samples is free in the model too, and every value is declared with
 * its type.
 * Fails with ARGUMENT (opset, sources), UNSUPPORTED, LIMIT (2 GiB), MEMORY, IO
 * or CANCELLED. */
DMX_MUST_CHECK dmx_status dmx_onnx_write(dmx_output *out, const dmx_graph *g,
                                         const dmx_identity *who,
                                         const dmx_onnx_options *options,
                                         dmx_error *err);

/* The same bytes in memory; free with dmx_blob_free. */
DMX_MUST_CHECK dmx_status dmx_onnx_pack(dmx_blob *out, const dmx_graph *g,
                                        const dmx_identity *who,
                                        const dmx_onnx_options *options,
                                        dmx_error *err);

#endif
