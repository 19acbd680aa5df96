/* ONNX Runtime, found and loaded at run time; a session runs one model. */
#ifndef DMX_RUNTIME_RUNTIME_H
#define DMX_RUNTIME_RUNTIME_H

#include "base/error.h"
#include <stdbool.h>

typedef struct dmx_runtime dmx_runtime;

/* Loads ONNX Runtime (1.13 or newer). path: the library, or a folder that
 * contains it; nothing else is tried. NULL: $DEMUCS_ONNXRUNTIME in the same
 * way, then the folders beside this program or library (its own, ../lib,
 * ../third_party/onnxruntime), then the system's. DMX_ERROR_RUNTIME says how to
 * get one. Close it after all its sessions; NULL is accepted. */
DMX_MUST_CHECK dmx_status dmx_runtime_open(dmx_runtime **out, const char *path,
                                           dmx_error *err);
void dmx_runtime_close(dmx_runtime *runtime);
const char *dmx_runtime_version(const dmx_runtime *runtime); /* "1.30.0" */
const char *dmx_runtime_path(const dmx_runtime *runtime);

typedef enum dmx_optimization {
    DMX_OPTIMIZE_ALL,
    DMX_OPTIMIZE_EXTENDED,
    DMX_OPTIMIZE_BASIC,
    DMX_OPTIMIZE_NONE,
} dmx_optimization;

/* Zero-initialise for the defaults. */
typedef struct dmx_session_options {
    int threads;         /* 0: dmx_cpu_count() */
    bool memory_pattern; /* faster at times, but doubles the peak memory */
    bool keep_freed;     /* keep what loading freed, as others do */
    dmx_optimization optimization;
    int64_t batch, samples; /* the size of the free dimensions of these names;
                               0: they stay free */
    const char *providers;  /* "auto", or names in order of preference,
                               "cuda,cpu"; NULL: cpu */
    const dmx_hooks *hooks; /* warnings: an unavailable provider */
} dmx_session_options;

typedef struct dmx_session dmx_session;

/* One input or output of the model. */
typedef struct dmx_port {
    char *name;
    bool float32;   /* a float32 tensor, the only supported type */
    int rank;       /* -1: not a tensor, or more than 8 axes */
    int64_t dim[8]; /* -1: free */
} dmx_port;

/* A session for a model in memory, or in a file when bytes is NULL (then
 * `path` is opened; else it only names the model in messages). Close with
 * dmx_session_close. Fails with RUNTIME, CANCELLED or MEMORY. */
DMX_MUST_CHECK dmx_status dmx_session_open(dmx_session **out,
                                           dmx_runtime *runtime,
                                           const char *path, const void *bytes,
                                           size_t size,
                                           const dmx_session_options *options,
                                           dmx_error *err);
void dmx_session_close(dmx_session *session);

const dmx_port *dmx_session_inputs(const dmx_session *session, size_t *count);
const dmx_port *dmx_session_outputs(const dmx_session *session, size_t *count);
/* "cpu", "cuda": the preferred provider that was accepted. */
const char *dmx_session_provider(const dmx_session *session);
/* A metadata value, malloc'd; NULL when there is none. */
char *dmx_session_metadata(const dmx_session *session, const char *key);

/* Called with each requested output in order, from the thread that called
 * run; data is float32, row-major, valid during the call only. */
typedef dmx_status dmx_output_visitor(void *user, size_t index,
                                      const float *data, int rank,
                                      const int64_t *dim, dmx_error *err);

typedef struct dmx_run {
    const float *input; /* float32, row-major, for the model's one input */
    const int64_t *dim;
    int rank;
    const char *const *output_name; /* NULL: the model's first output */
    size_t n_output;
    dmx_output_visitor *visit;
    void *user;
    const dmx_hooks *hooks; /* progress and stage: called about ten times a
                               second from the calling thread */
    const char *stage;
    double fraction; /* passed on unchanged */
} dmx_run;

/* Runs the model. Any number of threads may run one session at a time. */
DMX_MUST_CHECK dmx_status dmx_session_run(dmx_session *session,
                                          const dmx_run *run, dmx_error *err);

/* The usual case: the first output, copied; count elements are expected. */
DMX_MUST_CHECK dmx_status dmx_session_run_first(dmx_session *session,
                                                const dmx_run *run, float *out,
                                                size_t count, dmx_error *err);

#endif
