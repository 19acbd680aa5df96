/* Ogg files joined end to end ("chained"): each link is decoded like a separate
 * file, so that lengths add up. Any other file is a chain of one link. */
#ifndef DMX_AUDIO_CHAIN_H
#define DMX_AUDIO_CHAIN_H

#include "audio/decoder.h"

typedef struct dmx_chain dmx_chain;

/* Opens the first link of the file behind `fd` (read by position, never
 * closed); stream as in dmx_decoder_open. */
DMX_MUST_CHECK dmx_status dmx_chain_open(dmx_chain **out, int fd, int64_t size,
                                         const char *name, int stream,
                                         const dmx_hooks *hooks,
                                         dmx_error *err);
void dmx_chain_close(dmx_chain *chain);

/* The info of the first link; with several links the length is unknown. */
void dmx_chain_info(const dmx_chain *chain, dmx_audio_info *info);
DMX_MUST_CHECK dmx_status dmx_chain_tags(const dmx_chain *chain,
                                         dmx_audio_tags *tags,
                                         const dmx_hooks *hooks,
                                         dmx_error *err);

/* Copies at most `capacity` frames; *got == 0 is the end. A link with another
 * rate or channel count is UNSUPPORTED, more than 10000 links are LIMIT. */
DMX_MUST_CHECK dmx_status dmx_chain_read(dmx_chain *chain, float *const *planes,
                                         size_t at, size_t capacity,
                                         size_t *got, dmx_error *err);

/* Packets, and links, that could not be decoded so far. */
int64_t dmx_chain_damaged(const dmx_chain *chain);

#endif
