#include "checkpoint/pickle_text.h"
#include "base/memory.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

dmx_parsed dmx_parse_decimal(int64_t *out, const char *text, size_t size)
{
    const bool negative = size != 0 && text[0] == '-';
    size_t i = size != 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    if (i == size)
        return DMX_PARSED_BAD;
    bool huge = false;
    int64_t x = 0;
    for (; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return DMX_PARSED_BAD;
        const int64_t digit = text[i] - '0';
        huge = huge || dmx_mul_overflow(&x, x, (int64_t)10) ||
               dmx_add_overflow(&x, x, negative ? -digit : digit);
    }
    *out = x;
    return huge ? DMX_PARSED_HUGE : DMX_PARSED;
}

bool dmx_parse_real(double *out, const char *text, size_t size)
{
    char copy[64];
    if (size == 0 || size >= sizeof copy)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (strspn(copy, "0123456789+-.eEinfa") < size)
        return false; /* strtod would also take blanks and hexadecimals */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return false;
    char *end;
    *out = strtod_l(copy, &end, c);
    freelocale(c);
    return end == copy + size;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Exactly n hexadecimal digits. */
static bool hex(uint32_t *out, const char *text, size_t left, size_t n)
{
    *out = 0;
    if (left < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const int digit = hex_digit(text[i]);
        if (digit < 0)
            return false;
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

bool dmx_unescape_bytes(char *out, size_t *out_size, const char *text,
                        size_t size)
{
    static const char from[] = "\\'\"nrtabfv", to[] = "\\'\"\n\r\t\a\b\f\v";
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '\\') {
            out[n++] = text[i];
            continue;
        }
        if (++i == size)
            return false;
        uint32_t code;
        const char *known = memchr(from, text[i], sizeof from - 1);
        if (known != NULL) {
            out[n++] = to[known - from];
        } else if (text[i] == 'x' &&
                   hex(&code, text + i + 1, size - i - 1, 2)) {
            out[n++] = (char)code;
            i += 2;
        } else {
            return false;
        }
    }
    *out_size = n;
    return true;
}

/* At most as long as the escape it comes from. */
static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[n] | c);
    return n;
}

bool dmx_unescape_unicode(char *out, size_t *out_size, const char *text,
                          size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        const char kind = i + 1 < size ? text[i + 1] : '\0';
        if (text[i] != '\\' || (kind != 'u' && kind != 'U')) {
            out[n++] = text[i];
            continue;
        }
        const size_t digits = kind == 'u' ? 4 : 8;
        uint32_t code;
        if (!hex(&code, text + i + 2, size - i - 2, digits) || code > 0x10ffff)
            return false;
        n += put_utf8(out + n, code);
        i += 1 + digits;
    }
    *out_size = n;
    return true;
}
