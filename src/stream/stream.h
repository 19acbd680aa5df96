/* The internals of a live stream, shared by the files that open it, feed it,
 * and do its work. The audio thread owns `time`, `lost`, `slew` and the section
 * with its name, the worker the section with its own; they share two rings and
 * a few atomics.
 *
 * Positions count frames since the stream was opened. A run ends at a multiple
 * of hop, E; after it, the outputs before E - lookahead - region + hop are
 * complete. The audio thread outputs the frames before its own time - latency.
 */
#ifndef DMX_STREAM_STREAM_H
#define DMX_STREAM_STREAM_H

#include "base/platform.h"
#include "separate/track_level.h"
#include "stream/cover.h"
#include "stream/ring.h"
#include "stream/windows.h"

#define DMX_STREAM_CHUNK 1024 /* frames that process handles at a time */

/* Defaults of the options, seconds. */
#define DMX_STREAM_HOP       0.25
#define DMX_STREAM_LEAST_HOP 0.005
#define DMX_STREAM_LOOKAHEAD 0.04
#define DMX_STREAM_FADE      0.01

/* How the audio thread fades between the stems and the fallback for late ones:
 * a level that moves by `step` per frame. While it falls, a row keeps its last
 * value (held), so that the signal does not jump. */
typedef struct dmx_slew {
    float level, step;
    bool falling;
    float *hold;                   /* [outputs] */
    float gain[DMX_STREAM_CHUNK];  /* of the chunk's frames */
    bool held[DMX_STREAM_CHUNK];   /* frames that use `hold` */
    float cover[DMX_STREAM_CHUNK]; /* weight of the runs, 1 when all have
                                      arrived */
} dmx_slew;

struct dmx_stream {
    dmx_stream_options options;
    int64_t channels, outputs, rate;
    int64_t latency, algorithmic, block;

    /* channels of input; reader: the worker. mark[position]: 0, or 1 + the
     * number of frames lost just before it, after which the history is
     * discarded. */
    dmx_ring in;
    int64_t *mark; /* [in.capacity] */
    /* outputs and the weight of their runs; reader: the audio thread */
    dmx_ring out;

    /* audio thread */
    int64_t time, lost;
    float *dry; /* [channels][dry_mask + 1]: the recent mix; NULL: silence */
    int64_t dry_mask;
    dmx_slew slew;

    /* worker */
    dmx_windows windows;
    dmx_cover cover;
    dmx_track_level level;
    float
        *past; /* [channels][windows.longest]: history in order, newest last */
    float *next;  /* [channels][hop]: the hop being filled */
    float *stems; /* [outputs][keep] of a run */
    int64_t keep;
    int64_t filled;  /* frames in next */
    int64_t gap;     /* lost frames still to be replaced by zeros */
    int64_t fed;     /* total frames added to past */
    int64_t begin;   /* the start of the history */
    dmx_error error; /* once failed */
    dmx_thread *thread;

    _Atomic bool reset; /* requested; handled by the audio thread */
    _Atomic bool stop;
    _Atomic bool failed;
    _Atomic int64_t heard;   /* earlier outputs have been played */
    _Atomic int64_t settled; /* input up to here needs no further run */
    _Atomic int64_t runs, skipped, late, lost_frames, nonfinite;
    _Atomic int64_t busy_ns, worst_ns;
};

/* Checks the options, fills in their defaults, and converts them to frames. */
DMX_MUST_CHECK dmx_status dmx_stream_shape(dmx_cover_shape *out,
                                           dmx_stream_options *options,
                                           const dmx_windows *windows,
                                           dmx_error *err);

/* Does one run if its input has arrived; sets *ran. */
DMX_MUST_CHECK dmx_status dmx_stream_step(dmx_stream *stream, bool *ran,
                                          dmx_error *err);
/* The body of the worker thread; argument is the stream. */
void dmx_stream_serve(void *argument);

#endif
