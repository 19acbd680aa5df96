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

/* Adds a finding for a broken promise that every separation model must keep. */
void dmx_inspection_broken(dmx_inspection *i, const char *fmt, ...)
    DMX_PRINTF(2, 3);

/* Adds a finding for a broken promise that only our own files make. */
void dmx_inspection_unusual(dmx_inspection *i, const char *fmt, ...)
    DMX_PRINTF(2, 3);

/* Initializers: sizes, finite numbers. */
void dmx_promises_weights(dmx_inspection *i);

/* Metadata: complete, well formed, and true of the file's own shapes. */
void dmx_promises_metadata(dmx_inspection *i, const dmx_contract *contract);

#endif
