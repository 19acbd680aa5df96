/* One way to separate a segment, ready to run. */
#ifndef DMX_BENCH_CONTESTANT_H
#define DMX_BENCH_CONTESTANT_H

#include "arch/arch.h"
#include "base/error.h"
#include "runtime/runtime.h"
#include "separate/runner.h"

struct dmx_recipe_table; /* onnx/walk.h */

/* Registers another contestant: ONNX Runtime on the export that these recipes
 * produce. Not thread-safe while a benchmark runs. */
void dmx_contestant_offer(const char *name,
                          const struct dmx_recipe_table *recipes);

typedef struct dmx_contestant {
    char name[64];
    double load;        /* seconds */
    dmx_engine *engine; /* native */
    dmx_engine_state *state;
    dmx_runner runner;    /* of any other backend */
    dmx_session *session; /* until a runner owns it */
    int64_t channels, samples, outputs;
} dmx_contestant;

/* Opens the contestant with this name; see dmx_bench_options. *runtime is
 * loaded when first needed and closed by the caller after all contestants. */
dmx_status dmx_contestant_open(dmx_contestant *c, const char *name,
                               const struct dmx_model *model,
                               const dmx_bench_options *options,
                               dmx_runtime **runtime, dmx_error *err);
void dmx_contestant_close(dmx_contestant *c);
dmx_status dmx_contestant_run(dmx_contestant *c, float *stems, const float *mix,
                              const dmx_hooks *hooks, dmx_error *err);

#endif
