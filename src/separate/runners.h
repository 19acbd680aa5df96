/* The runners of real models. */
#ifndef DMX_SEPARATE_RUNNERS_H
#define DMX_SEPARATE_RUNNERS_H

#include "arch/arch.h"
#include "runtime/runtime.h"
#include "separate/runner.h"

/* samples: of every run. threads 0: all cores. */

/* The float64 reference: slow, and what the others are measured by. The model
 * must outlive the runner. */
DMX_MUST_CHECK dmx_status dmx_runner_reference(dmx_runner *out,
                                               const struct dmx_model *model,
                                               int64_t samples, int threads,
                                               dmx_error *err);

typedef struct dmx_native_options {
    int threads;
    dmx_engine_precision precision;
    const char *choices;
    const dmx_hooks *hooks;
    const dmx_runner
        *like; /* NULL, or a runner of the model for another length,
                  which lends its weights and gives up its memory
                  until it runs again; it must outlive the new one */
} dmx_native_options;

/* Our own engine. The model may be closed afterwards. */
DMX_MUST_CHECK dmx_status dmx_runner_native(dmx_runner *out,
                                            const struct dmx_model *model,
                                            int64_t samples,
                                            const dmx_native_options *options,
                                            dmx_error *err);
/* Gives up the memory of such a runner until it runs again; nothing happens to
 * another one, or while it runs. */
void dmx_runner_give_up(const dmx_runner *runner);
/* The engine of such a runner; NULL: it is another. */
const dmx_engine *dmx_runner_engine(const dmx_runner *runner);

/* Segments that a session takes at once. */
typedef struct dmx_session_batch {
    int64_t most; /* 0 is 1 */
    bool fixed;   /* never fewer: the rest is filled with silence */
} dmx_session_batch;

/* A session of ONNX Runtime, which the runner takes over when this succeeds:
 * input (batch, channels, samples), output (batch, sources, channels,
 * samples). */
DMX_MUST_CHECK dmx_status dmx_runner_onnx(dmx_runner *out, dmx_session *session,
                                          int64_t channels, int64_t sources,
                                          int64_t samples,
                                          dmx_session_batch batch,
                                          dmx_error *err);

/* Another length on the session of `runner`, which must outlive it. */
DMX_MUST_CHECK dmx_status dmx_runner_onnx_length(dmx_runner *out,
                                                 const dmx_runner *runner,
                                                 int64_t samples,
                                                 dmx_error *err);

/* The model exported in memory, for so many segments at once (any number of
 * them when it is more than one), and opened by ONNX Runtime. The model may be
 * closed afterwards. */
DMX_MUST_CHECK dmx_status dmx_runner_exported(
    dmx_runner *out, const struct dmx_model *model, int64_t samples,
    int64_t batch, dmx_runtime *runtime, const char *name,
    const dmx_session_options *options, dmx_error *err);

#endif
