/* metadata_props: the file's description of itself. docs/graph-contract.md
 * lists the keys. */
#ifndef DMX_ONNX_METADATA_H
#define DMX_ONNX_METADATA_H

#include "onnx/emitter.h"
#include "onnx/onnx_export.h"

#define DMX_METADATA_MOST    24
#define DMX_CONTRACT_VERSION "1"

typedef struct dmx_metadata {
    Onnx__StringStringEntryProto *entry[DMX_METADATA_MOST];
    size_t n_entry;
    const char *graph_name;
} dmx_metadata;

/* Samples that a graph of any length usually runs. */
int64_t dmx_onnx_typical(const dmx_identity *who, const dmx_onnx_options *o);

/* Memory and errors are the emitter's. who NULL: lengths only. */
void dmx_metadata_fill(dmx_metadata *m, dmx_emitter *e, const dmx_graph *g,
                       const dmx_identity *who, const dmx_onnx_options *o);

#endif
