/* Finds the first module whose values differ from the reference's. */
#ifndef DMX_VERIFY_BISECT_H
#define DMX_VERIFY_BISECT_H

#include "runtime/runtime.h"
#include "verify/parity.h"
#include "verify/sketch.h"

/* Runs the file again on `mix`, of the length of `graph`, with the values named
 * after each module as additional outputs, and compares them with the
 * reference's. Modules of which every value differs are reported in order of
 * computation; the first is the suspect. Values that an exporter folded away
 * can't be compared. */
DMX_MUST_CHECK dmx_status dmx_bisect(const dmx_parity_job *job,
                                     const dmx_graph *graph,
                                     dmx_runtime *runtime, const float *mix,
                                     const dmx_sketches *reference,
                                     dmx_error *err);

#endif
