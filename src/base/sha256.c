/* SHA-256 without a library. Source: FIPS 180-4, sections 4.1.2, 4.2.2, 5 and
 * 6.2; the constants are those of 4.2.2 and 5.3.3: the first 32 bits of the
 * fractional parts of the cube and square roots of the first primes. */
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64, ROUNDS = 64 };

struct dmx_sha256 {
    uint32_t h[8];
    uint64_t bytes;
    unsigned char block[BLOCK]; /* bytes of an incomplete block */
};

static const uint32_t k[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate_right(uint32_t x, int bits)
{
    return x >> bits | x << (32 - bits);
}

static void expand(uint32_t w[ROUNDS], const unsigned char *p)
{
    for (int i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
               (uint32_t)p[2] << 8 | (uint32_t)p[3];
    for (int i = 16; i < ROUNDS; i++) {
        const uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] +
               (rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3) +
               (rotate_right(y, 17) ^ rotate_right(y, 19) ^ y >> 10);
    }
}

static void add_block(uint32_t h[8], const unsigned char *p)
{
    uint32_t w[ROUNDS], v[8]; /* v: a to h of the standard */
    expand(w, p);
    memcpy(v, h, sizeof v);
    for (int i = 0; i < ROUNDS; i++) {
        const uint32_t sum1 = rotate_right(v[4], 6) ^ rotate_right(v[4], 11) ^
                              rotate_right(v[4], 25);
        const uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        const uint32_t sum0 = rotate_right(v[0], 2) ^ rotate_right(v[0], 13) ^
                              rotate_right(v[0], 22);
        const uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        const uint32_t one = v[7] + sum1 + choice + k[i] + w[i];
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += one;
        v[0] = one + sum0 + majority;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

dmx_sha256 *dmx_sha256_open(void)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                      0xa54ff53a, 0x510e527f, 0x9b05688c,
                                      0x1f83d9ab, 0x5be0cd19};
    dmx_sha256 *state = calloc(1, sizeof *state);
    if (state != NULL)
        memcpy(state->h, start, sizeof start);
    return state;
}

void dmx_sha256_update(dmx_sha256 *state, const void *data, size_t size)
{
    const unsigned char *p = data;
    size_t held = (size_t)(state->bytes % BLOCK);
    state->bytes += size;
    while (size > 0) {
        if (held == 0 && size >= BLOCK) {
            add_block(state->h, p);
            p += BLOCK;
            size -= BLOCK;
            continue;
        }
        const size_t n = size < BLOCK - held ? size : BLOCK - held;
        memcpy(state->block + held, p, n);
        held += n;
        p += n;
        size -= n;
        if (held == BLOCK)
            add_block(state->h, state->block);
        held %= BLOCK;
    }
}

void dmx_sha256_finish(dmx_sha256 *state, char hex[DMX_SHA256_HEX])
{
    static const char digit[] = "0123456789abcdef";
    unsigned char end[BLOCK + 8] = {0x80};
    const uint64_t bits = 8 * state->bytes;
    const size_t zeros = (size_t)((119 - state->bytes % BLOCK) % BLOCK);
    for (int i = 0; i < 8; i++)
        end[1 + zeros + (size_t)i] = (unsigned char)(bits >> (56 - 8 * i));
    dmx_sha256_update(state, end, 1 + zeros + 8);
    for (int i = 0; i < 64; i++)
        hex[i] = digit[state->h[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[64] = '\0';
    free(state);
}
