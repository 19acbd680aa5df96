/* The table of backends: their names, what they run, and how they are opened.
 * Used by separation, the benchmark and the public functions. */
#ifndef DMX_SEPARATE_BACKENDS_H
#define DMX_SEPARATE_BACKENDS_H

#include "separate/runners.h"

/* A model to be opened by a backend. */
typedef struct dmx_backend_job {
    const struct dmx_model *model;
    const dmx_runner
        *like;        /* NULL, or a runner of the model for another length */
    const char *name; /* for messages */
    int64_t samples;  /* of every run */
    int64_t batch;    /* maximum batch size; 0 is 1 */
    int threads;      /* 0: all cores */
    const dmx_hooks *hooks;
    const char *onnxruntime, *providers; /* as in dmx_separator_options */
    dmx_engine_precision precision;      /* of the native engine */
    const char *choices;                 /* as in dmx_engine_options */
    dmx_runtime **runtime; /* loaded when first needed; the caller's */
} dmx_backend_job;

typedef struct dmx_backend_entry {
    const char *name;
    bool checkpoints; /* DMX_BACKEND_AUTO may choose it for these files */
    bool onnx;
    bool batches;     /* can run several segments in one batch */
    bool keeps_model; /* the model must outlive the runner */
    /* NULL of DMX_BACKEND_AUTO. */
    dmx_status (*open)(dmx_runner *out, const dmx_backend_job *job,
                       dmx_error *err);
} dmx_backend_entry;

/* NULL for a number that is not a backend. */
const dmx_backend_entry *dmx_backend_entry_of(dmx_backend backend);

/* The backend for a file: the requested one, or for AUTO the one marked for
 * this kind of file. Fails with ARGUMENT when it does not run such files. */
DMX_MUST_CHECK dmx_status dmx_backend_choose(dmx_backend *out,
                                             dmx_backend wanted, bool onnx,
                                             const char *path, dmx_error *err);

/* Loads the library into *runtime unless it is there. */
DMX_MUST_CHECK dmx_status dmx_backend_runtime(dmx_runtime **runtime,
                                              const char *onnxruntime,
                                              dmx_error *err);

#endif
