/* One runner for many callers: they run one at a time. */
#ifndef DMX_SEPARATE_TURNS_H
#define DMX_SEPARATE_TURNS_H

#include "separate/runner.h"

typedef struct dmx_turns dmx_turns;

/* *out: a runner like `runner`, which must outlive it, for any number of
 * threads at once; while one of them waits, it still hears its caller's cancel.
 * Its close does nothing: close the turns, after the last run. */
DMX_MUST_CHECK dmx_status dmx_turns_open(dmx_turns **turns, dmx_runner *out,
                                         const dmx_runner *runner,
                                         dmx_error *err);
void dmx_turns_close(dmx_turns *turns);

#endif
