/* The third check: what docs/graph-contract.md promises of a model file. */
#ifndef DMX_VERIFY_PROMISES_H
#define DMX_VERIFY_PROMISES_H

#include "graph/identity.h"
#include "verify/contract.h"
#include "verify/report.h"

/* Adds a finding for every broken promise: errors for what any separation model
 * must keep (names, shapes, float32, finite numbers), and for the rest errors
 * when the file is ours, notes when it is another exporter's. Fails with MEMORY
 * only. *contract is filled as far as the file can be understood. */
DMX_MUST_CHECK dmx_status dmx_promises_check(struct dmx_report *report,
                                             dmx_contract *contract,
                                             const dmx_model_file *file,
                                             dmx_error *err);

/* The same for what one of our files says of the network that it holds:
 * findings where the checkpoint's differs. */
DMX_MUST_CHECK dmx_status dmx_promises_identity(struct dmx_report *report,
                                                const dmx_model_file *file,
                                                const dmx_identity *who,
                                                dmx_error *err);

#endif
