/* The third check: what docs/graph-contract.md promises of a model file. */
#ifndef DMX_VERIFY_PROMISES_H
#define DMX_VERIFY_PROMISES_H

#include "verify/report.h"

/* The input and output shapes of a model file; -1 where a dimension is free. */
typedef struct dmx_contract {
    int64_t batch, sources, channels, samples;
} dmx_contract;

/* Adds a finding for every broken promise: errors for what any separation model
 * must keep (names, shapes, float32, finite numbers), and for the rest errors
 * when the file is ours, notes when it is another exporter's. Fails with MEMORY
 * only. *contract is filled as far as the file can be understood. */
DMX_MUST_CHECK dmx_status dmx_promises_check(struct dmx_report *report,
                                             dmx_contract *contract,
                                             const dmx_model_file *file,
                                             dmx_error *err);

#endif
