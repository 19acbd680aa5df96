/* Reads a model's description from a training run's configuration. */
#ifndef DMX_ARCH_TRAINING_H
#define DMX_ARCH_TRAINING_H

#include "base/error.h"

#include "base/json.h"

/* The architecture that the configuration names ("htdemucs"), or NULL. */
const char *dmx_training_model(const dmx_json *training);

/* The constructor arguments as the original's trainer sets them: the section
 * with the model's name; sources, channels and sample rate of the data set; and
 * as segment, 4 times the data set's unless model_segment is set. *out:
 * dmx_json_free; NULL when there is no such section. Source: demucs/train.py,
 * get_model. */
DMX_MUST_CHECK dmx_status dmx_training_arguments(dmx_json **out,
                                                 const dmx_json *training,
                                                 dmx_error *err);

/* The length in seconds of the segments used in training; 0: not stated. */
double dmx_training_segment(const dmx_json *training);

#endif
