/* Decoding: files of plain samples, and any sound or video file the FFmpeg
 * libraries know -> float32. */
#ifndef DMX_AUDIO_READER_H
#define DMX_AUDIO_READER_H

#include "audio/raw.h"
#include "audio/tags.h"

/* An open sound file. The file itself stays open, so that a second pass yields
 * the same samples even if the path has been replaced meanwhile. The decoder
 * has access to this one file only: no network, no playlist, no other path. */
typedef struct dmx_audio_reader dmx_audio_reader;

typedef struct dmx_audio_reader_options {
    size_t size;              /* sizeof this struct */
    const dmx_hooks *hooks;   /* warnings: damaged or cut-off files; they do not
                                 say the file's name, which the caller knows */
    const dmx_raw_spec *raw;  /* the bytes are headerless PCM; NULL: a file */
    const char *spool_folder; /* where pipes are stored; NULL: $TMPDIR, /tmp */
    uint64_t spool_limit;     /* bytes taken from a pipe; 0: 16 GiB */
    double max_seconds;       /* longest sound decoded; 0: 100 hours */
    int stream;               /* which audio stream of several, from 1; 0: the
                                 first, with a warning that there are more */
} dmx_audio_reader_options;

#define DMX_AUDIO_READER_OPTIONS_INIT                                          \
    {                                                                          \
        sizeof(dmx_audio_reader_options), NULL, NULL, NULL, 0, 0, 0            \
    }

typedef struct dmx_audio_info {
    int rate;             /* Hz */
    int channels;         /* 1 .. DMX_AUDIO_MAX_CHANNELS */
    uint64_t layout;      /* speakers, as the bits of a WAVE channel mask in
                             channel order; 0: the file does not say */
    int64_t frames;       /* length, gapless information applied; -1: unknown */
    int exact;            /* `frames` is what a whole pass will give (lossless
                             headers; always after one complete pass); otherwise
                             it is an estimate */
    int bits;             /* 8, 16, 20, 24, 32 ... of a lossless source, 0 of a
                             lossy one */
    int is_float;         /* lossless source of floating-point samples */
    char codec[32];       /* "flac", "mp3", "pcm_s16le" */
    char container[32];   /* "wav", "mov,mp4,m4a,..." */
    char layout_name[64]; /* "stereo", "5.1(side)" */
} dmx_audio_info;

/* Opens a file: its first audio stream, or the one asked for (ARGUMENT when
 * there are fewer; streams that can't be decoded count, but are not taken
 * unasked). path "-" is standard input;
 * it and named pipes are first stored in an unlinked temporary file. *out is
 * closed with dmx_audio_reader_close. Fails with IO (missing, not a file, no
 * space to spool), FORMAT (no sound file, corrupt, empty), LIMIT, UNSUPPORTED
 * (no audio in it, codec unknown, absurd rate or channels), MEMORY. */
DMX_MUST_CHECK dmx_status
dmx_audio_reader_open(dmx_audio_reader **out, const char *path,
                      const dmx_audio_reader_options *options, dmx_error *err);
void dmx_audio_reader_close(dmx_audio_reader *reader);

const dmx_audio_info *dmx_audio_reader_info(const dmx_audio_reader *reader);

/* The file's tags and cover, owned by the reader; never NULL. */
const dmx_audio_tags *dmx_audio_reader_tags(const dmx_audio_reader *reader);

/* Fills planes[c][0 .. *got), at most `capacity` frames, all of them unless
 * the sound ends. *got == 0 with DMX_OK is the end. Non-finite samples are
 * counted and become 0. A packet that can't be decoded becomes silence of its
 * length and one warning; a stream that yields nothing at all is FORMAT. */
DMX_MUST_CHECK dmx_status dmx_audio_reader_read(dmx_audio_reader *reader,
                                                float *const *planes,
                                                size_t capacity, size_t *got,
                                                dmx_error *err);

/* Returns to the first frame: the next pass yields exactly the same samples. */
DMX_MUST_CHECK dmx_status dmx_audio_reader_rewind(dmx_audio_reader *reader,
                                                  dmx_error *err);

/* Frames delivered and non-finite samples replaced since open or rewind. */
int64_t dmx_audio_reader_position(const dmx_audio_reader *reader);
int64_t dmx_audio_reader_nonfinite(const dmx_audio_reader *reader);

#endif
