/* Live overlap-add: after every `hop` frames, a window that ends at the newest
 * sample is run. Of its output, `region` frames that end `lookahead` before the
 * newest sample are used, weighted so that at each frame the runs' weights sum
 * to 1: a trapezoid (a hop and a crossfade), or a triangle over several hops.
 */
#ifndef DMX_STREAM_COVER_H
#define DMX_STREAM_COVER_H

#include "base/error.h"

#include <stdbool.h>

typedef struct dmx_cover {
    int64_t hop, lookahead, region; /* frames; region is at least hop */
    int64_t ramp;    /* length of the fade-in after each start, at least 1 */
    int64_t rows;    /* of output */
    float *weight;   /* [region] */
    float *envelope; /* [region], of one run */
    float
        *sum; /* [rows + 1][region]; the last row: sum of the weights so far */
} dmx_cover;

typedef struct dmx_cover_shape {
    int64_t hop, lookahead, fade; /* frames; fade at most hop */
    int covers;                   /* above 1: a triangle over this many runs */
} dmx_cover_shape;

/* The number of output frames that are used from each run. */
int64_t dmx_cover_region(const dmx_cover_shape *shape);

/* The first frames after each start fade in over `ramp`. */
DMX_MUST_CHECK dmx_status dmx_cover_open(dmx_cover *out, int64_t rows,
                                         const dmx_cover_shape *shape,
                                         int64_t ramp, dmx_error *err);
void dmx_cover_close(dmx_cover *cover);

/* Whether a run that ends at position `end` contributes to frames from `begin`
 * on. */
bool dmx_cover_reaches(const dmx_cover *cover, int64_t end, int64_t begin);

/* Adds a run: y[rows][keep] are the newest frames before `end`. Frames before
 * position `begin` get nothing; unless begin is 0, the output fades in from
 * there. */
void dmx_cover_add(dmx_cover *cover, const float *y, int64_t keep, int64_t end,
                   int64_t begin);

/* Moves on to the next hop, once sum[.][0 .. hop) is complete and has been
 * read. */
void dmx_cover_advance(dmx_cover *cover);

#endif
