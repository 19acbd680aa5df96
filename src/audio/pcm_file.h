/* Files of plain samples: WAV and its kin, AIFF, AU, CAF. Their headers are
 * read here, because the FFmpeg libraries misread some of them (fewer valid
 * bits than the container has, big-endian RIFX, little-endian AU) and do not
 * report the sizes stated in a header. Compressed files are left to them. */
#ifndef DMX_AUDIO_PCM_FILE_H
#define DMX_AUDIO_PCM_FILE_H

#include "audio/raw.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct dmx_pcm_file {
    const char *container; /* "wav", "w64", "aiff", "au", "caf" */
    dmx_raw_spec raw;
    int bits;          /* that carry information, left-justified */
    uint64_t layout;   /* WAVE channel mask; 0: the header does not say */
    int64_t offset;    /* of the first sample's first byte in the file */
    int64_t frames;    /* frames present */
    int64_t announced; /* according to the header; -1: not stated */
    int64_t more;      /* frames in further data chunks */
    int64_t id3;       /* where an ID3v2 tag starts that is a chunk; 0: none */
} dmx_pcm_file;

/* Finds the samples in the file of `size` bytes behind `fd`, read by position.
 * *found is false for everything that is not such a file, and for compressed
 * samples. Takes bounded time: at most 65536 chunks are looked at. Fails with
 * IO, FORMAT (no samples), UNSUPPORTED (rate, channels, or samples that the
 * FFmpeg libraries would misread, too). */
DMX_MUST_CHECK dmx_status dmx_pcm_find(dmx_pcm_file *out, bool *found, int fd,
                                       int64_t size, const char *name,
                                       dmx_error *err);

#endif
