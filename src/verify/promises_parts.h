/* What the parts of the check of promises share. */
#ifndef DMX_VERIFY_PROMISES_PARTS_H
#define DMX_VERIFY_PROMISES_PARTS_H

#include "verify/contract.h"
#include "verify/report.h"

typedef struct dmx_inspection {
    struct dmx_report *report;
    const dmx_model_file *file;
    bool ours; /* written by this program */
    dmx_error *err;
    dmx_status status; /* MEMORY, or OK */
} dmx_inspection;

/* Adds a finding. */
void dmx_inspection_add(dmx_inspection *i, bool error, const char *fmt, ...)
    DMX_PRINTF(3, 4);

/* Of a broken promise that every separation model must keep, and of one that
 * only our own files make. */
#define dmx_inspection_broken(i, ...) dmx_inspection_add((i), true, __VA_ARGS__)
#define dmx_inspection_unusual(i, ...)                                         \
    dmx_inspection_add((i), (i)->ours, __VA_ARGS__)

/* Initializers: sizes, finite numbers. */
void dmx_promises_weights(dmx_inspection *i);

/* Products of bytes: no pair of weights saturates, zero points are those of the
 * activations, and the metadata tells of them. */
void dmx_promises_int8(dmx_inspection *i);

/* Metadata: complete, well formed, and true of the file's own shapes. */
void dmx_promises_metadata(dmx_inspection *i, const dmx_contract *contract);

#endif
