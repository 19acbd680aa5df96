/* Checksums. The full library takes SHA-256 (FIPS 180-4) from OpenSSL, which
 * uses the processor's instructions for it (sha256_openssl.c); the core, which
 * depends on no library, has its own (sha256.c). */
#ifndef DMX_BASE_HASH_H
#define DMX_BASE_HASH_H

#include "base/error.h"

#include <stdint.h>

#define DMX_SHA256_HEX 65 /* 64 hexadecimal digits and the final zero */

typedef struct dmx_sha256 dmx_sha256;

DMX_MUST_CHECK dmx_status dmx_sha256_hex(char hex[DMX_SHA256_HEX],
                                         const void *data, size_t size,
                                         dmx_error *err);

/* Incremental form: open, update..., finish (which also closes). */
dmx_sha256 *dmx_sha256_open(void); /* NULL when out of memory */
void dmx_sha256_update(dmx_sha256 *state, const void *data, size_t size);
void dmx_sha256_finish(dmx_sha256 *state, char hex[DMX_SHA256_HEX]);

/* The CRC-32 of zip files and PNG (ISO 3309). */
uint32_t dmx_crc32(const void *data, size_t size);
/* The same in pieces: what follows bytes whose CRC-32 is `before`, at first
 * 0. */
uint32_t dmx_crc32_more(uint32_t before, const void *data, size_t size);

#endif
