#include "base/ratio.h"
#include "base/memory.h"
#include "demucs_onnx.h"

#include <string.h>

enum { MOST_DECIMALS = 9 };

/* One part: a sign, digits, at most one point. */
static bool parse_part(int64_t out[2], const char *text, size_t size)
{
    const bool negative = size != 0 && text[0] == '-';
    size_t i = size != 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    int digits = 0, decimals = -1; /* -1: no point yet */
    out[0] = 0;
    out[1] = 1;
    for (; i < size; i++) {
        if (text[i] == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        const int64_t digit = text[i] - '0';
        if (digit < 0 || digit > 9 || decimals == MOST_DECIMALS ||
            dmx_mul_overflow(&out[0], out[0], (int64_t)10) ||
            dmx_add_overflow(&out[0], out[0], negative ? -digit : digit))
            return false;
        digits++;
        if (decimals >= 0) {
            decimals++;
            out[1] *= 10;
        }
    }
    return digits > 0;
}

bool dmx_ratio_parse(int64_t ratio[2], const char *text, size_t size)
{
    const char *slash = size != 0 ? memchr(text, '/', size) : NULL;
    const size_t n = slash != NULL ? (size_t)(slash - text) : size;
    int64_t below[2] = {1, 1};
    return parse_part(ratio, text, n) &&
           (slash == NULL || parse_part(below, slash + 1, size - n - 1)) &&
           !dmx_mul_overflow(&ratio[0], ratio[0], below[1]) &&
           !dmx_mul_overflow(&ratio[1], ratio[1], below[0]);
}

void dmx_ratio_reduce(int64_t ratio[2])
{
    int64_t a = ratio[0], b = ratio[1];
    if (a <= 0 || b <= 0)
        return;
    while (b != 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    ratio[0] /= a;
    ratio[1] /= a;
}

int64_t dmx_ratio_samples(const int64_t ratio[2], int64_t rate)
{
    int64_t product;
    if (ratio[0] <= 0 || ratio[1] <= 0 || rate <= 0 ||
        dmx_mul_overflow(&product, ratio[0], rate))
        return 0;
    const int64_t samples = product / ratio[1];
    return samples <= (int64_t)1 << 62 ? samples : 0;
}

int64_t dmx_seconds_samples(const char *seconds, int64_t samplerate)
{
    int64_t ratio[2];
    if (seconds == NULL || !dmx_ratio_parse(ratio, seconds, strlen(seconds)))
        return 0;
    dmx_ratio_reduce(ratio);
    return dmx_ratio_samples(ratio, samplerate);
}
