/* The internals of the sliding window, shared by the files that open and run
 * it. */
#ifndef DMX_SEPARATE_OVERLAP_STATE_H
#define DMX_SEPARATE_OVERLAP_STATE_H

#include "separate/overlap.h"
#include "separate/track_level.h"

/* The passes of one runner: up to `most` of their pieces run in one batch,
 * ahead of their turn, and are added when it comes. */
typedef struct dmx_lane {
    dmx_runner *runner;
    int64_t most;
    int64_t made,
        used;     /* pieces in `stems`; how many of them have been added */
    float *stems; /* [most][sources][channels][samples]; shared by all lanes
                     where most is 1 */
} dmx_lane;

typedef struct dmx_pass_state {
    dmx_pass pass;
    dmx_lane *lane;
    int64_t next;         /* start of the next piece */
    int64_t ahead;        /* the same while a batch is put together */
    const double *weight; /* [pass.piece] triangle ^ power, owned by overlap */
    bool owns_weight;     /* false: an earlier pass of the same length does */
} dmx_pass_state;

struct dmx_overlap {
    dmx_overlap_config config; /* its pointers are not used after open */
    dmx_pass_state *pass;
    dmx_lane *lane; /* [n_lane], at most one per pass */
    size_t n_lane;
    int *slot;
    int64_t slots;
    int64_t longest; /* piece */
    int64_t margin;  /* the largest of all passes */
    int64_t ahead; /* input samples that a batch needs beyond its first piece */
    /* input[channels][in_capacity], first sample is track position in_base */
    float *input;
    int64_t in_base, in_capacity, received;
    bool ended;
    /* sum[slots * channels][longest], from track position sum_base; what is
     * before `emitted` has been handed out */
    double *sum;
    int64_t sum_base, emitted;
    float *mix, *stems; /* a runner's input (a batch's) and output, the
                           largest */
    double *share;      /* [longest] weight / sum of weights */
    dmx_track_level
        level; /* running: level of the track up to the last piece's end */
    float mean, scale; /* of the current piece */
};

#endif
