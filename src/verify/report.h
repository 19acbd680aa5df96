/* The findings of the checks, as they are collected. */
#ifndef DMX_VERIFY_REPORT_H
#define DMX_VERIFY_REPORT_H

#include "base/hash.h"
#include "base/memory.h"
#include "verify/metrics.h"
#include "verify/model_file.h"

typedef struct dmx_timing {
    const char *stage;
    double seconds;
} dmx_timing;

/* A module whose output differs from the reference's. */
typedef struct dmx_divergence {
    const char *path; /* PyTorch module path */
    const char *op;   /* semantic operation */
    const char *node; /* ONNX value compared, or "" */
    double relative;  /* of the reference's root mean square */
} dmx_divergence;

struct dmx_report {
    dmx_arena arena; /* every string */
    bool failed;     /* an "error: " finding, or a failed comparison */
    const char *path;
    char sha256[DMX_SHA256_HEX];
    size_t bytes;
    const char *checkpoint_sha256; /* or NULL */
    int64_t opset, ir_version;
    size_t nodes;
    bool checker_ran;
    const char *runtime_version; /* or NULL: ONNX Runtime was not used */
    const char *provider;
    dmx_gate gate;
    const char **finding;
    size_t n_finding, finding_capacity;
    dmx_parity *parity;
    size_t n_parity, parity_capacity;
    dmx_timing *timing;
    size_t n_timing, timing_capacity;
    dmx_divergence *divergence; /* in order of computation */
    size_t n_divergence, divergence_capacity;
};

DMX_MUST_CHECK dmx_status dmx_report_open(struct dmx_report **out,
                                          const dmx_model_file *file,
                                          dmx_gate gate, dmx_error *err);

/* Adds a finding; "error" makes the report a failed one. */
DMX_MUST_CHECK dmx_status dmx_report_error(struct dmx_report *r, dmx_error *err,
                                           const char *fmt, ...)
    DMX_PRINTF(3, 4);
DMX_MUST_CHECK dmx_status dmx_report_note(struct dmx_report *r, dmx_error *err,
                                          const char *fmt, ...)
    DMX_PRINTF(3, 4);

/* Strings in these are copied. */
DMX_MUST_CHECK dmx_status dmx_report_add_parity(struct dmx_report *r,
                                                const dmx_parity *parity,
                                                dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_report_add_timing(struct dmx_report *r,
                                                const char *stage,
                                                double seconds, dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_report_add_divergence(struct dmx_report *r,
                                                    const dmx_divergence *d,
                                                    dmx_error *err);

/* Of the comparisons that failed the worst one; NULL when none did. */
const dmx_parity *dmx_report_worst(const struct dmx_report *r);

/* DMX_OK, or DMX_ERROR_CHECK with the most telling finding. */
DMX_MUST_CHECK dmx_status dmx_report_verdict(const struct dmx_report *r,
                                             dmx_error *err);

#endif
