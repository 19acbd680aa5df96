#include "checkpoint/bytes.h"

#include <string.h>

/* Length of the well-formed sequence at p, or 0 (Unicode, table 3-7). */
static size_t sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    const size_t n = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
                     : p[0] >= 0xe0 && p[0] <= 0xef ? 3
                     : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                                    : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

bool dmx_text_clean(const char *text, size_t size)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t i = 0;
    while (i < size) {
        const size_t n = sequence(p + i, size - i);
        if (n == 0 || p[i] < 0x20 || p[i] == 0x7f ||
            (n == 2 && p[i] == 0xc2 && p[i + 1] < 0xa0))
            return false;
        i += n;
    }
    return true;
}

char *dmx_text_show(char *out, size_t out_size, const char *text, size_t size)
{
    const bool cut = size > out_size - 1;
    const size_t n = cut ? out_size - 4 : size;
    for (size_t i = 0; i < n; i++)
        out[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    memcpy(out + n, cut ? "..." : "", cut ? 4 : 1);
    return out;
}
