/* Little-endian numbers in a file's bytes, and printable text. */
#ifndef DMX_CHECKPOINT_BYTES_H
#define DMX_CHECKPOINT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The caller checks that the bytes exist. */
static inline uint16_t dmx_le16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t dmx_le32(const unsigned char *p)
{
    return (uint32_t)dmx_le16(p) | (uint32_t)dmx_le16(p + 2) << 16;
}

static inline uint64_t dmx_le64(const unsigned char *p)
{
    return (uint64_t)dmx_le32(p) | (uint64_t)dmx_le32(p + 4) << 32;
}

/* Well-formed UTF-8 (no surrogates, no overlong forms) without control
 * characters: safe in messages, names and JSON. */
bool dmx_text_clean(const char *text, size_t size);

/* Up to out_size - 1 bytes of text, with '?' for everything that is not
 * printable ASCII and "..." where it was cut; returns out. */
char *dmx_text_show(char *out, size_t out_size, const char *text, size_t size);

#endif
