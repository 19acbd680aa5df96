/* Overlap-add of separated pieces over a sliding window: what the original's
 * apply_model does to a whole track, but in bounded memory.
 *
 * The track is mix[channel][0 .. length), zero elsewhere. A pass cuts it into
 * pieces of `piece` samples at origin, origin + stride, ... below length. A
 * last piece with only n samples is padded to full length, by (piece - n) / 2
 * rounded down in front and the rest behind, with real audio where it exists;
 * the result is trimmed accordingly. Models without a fixed training length run
 * it as it is, or at the next longer length that they accept, extended with the
 * surrounding audio; the same then applies to full pieces. Pieces are weighted
 * by a triangle to a power, divided by the sum of weights at each sample, and
 * passes are added with a gain per source.
 *
 * A runner that runs several pieces in a batch gets the next ones of all its
 * passes; their results are kept until it is their turn to be added.
 *
 * Pieces are added in the order of their start, however the input is divided
 * into blocks: results do not depend on block sizes. */
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
    int64_t margin; /* the most samples by which a run without a fixed length
                       exceeds its piece */
    int64_t stride; /* 1 .. piece */
    /* Creates a runner for a last piece of that many samples, which then runs
     * at its own length; NULL: it is padded. */
    dmx_status (*open_tail)(void *context, dmx_runner *out, int64_t samples,
                            dmx_error *err);
    void *context;
} dmx_pass;

#define DMX_OVERLAP_CHANNELS 64 /* at most */

/* The runners' input is (x - mean) / scale, in float32 as in the original;
 * their output y becomes y * scale + mean. Running: mean and scale are those of
 * the track up to each piece's end (dmx_track_level, std + 1e-8), whatever has
 * been pushed beyond it. */
typedef struct dmx_overlap_config {
    const dmx_pass *pass; /* copied */
    size_t n_pass;
    const int *slot; /* [sources]: the output slot, -1: not wanted; copied */
    int64_t channels, sources;
    double power;      /* transition power, at least 1 */
    float mean, scale; /* scale above 0 */
    bool running;      /* replaces mean and scale */
} dmx_overlap_config;

typedef struct dmx_overlap dmx_overlap;

DMX_MUST_CHECK dmx_status dmx_overlap_open(dmx_overlap **out,
                                           const dmx_overlap_config *config,
                                           dmx_error *err);
void dmx_overlap_close(dmx_overlap *overlap);
/* Returns to the state after opening, for another track. */
void dmx_overlap_reset(dmx_overlap *overlap);
/* Once n frames have been pushed and all ready pieces have run, at least n
 * minus this many have come out. */
int64_t dmx_overlap_latency(const dmx_overlap *overlap);

/* Takes as many frames as fit and returns their number; never 0 for a positive
 * number when no piece can run. */
size_t dmx_overlap_push(dmx_overlap *overlap, const float *const *planes,
                        size_t frames);
/* Ends the input: the length is now known. */
void dmx_overlap_end(dmx_overlap *overlap);

/* Whether the next piece can run with the input so far. */
bool dmx_overlap_ready(const dmx_overlap *overlap);
/* Runs the next piece. */
DMX_MUST_CHECK dmx_status dmx_overlap_step(dmx_overlap *overlap,
                                           const dmx_hooks *hooks,
                                           dmx_error *err);

/* Takes finished frames, *got of them and at most capacity: stems[slot *
 * channels + channel] and the unchanged input for the same frames (mix may be
 * NULL). Pull everything after each step. A stem with a sample that is not
 * finite is DMX_ERROR_MODEL. */
DMX_MUST_CHECK dmx_status dmx_overlap_pull(dmx_overlap *overlap,
                                           float *const *stems,
                                           float *const *mix, size_t capacity,
                                           size_t *got, dmx_error *err);

/* The number of pieces in a track of `frames`, over all passes. */
int64_t dmx_overlap_pieces(const dmx_overlap *overlap, int64_t frames);

#endif
