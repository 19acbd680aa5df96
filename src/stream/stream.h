/* A live stream's inside, shared by the files that open it, feed it, and work
 * for it. The audio thread owns `time`, `lost`, `slew` and what has its name;
 * the worker what has its; between them are two rings and a few atomics.
 *
 * Positions count frames since the stream was opened. A run ends at a multiple
 * of hop, E; after it, the outputs before E - lookahead - region + hop are
 * complete. The audio thread gives the frames before its own time - latency. */
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

/* How the audio thread passes from what is there to what stands in for what is
 * late, and back: a level that moves by `step` a frame. While it falls, a row
 * stays where it was (held), so that no sample jumps. */
typedef struct dmx_slew {
    float level, step;
    bool falling;
    float *hold;                   /* [outputs] */
    float gain[DMX_STREAM_CHUNK];  /* of the chunk's frames */
    bool held[DMX_STREAM_CHUNK];   /* those that use `hold` */
    float cover[DMX_STREAM_CHUNK]; /* weight of the runs, 1 when all are here */
} dmx_slew;

struct dmx_stream {
    dmx_stream_options options;
    int64_t channels, outputs, rate;
    int64_t latency, algorithmic, block;

    /* channels of input; reader: the worker. mark[position]: 0, or 1 + frames
     * that were lost just before it, after which the past is forgotten. */
    dmx_ring in;
    int64_t *mark; /* [in.capacity] */
    /* outputs and the weight of their runs; reader: the audio thread */
    dmx_ring out;

    /* audio thread */
    int64_t time, lost;
    float *dry; /* [channels][dry_mask + 1]: the mix of late; NULL: silence */
    int64_t dry_mask;
    dmx_slew slew;

    /* worker */
    dmx_windows windows;
    dmx_cover cover;
    dmx_track_level level;
    float *past;  /* [channels][windows.longest]: in order, the newest last */
    float *next;  /* [channels][hop]: of the hop that is not complete */
    float *stems; /* [outputs][keep] of a run */
    int64_t keep;
    int64_t filled;  /* frames of next */
    int64_t gap;     /* lost frames that still have to be put in */
    int64_t fed;     /* frames that past has taken in all */
    int64_t begin;   /* of what the past knows */
    dmx_error error; /* once failed */
    dmx_thread *thread;

    _Atomic bool reset; /* wanted; taken by the audio thread */
    _Atomic bool stop;
    _Atomic bool failed;
    _Atomic int64_t heard;   /* outputs before it are gone */
    _Atomic int64_t settled; /* input that no run waits for any more */
    _Atomic int64_t runs, skipped, late, lost_frames, nonfinite;
    _Atomic int64_t busy_ns, worst_ns;
};

/* Checks the options, fills in their defaults, and gives their frames. */
DMX_MUST_CHECK dmx_status dmx_stream_shape(dmx_cover_shape *out,
                                           dmx_stream_options *options,
                                           const dmx_windows *windows,
                                           dmx_error *err);

/* One run, when its input is here: *ran. */
DMX_MUST_CHECK dmx_status dmx_stream_step(dmx_stream *stream, bool *ran,
                                          dmx_error *err);
/* The worker's thread: argument is the stream. */
void dmx_stream_serve(void *argument);

#endif
