/* Where do the numbers of a model file part from the reference's? */
#ifndef DMX_VERIFY_BISECT_H
#define DMX_VERIFY_BISECT_H

#include "runtime/runtime.h"
#include "verify/parity.h"
#include "verify/sketch.h"

/* Runs the file once more on `mix`, of the length of `graph`, with the values
 * that are named after each module as further outputs, and compares them with
 * the reference's. Modules whose every value differs go into the report in the
 * order of computation; the first is the suspect. What an exporter folds away
 * can't be compared. */
DMX_MUST_CHECK dmx_status dmx_bisect(const dmx_parity_job *job,
                                     const dmx_graph *graph,
                                     dmx_runtime *runtime, const float *mix,
                                     const dmx_sketches *reference,
                                     dmx_error *err);

#endif
