/* The state of separating one song file. */
#ifndef DMX_SEPARATE_SONG_H
#define DMX_SEPARATE_SONG_H

#include "audio/plot.h"
#include "separate/separator.h"
#include "separate/song_input.h"
#include "separate/song_queue.h"
#include "separate/song_sink.h"

typedef struct dmx_song {
    dmx_separator *separator;
    const dmx_song_options *o;
    const char *name; /* of the song's file, without its folder */
    dmx_song_input input;
    dmx_audio_format format;
    int model_channels; /* of input and stems */
    int channels;       /* of the files */
    int rate;           /* of the files */
    size_t outputs;
    dmx_clip clip;
    int64_t frames; /* of the song, at its own rate */
    int64_t out_frames;
    bool measured;       /* the first pass is complete */
    dmx_song_queue mix;  /* exact_sum: the unchanged input */
    dmx_resampler *back; /* resamples all outputs' channels together */
    dmx_song_sink *sink; /* [outputs]; one in all of a stem file */
    size_t n_sink;       /* how many are open */
    const char *stem_name[DMX_AUDIO_STEM_TRACKS - 1];
    dmx_plot *plot;
    float *memory;
    float **model_rate;  /* [outputs * model_channels] of a block */
    float **own_rate;    /* the same at the files' rate */
    float *reference[2]; /* exact_sum: the mix beside own_rate */
    int32_t *integers;   /* [outputs][2][block] */
    int64_t delivered;   /* frames, at the files' rate */
    int64_t mix_clipped; /* exact_sum: clipped samples of the mix */
} dmx_song;

enum { DMX_SONG_BLOCK = 16384 }; /* frames */

/* Checks the options against the format, the song and each other. */
DMX_MUST_CHECK dmx_status dmx_song_check(dmx_song *song, dmx_error *err);

/* Does everything that needs the length: checks disk space, opens files and
 * resampler. */
DMX_MUST_CHECK dmx_status dmx_song_open_outputs(dmx_song *song, dmx_error *err);

/* Writes stems and mix at the model's rate to the files; stems NULL: flushes
 * the end. */
DMX_MUST_CHECK dmx_status dmx_song_put(dmx_song *song,
                                       const float *const *stems,
                                       const float *const *mix, size_t frames,
                                       dmx_error *err);

/* Commits all files. */
DMX_MUST_CHECK dmx_status dmx_song_commit(dmx_song *song, dmx_error *err);
void dmx_song_close_outputs(dmx_song *song, bool keep);

#endif
