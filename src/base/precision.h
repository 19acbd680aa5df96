/* The precisions that an exported model may have: their names, and the format
 * of their weights. */
#ifndef DMX_BASE_PRECISION_H
#define DMX_BASE_PRECISION_H

#include "base/error.h"
#include "base/weight_format.h"

/* Fails with ARGUMENT when the value is not in the enumeration. */
DMX_MUST_CHECK dmx_status dmx_precision_check(dmx_precision precision,
                                              dmx_error *err);

/* The format of the weights; float32 for values that dmx_precision_check
 * refuses. */
dmx_weight_format dmx_precision_format(dmx_precision precision);

#endif
