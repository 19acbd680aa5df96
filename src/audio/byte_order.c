#include "audio/byte_order.h"

uint64_t dmx_bytes_number(const unsigned char *p, size_t n, bool big_endian)
{
    uint64_t value = 0;
    for (size_t k = 0; k < n; k++)
        value = value << 8 | p[big_endian ? k : n - 1 - k];
    return value;
}

unsigned char *dmx_bytes_put_be32(unsigned char *p, uint64_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *p++ = (unsigned char)(value >> shift);
    return p;
}
