/* The first check: ONNX Runtime on the model file against a reference. */
#ifndef DMX_VERIFY_PARITY_H
#define DMX_VERIFY_PARITY_H

#include "arch/arch.h"
#include "verify/expected.h"
#include "verify/report.h"

typedef struct dmx_parity_job {
    struct dmx_report *report;
    const dmx_model_file *file;
    const struct dmx_model *model;
    const int64_t *length; /* lengths in samples to compare at, in turn */
    size_t n_length;
    int64_t batch;     /* batch size of the file; -1: any */
    const size_t *row; /* source of the model that each output row is */
    size_t n_row;
    bool floor; /* the music needs a noise floor (base/test_signal.h) */
    dmx_expected *expected; /* the reference's results are looked up here first,
                               and kept; NULL: it runs each time */
    const dmx_verify_options *options;
    const dmx_hooks *hooks;
} dmx_parity_job;

/* Name of test signal k, 0 or 1, of this job: noise and music. */
const char *dmx_parity_signal(const dmx_parity_job *job, size_t k);

/* Runs both test signals through the file and the reference at every length,
 * and, where the batch is free, both signals in one batch, and adds the
 * comparisons to the report; a difference above the tolerance makes the report
 * a failed one, but not this function fail. With options->bisect a failed
 * comparison is followed by a search for the first module that differs. */
DMX_MUST_CHECK dmx_status dmx_parity_run(const dmx_parity_job *job,
                                         dmx_error *err);

/* Runs the file on a recorded mix (1, channels, samples) and compares with
 * recorded stems (1, sources, channels, samples). */
DMX_MUST_CHECK dmx_status dmx_parity_recorded(
    struct dmx_report *report, const dmx_model_file *file, const char *mix_path,
    const char *stems_path, const dmx_verify_options *options, dmx_error *err);

#endif
