/* The sliding window's inside, shared by the files that open and run it. */
#ifndef DMX_SEPARATE_OVERLAP_STATE_H
#define DMX_SEPARATE_OVERLAP_STATE_H

#include "separate/overlap.h"
#include "separate/track_level.h"

typedef struct dmx_pass_state {
    dmx_pass pass;
    int64_t next;         /* start of the next piece */
    const double *weight; /* [pass.piece] triangle ^ power, owned by overlap */
    bool owns_weight;     /* false: an earlier pass of the same length does */
} dmx_pass_state;

struct dmx_overlap {
    dmx_overlap_config config; /* its pointers are not used after open */
    dmx_pass_state *pass;
    int *slot;
    int64_t slots;
    int64_t longest; /* piece */
    int64_t margin;  /* the largest of all passes */
    /* input[channels][in_capacity], first sample is track position in_base */
    float *input;
    int64_t in_base, in_capacity, received;
    bool ended;
    /* sum[slots * channels][longest], from track position sum_base; what is
     * before `emitted` has been handed out */
    double *sum;
    int64_t sum_base, emitted;
    float *mix, *stems; /* a runner's input and output, the largest */
    double *share;      /* [longest] weight / sum of weights */
    dmx_track_level
        level;         /* running: of the track up to the last piece's end */
    float mean, scale; /* of the piece that runs */
};

#endif
