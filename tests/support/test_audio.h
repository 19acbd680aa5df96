/* Sounds for tests: synthetic planes, whole files in memory, odd containers. */
#ifndef DMX_TEST_AUDIO_H
#define DMX_TEST_AUDIO_H

#include "audio/audio.h"
#include "test_support.h"

#include <stdbool.h>

typedef struct test_sound {
    float *plane[DMX_AUDIO_MAX_CHANNELS];
    int channels;
    int rate;
    int64_t frames;
    int64_t nonfinite;
    dmx_audio_info info; /* at open */
} test_sound;

/* A decaying chord, different in every channel, within +-0.8. */
test_sound test_sound_make(int rate, int channels, int64_t frames);
void test_sound_free(test_sound *sound);

/* Reads a whole file in blocks of `block` frames; never fails the test. */
dmx_status test_sound_read(test_sound *out, const char *path,
                           const dmx_audio_reader_options *options,
                           size_t block, dmx_error *err);
/* Writes it with our writer (rate and channels are taken from the sound). */
void test_sound_write(const test_sound *sound, const char *path,
                      dmx_audio_writer_options options);

/* Writes it with the FFmpeg libraries' own muxers and encoders; false when
 * they lack one of them. options: the muxer's, "movflags=frag_keyframe", or
 * NULL. */
bool test_sound_mux(const test_sound *sound, const char *path,
                    const char *muxer, const char *codec, const char *options);

/* A short MP4 film: MPEG-4 video, and the sound as AAC (NULL: mute).
 * False when the FFmpeg libraries lack an encoder. */
bool test_film(const test_sound *sound, const char *path);

/* Signal-to-noise ratio of b against a over a's length, in dB. */
double test_sound_snr(const test_sound *a, const test_sound *b);

/* The demo's model, ready to separate, between the setup and teardown of a
 * group of tests. */
extern dmx_separator *test_tiny;
int test_tiny_open(void **state);
int test_tiny_close(void **state);

/* "<test folder>/name" in a ring of static buffers. */
const char *test_path(const char *name);
/* Bytes of a file; the caller frees. */
unsigned char *test_bytes(const char *path, size_t *size);
void test_write_bytes(const char *path, const void *data, size_t size);
/* Number of entries in the test folder whose name contains `part`. */
int test_count_files(const char *part);

#endif
