/* Runs a separator's models on one window of the history. */
#ifndef DMX_STREAM_WINDOWS_H
#define DMX_STREAM_WINDOWS_H

#include "separate/separator.h"

/* The weights are the separator's; the memory for runs is the stream's own
 * where the backend supports that (native engine and ONNX Runtime), else
 * streams take turns. */
typedef struct dmx_windows {
    const dmx_separator *separator;
    dmx_runner *runner; /* [passes] */
    int64_t longest;    /* samples of history used */
    int64_t
        shortest; /* of the shortest model: the most output that can be kept */
    int64_t rows; /* stems * channels */
    float *mix, *stems; /* of the largest run */
} dmx_windows;

/* The separator must outlive them. Fails with ARGUMENT (shifts) or MEMORY. */
DMX_MUST_CHECK dmx_status dmx_windows_open(dmx_windows *out,
                                           dmx_separator *separator,
                                           dmx_error *err);
void dmx_windows_close(dmx_windows *windows);

/* The level by which a window is normalised, as a track is. */
typedef struct dmx_window_level {
    float mean, scale;
} dmx_window_level;

/* y[rows][keep]: the stems of the newest `keep` frames of past[channels]
 * [longest]; keep at most `shortest`. Samples that are not finite become 0;
 * their number is added to *bad. */
DMX_MUST_CHECK dmx_status dmx_windows_run(dmx_windows *windows, float *y,
                                          int64_t keep, const float *past,
                                          const dmx_window_level *level,
                                          int64_t *bad, const dmx_hooks *hooks,
                                          dmx_error *err);

#endif
