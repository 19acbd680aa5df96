/* Reads a sound file at the model's channel count and sample rate. */
#ifndef DMX_SEPARATE_SONG_INPUT_H
#define DMX_SEPARATE_SONG_INPUT_H

#include "audio/audio.h"

#include <stdbool.h>

typedef struct dmx_song_input {
    dmx_audio_reader *reader;
    dmx_downmix downmix;
    dmx_resampler *resampler;
    int rate, channels; /* the model's */
    float *memory;
    float *raw[DMX_AUDIO_MAX_CHANNELS]; /* a block as decoded */
    float *mixed[2];                    /* the same, mixed down */
    size_t have, used; /* frames in the block; frames already used */
    bool ended;
    /* Called with every mixed-down block at the file's own rate; or NULL. */
    dmx_status (*tap)(void *user, const float *const *planes, size_t frames,
                      dmx_error *err);
    void *tap_user;
} dmx_song_input;

/* raw: "f32le,44100,2" for headerless PCM, or NULL; stream: which audio stream
 * of the file, from 1, or 0. */
DMX_MUST_CHECK dmx_status dmx_song_input_open(
    dmx_song_input *out, const char *path, const char *raw, int stream,
    int rate, int channels, const dmx_hooks *hooks, dmx_error *err);
/* The same of a file that is open, before its first read; the reader is
 * dmx_song_input_close's to close, except after an error. */
DMX_MUST_CHECK dmx_status dmx_song_input_over(dmx_song_input *out,
                                              dmx_audio_reader *reader,
                                              int rate, int channels,
                                              dmx_error *err);
void dmx_song_input_close(dmx_song_input *input);

DMX_MUST_CHECK dmx_status dmx_song_input_read(dmx_song_input *input,
                                              float *const *planes,
                                              size_t capacity, size_t *got,
                                              dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_song_input_rewind(dmx_song_input *input,
                                                dmx_error *err);

#endif
