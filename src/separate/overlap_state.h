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
    double *weight; /* [(piece + 1) / 2], the rising side; shared by passes with
                       pieces of one length, owned by the first of them. NULL:
                       the triangle itself */
    int64_t next;   /* start of the next piece */
    int64_t ahead;  /* the same while a batch is put together */
} dmx_pass_state;

/* What a piece gave, until it has been handed out or added to the sums. */
typedef struct dmx_piece_result {
    const dmx_pass_state *pass; /* NULL: there is none */
    const float *stems;         /* [sources][channels][samples] */
    int64_t samples, trim;      /* of the run; the piece begins there */
    int64_t start, end;         /* in the track */
    double mean, scale;         /* of a running level */
} dmx_piece_result;

enum { DMX_OVERLAP_BLOCK = 1024 }; /* frames handed out at once */

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
    /* sum[slots * channels][reach] of all pieces but the last one, from track
     * position sum_base; what is before `emitted` has been handed out */
    double *sum;
    int64_t reach, sum_base, emitted;
    float *mix, *stems; /* a runner's input (a batch's) and output, the
                           largest */
    dmx_piece_result last;
    double *block;                   /* [slots * channels][DMX_OVERLAP_BLOCK] */
    double share[DMX_OVERLAP_BLOCK]; /* weight / sum of weights */
    dmx_track_level
        level; /* running: level of the track up to the last piece's end */
    float mean, scale; /* of the current piece */
};

/* The triangle's rising side, of n samples. */
static inline double dmx_overlap_rise(int64_t i, int64_t n)
{
    return (double)(i + 1) / (double)n;
}

/* How much input before the next piece a run may read: a padded last piece
 * reaches back by half its length, one with a margin by the margin. */
int64_t dmx_overlap_behind(const dmx_overlap *overlap);

/* Adds what is left of the last piece to the sums, before another runs. */
void dmx_overlap_fold(dmx_overlap *overlap);

/* The pass whose piece comes next: the earliest start, then the order given. */
dmx_pass_state *dmx_overlap_head(const dmx_overlap *overlap);

#endif
