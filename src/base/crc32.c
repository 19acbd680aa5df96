/* CRC-32, eight bytes per step. Source of the polynomial: ISO 3309, as in
 * PKWARE's APPNOTE.TXT, section 4.4.7. */
#include "base/hash.h"

#define POLYNOMIAL 0xedb88320u /* bit-reversed */

/* table[k][b]: the contribution of byte b once k zero bytes have followed it.
 */
typedef uint32_t crc_table[8][256];

static void fill(crc_table table)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t c = b;
        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ ((c & 1) != 0 ? POLYNOMIAL : 0);
        table[0][b] = c;
    }
    for (int k = 1; k < 8; k++)
        for (uint32_t b = 0; b < 256; b++)
            table[k][b] =
                table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
}

static uint32_t little_endian(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

uint32_t dmx_crc32(const void *data, size_t size)
{
    return dmx_crc32_more(0, data, size);
}

uint32_t dmx_crc32_more(uint32_t before, const void *data, size_t size)
{
    const unsigned char *p = data;
    uint32_t c = ~before;
    crc_table t;
    fill(t);
    for (; size >= 8; size -= 8, p += 8) {
        const uint32_t a = c ^ little_endian(p), b = little_endian(p + 4);
        c = t[7][a & 255] ^ t[6][a >> 8 & 255] ^ t[5][a >> 16 & 255] ^
            t[4][a >> 24] ^ t[3][b & 255] ^ t[2][b >> 8 & 255] ^
            t[1][b >> 16 & 255] ^ t[0][b >> 24];
    }
    for (; size > 0; size--)
        c = c >> 8 ^ t[0][(c ^ *p++) & 255];
    return ~c;
}
