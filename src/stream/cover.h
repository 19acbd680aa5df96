/* Live overlap-add: every `hop` a window that ends at the newest sample has
 * been run. Of its output, `region` frames that end `lookahead` before the
 * newest sample are used, weighted so that at each frame the runs' weights sum
 * to 1: a trapezoid (a hop and a crossfade), or a triangle over several hops.
 */
#ifndef DMX_STREAM_COVER_H
#define DMX_STREAM_COVER_H

#include "base/error.h"

#include <stdbool.h>

typedef struct dmx_cover {
    int64_t hop, lookahead, region; /* frames; region is at least hop */
    int64_t ramp;    /* frames that a beginning fades in over, at least 1 */
    int64_t rows;    /* of output */
    float *weight;   /* [region] */
    float *envelope; /* [region], of one run */
    float *sum;      /* [rows + 1][region]; the last row: weights so far */
} dmx_cover;

typedef struct dmx_cover_shape {
    int64_t hop, lookahead, fade; /* frames; fade at most hop */
    int covers;                   /* above 1: a triangle over so many runs */
} dmx_cover_shape;

/* Frames of output of which a run gives the newest; those that are used. */
int64_t dmx_cover_region(const dmx_cover_shape *shape);

/* The first frames fade in over `ramp` after each beginning. */
DMX_MUST_CHECK dmx_status dmx_cover_open(dmx_cover *out, int64_t rows,
                                         const dmx_cover_shape *shape,
                                         int64_t ramp, dmx_error *err);
void dmx_cover_close(dmx_cover *cover);

/* Does a run that ends at position `end` say anything of what is from `begin`
 * on? */
bool dmx_cover_reaches(const dmx_cover *cover, int64_t end, int64_t begin);

/* Adds a run: y[rows][keep] are the newest frames before `end`. What is before
 * position `begin` gets nothing, and unless begin is 0 it fades in. */
void dmx_cover_add(dmx_cover *cover, const float *y, int64_t keep, int64_t end,
                   int64_t begin);

/* sum[.][0 .. hop) is complete and has been taken: the next hop. */
void dmx_cover_advance(dmx_cover *cover);

#endif
