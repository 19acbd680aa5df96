/* Shared by the readers of PCM headers. */
#ifndef DMX_AUDIO_PCM_PARTS_H
#define DMX_AUDIO_PCM_PARTS_H

#include "audio/byte_order.h"
#include "audio/pcm_file.h"
#include "audio/span.h"

#include <string.h>

#define DMX_PCM_MAX_CHUNKS 65536

/* The bytes of a file from `base` on. */
typedef struct dmx_pcm_bytes {
    int fd;
    int64_t base, size;
    int failure; /* errno of a failed read, 0 */
} dmx_pcm_bytes;

/* A header being read into a dmx_pcm_file. */
typedef struct dmx_pcm_header {
    dmx_pcm_bytes in;
    dmx_pcm_file file; /* offset: from in.base */
    uint32_t rate, channels;
    int64_t data;  /* bytes of samples as announced; -1: to the end */
    int64_t extra; /* bytes in further data chunks */
    bool have_format, have_data;
    bool piped;     /* sizes are placeholders, beyond the end of the file */
    bool is_plain;  /* samples that dmx_raw_decode reads */
    bool only_ours; /* the FFmpeg libraries would misread it */
} dmx_pcm_header;

/* Copies bytes [at, at + n); false when they are not all there. */
bool dmx_pcm_bytes_at(dmx_pcm_bytes *in, int64_t at, unsigned char *out,
                      size_t n);

/* Placeholder sizes, from programs that can't know them yet: all ones, or the
 * largest signed number minus a header. */
bool dmx_pcm_placeholder(uint32_t size);

/* Integers of `width` bytes, or floats; false when there is no such type. */
bool dmx_pcm_set_integers(dmx_raw_spec *raw, size_t width, bool big_endian,
                          bool is_signed);
bool dmx_pcm_set_floats(dmx_raw_spec *raw, size_t width, bool big_endian);

/* Each recognises its magic (false: another kind of file) and fills the
 * header as far as the file goes. */
bool dmx_pcm_wave(dmx_pcm_header *h);
bool dmx_pcm_aiff(dmx_pcm_header *h);
bool dmx_pcm_au(dmx_pcm_header *h);
bool dmx_pcm_caf(dmx_pcm_header *h);

#endif
