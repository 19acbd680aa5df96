/* What the reference gave for the test signals, kept so that it need not run
 * again on the same signal. */
#ifndef DMX_VERIFY_EXPECTED_H
#define DMX_VERIFY_EXPECTED_H

#include "base/error.h"

typedef struct dmx_expected_stems dmx_expected_stems;

/* Of one model. {NULL} is empty. */
typedef struct dmx_expected {
    dmx_expected_stems *first;
} dmx_expected;

/* The stems [sources][channels][samples] kept for a signal of this length, or
 * NULL. They live until dmx_expected_free. */
const double *dmx_expected_find(const dmx_expected *expected,
                                const char *signal, int64_t samples);

/* Keeps a copy of n numbers. The signal's name is not copied. */
DMX_MUST_CHECK dmx_status dmx_expected_keep(dmx_expected *expected,
                                            const char *signal, int64_t samples,
                                            const double *stems, size_t n,
                                            dmx_error *err);

void dmx_expected_free(dmx_expected *expected);

#endif
