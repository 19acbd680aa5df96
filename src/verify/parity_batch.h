/* The check of a free batch: two inputs at once against each alone, or of files
 * in 8 bits against the reference. */
#ifndef DMX_VERIFY_PARITY_BATCH_H
#define DMX_VERIFY_PARITY_BATCH_H

#include "runtime/runtime.h"
#include "verify/parity.h"

/* Runs noise and music at the shortest length of the job, each alone and both
 * in one batch, and adds the comparisons "noise in a batch", "music in a
 * batch". */
DMX_MUST_CHECK dmx_status dmx_parity_batch(const dmx_parity_job *job,
                                           dmx_session *session,
                                           dmx_error *err);

#endif
