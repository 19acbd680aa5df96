/* Overlap-add of separated pieces over a sliding window: what the original's
 * apply_model does to a whole track, in memory that does not grow.
 *
 * The track is mix[channel][0 .. length), zero elsewhere. A pass cuts it into
 * pieces of `piece` samples at origin, origin + stride, ... below length. A
 * piece that the end cuts down to n samples is padded back, (piece - n) / 2
 * rounded down in front and the rest behind, with real audio where there is
 * some; the result is trimmed in the same way. Models without a fixed training
 * length take it as it is, or at the next longer length that suits them, with
 * the track around it; full pieces then too. Pieces are weighted by a
 * triangle to a power, divided by the sum of weights at each sample, and
 * passes are added with a gain per source.
 *
 * A runner that takes several pieces at once gets those that come next, of all
 * its passes; they wait for their turn to be added.
 *
 * Pieces are added in the order of their start, whatever comes in when: results
 * do not depend on block sizes. */
#ifndef DMX_SEPARATE_OVERLAP_H
#define DMX_SEPARATE_OVERLAP_H

#include "separate/runner.h"
#include <stdbool.h>

/* One model with one shift. */
typedef struct dmx_pass {
    dmx_runner *runner;
    const double *gain; /* [sources]; 0: not used */
    int64_t origin;     /* of the first piece; at most 0 */
    int64_t piece;      /* samples, at most the runner's */
    int64_t margin;     /* most by which a run without a fixed length is longer
                           than its piece */
    int64_t stride;     /* 1 .. piece */
    /* Makes a runner for a last piece of so many samples, which then runs at
     * its own length; NULL: it is padded. */
    dmx_status (*open_tail)(void *context, dmx_runner *out, int64_t samples,
                            dmx_error *err);
    void *context;
} dmx_pass;

#define DMX_OVERLAP_CHANNELS 64 /* at most */

/* Input x is (x - mean) / scale to the runners, in float32 as the original
 * has it; output y becomes y * scale + mean. Running: mean and scale are those
 * of the track up to each piece's end (dmx_track_level, std + 1e-8), which does
 * not depend on what has come in beyond. */
typedef struct dmx_overlap_config {
    const dmx_pass *pass; /* copied */
    size_t n_pass;
    const int *slot; /* [sources] of the output, -1: not wanted; copied */
    int64_t channels, sources;
    double power;      /* transition power, at least 1 */
    float mean, scale; /* scale above 0 */
    bool running;      /* instead of them */
} dmx_overlap_config;

typedef struct dmx_overlap dmx_overlap;

DMX_MUST_CHECK dmx_status dmx_overlap_open(dmx_overlap **out,
                                           const dmx_overlap_config *config,
                                           dmx_error *err);
void dmx_overlap_close(dmx_overlap *overlap);
/* As it was opened: another track begins. */
void dmx_overlap_reset(dmx_overlap *overlap);
/* Once n frames of a track are in and all ready pieces have run, at least n
 * less this are out. */
int64_t dmx_overlap_latency(const dmx_overlap *overlap);

/* Takes as many of frames as fit and returns how many; never 0 of some when
 * no piece can run. */
size_t dmx_overlap_push(dmx_overlap *overlap, const float *const *planes,
                        size_t frames);
/* No more input: the length is known. */
void dmx_overlap_end(dmx_overlap *overlap);

/* Can the next piece run with what is here? */
bool dmx_overlap_ready(const dmx_overlap *overlap);
/* Runs it. */
DMX_MUST_CHECK dmx_status dmx_overlap_step(dmx_overlap *overlap,
                                           const dmx_hooks *hooks,
                                           dmx_error *err);

/* Finished frames, *got of them, at most capacity: stems[slot * channels +
 * channel] and, beside them, the input as it came in (mix may be NULL); pull
 * all after every step. A stem with a sample that is not finite is
 * DMX_ERROR_MODEL. */
DMX_MUST_CHECK dmx_status dmx_overlap_pull(dmx_overlap *overlap,
                                           float *const *stems,
                                           float *const *mix, size_t capacity,
                                           size_t *got, dmx_error *err);

/* Pieces that a track of `frames` takes, over all passes. */
int64_t dmx_overlap_pieces(const dmx_overlap *overlap, int64_t frames);

#endif
