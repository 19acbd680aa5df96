/* Encoding: planes -> a sound file that appears only when it is complete. */
#ifndef DMX_AUDIO_WRITER_H
#define DMX_AUDIO_WRITER_H

#include "audio/tags.h"
#include <stdio.h>

typedef struct dmx_audio_writer dmx_audio_writer;

typedef enum dmx_audio_format {
    DMX_AUDIO_WAV, /* RF64 (EBU Tech 3306) above 4 GiB */
    DMX_AUDIO_FLAC,
    DMX_AUDIO_MP3,
    DMX_AUDIO_OGG, /* Vorbis */
    DMX_AUDIO_OPUS,
    DMX_AUDIO_M4A,      /* AAC-LC */
    DMX_AUDIO_STEM_MP4, /* DJ stem file: the mix and four stems, each a stereo
                           track of AAC-LC */
} dmx_audio_format;

#define DMX_AUDIO_STEM_TRACKS 5

typedef enum dmx_audio_sample {
    DMX_AUDIO_S16, /* WAV and FLAC */
    DMX_AUDIO_S24, /* WAV and FLAC */
    DMX_AUDIO_F32, /* WAV */
} dmx_audio_sample;

typedef struct dmx_audio_writer_options {
    size_t size;            /* sizeof this struct */
    const dmx_hooks *hooks; /* warnings: a cover that could not be stored */
    dmx_audio_format format;
    dmx_audio_sample sample; /* ignored by the lossy formats */
    int rate;                /* Hz; see dmx_audio_format_rate */
    int channels;         /* MP3: 1 or 2; the others 1 to 8, WAV 64; of a stem
                             file's tracks together: 5 or 10 */
    int64_t frames;       /* the length, -1 when not known. WAV uses it for
                             a plain header, and for a right one where it
                             can't seek */
    int bitrate;          /* kbit/s of lossy formats, of each track; 0: MP3
                             320, M4A, stem files and OGG 256, Opus 192 */
    int dither;           /* non-zero: TPDF dither of +-1 LSB before
                             rounding to integers */
    uint64_t dither_seed; /* the same seed gives the same file */
    const dmx_audio_tags *tags; /* copied at open; may be NULL */
    FILE *stream;               /* write here (standard output) instead of to
                                   `path`; flushed, never closed */
    const char *const *stem;    /* stem files: names of the four; must live
                                   until the commit */
} dmx_audio_writer_options;

#define DMX_AUDIO_WRITER_OPTIONS_INIT                                          \
    {                                                                          \
        sizeof(dmx_audio_writer_options), NULL, DMX_AUDIO_WAV, DMX_AUDIO_S16,  \
            44100, 2, -1, 0, 0, 0, NULL, NULL, NULL                            \
    }

/* The rate to encode at: `rate` itself when the format can store it, else the
 * next higher one, else its highest. Opus is always 48000. */
int dmx_audio_format_rate(dmx_audio_format format, int rate);
/* ".wav" ...; and back from a name or path ("mp3", "x/y.mp3"): 1 if known. */
const char *dmx_audio_format_extension(dmx_audio_format format);
int dmx_audio_format_parse(dmx_audio_format *out, const char *name);

/* Starts a file beside `path` under a temporary name (base/output.h). `path` is
 * also the name used in messages. Fails with ARGUMENT (a rate, channel count
 * or depth that the format does not have), IO, UNSUPPORTED (the FFmpeg
 * libraries were built without that encoder), MEMORY. */
DMX_MUST_CHECK dmx_status
dmx_audio_writer_open(dmx_audio_writer **out, const char *path,
                      const dmx_audio_writer_options *options, dmx_error *err);

/* Appends frames. Integer formats: round half to even of x * 2^(bits-1),
 * clamped to full scale (1.0 becomes 32767 of 32768); lossy formats: clamped
 * to +-1, and NaN is ARGUMENT; no other gain. */
DMX_MUST_CHECK dmx_status dmx_audio_writer_write(dmx_audio_writer *writer,
                                                 const float *const *planes,
                                                 size_t frames, dmx_error *err);

/* Appends integer frames as they are, clamped to `sample`'s range; ARGUMENT
 * unless the file is S16 or S24 of WAV or FLAC. No dither, no rounding. */
DMX_MUST_CHECK dmx_status dmx_audio_writer_write_int(
    dmx_audio_writer *writer, const int32_t *const *planes, size_t frames,
    dmx_error *err);

/* Samples that were clamped to full scale so far. */
int64_t dmx_audio_writer_clipped(const dmx_audio_writer *writer);

/* Completes the file and renames it to its final name. The handle must still be
 * closed, whatever this returns. */
DMX_MUST_CHECK dmx_status dmx_audio_writer_commit(dmx_audio_writer *writer,
                                                  dmx_error *err);

/* After a commit: removes the file again, unless it replaced another one or has
 * itself been replaced. */
void dmx_audio_writer_take_back(dmx_audio_writer *writer);

/* Releases everything; a file that was not committed is removed. */
void dmx_audio_writer_close(dmx_audio_writer *writer);

#endif
