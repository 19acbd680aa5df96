/* Numbers in the bytes of files. */
#ifndef DMX_AUDIO_BYTE_ORDER_H
#define DMX_AUDIO_BYTE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* n <= 8 bytes as a number. */
uint64_t dmx_bytes_number(const unsigned char *p, size_t n, bool big_endian);

/* The low 32 bits of a number as four big-endian bytes; returns what follows
 * them. */
unsigned char *dmx_bytes_put_be32(unsigned char *p, uint64_t value);

#endif
