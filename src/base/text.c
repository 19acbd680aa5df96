#include "base/text.h"

#include <stdio.h>
#include <string.h>

size_t dmx_utf8(uint32_t *code, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t n = p[0] < 0x80             ? 1
                     : (p[0] & 0xe0) == 0xc0 ? 2
                     : (p[0] & 0xf0) == 0xe0 ? 3
                     : (p[0] & 0xf8) == 0xf0 ? 4
                                             : 0;
    *code = p[0];
    if (n <= 1)
        return n;
    uint32_t c = p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) /* the terminating zero, too */
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return n;
}

bool dmx_code_is_printable(uint32_t c)
{
    static const uint32_t bad[][2] = {
        {0, 0x1f},           /* C0 */
        {0x7f, 0x9f},        /* DEL, C1 */
        {0x61c, 0x61c},      /* Arabic letter mark */
        {0x200e, 0x200f},    /* left-to-right, right-to-left marks */
        {0x2028, 0x202e},    /* separators; bidirectional embeddings */
        {0x2060, 0x206f},    /* invisible operators, isolates */
        {0xfeff, 0xfeff},    /* byte order mark */
        {0xfff9, 0xfffb},    /* interlinear annotation */
        {0xfffe, 0xffff},    /* noncharacters */
        {0xe0000, 0xe0fff},  /* tags */
        {0xf0000, 0x10ffff}, /* private use planes */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (c >= bad[i][0] && c <= bad[i][1])
            return false;
    return true;
}

/* A bounded text being written: `used` is the length it would have with enough
 * room. */
typedef struct sink {
    char *out;
    size_t size, used;
    bool full;
} sink;

static sink begin(char *out, size_t size)
{
    if (size > 0)
        out[0] = '\0';
    return (sink){out, size, 0, false};
}

/* Appends a piece whole or not at all, and nothing more once a piece did not
 * fit. */
static void put(sink *s, const char *piece, size_t length)
{
    s->full = s->full || s->used + length >= s->size;
    if (!s->full) {
        memcpy(s->out + s->used, piece, length);
        s->out[s->used + length] = '\0';
    }
    s->used += length;
}

/* "\n", "\x1b" for a byte, "\u202e" for a code point. */
static void put_visible(sink *s, uint32_t code, bool is_byte)
{
    static const char from[] = "\t\n\r", to[] = "tnr";
    char text[16];
    const char *known =
        code != 0 && code < 0x20 ? strchr(from, (int)code) : NULL;
    if (known != NULL)
        snprintf(text, sizeof text, "\\%c", to[known - from]);
    else if (is_byte || code < 0x80)
        snprintf(text, sizeof text, "\\x%02x", (unsigned)code);
    else
        snprintf(text, sizeof text, code < 0x10000 ? "\\u%04x" : "\\U%08x",
                 (unsigned)code);
    put(s, text, strlen(text));
}

size_t dmx_text_printable(char *out, size_t size, const char *text)
{
    sink s = begin(out, size);
    if (text == NULL)
        text = "(null)";
    while (*text != '\0') {
        uint32_t code;
        const size_t n = dmx_utf8(&code, text);
        if (n != 0 && dmx_code_is_printable(code))
            put(&s, text, n);
        else
            put_visible(&s, code, n == 0);
        text += n != 0 ? n : 1;
    }
    return s.used;
}

/* One UTF-16 escape, or a surrogate pair above the basic plane. */
static void put_json_code(sink *s, uint32_t code)
{
    char text[16];
    if (code < 0x10000)
        snprintf(text, sizeof text, "\\u%04x", (unsigned)code);
    else
        snprintf(text, sizeof text, "\\u%04x\\u%04x",
                 (unsigned)(0xd800 + ((code - 0x10000) >> 10)),
                 (unsigned)(0xdc00 + ((code - 0x10000) & 0x3ff)));
    put(s, text, strlen(text));
}

size_t dmx_text_json(char *out, size_t size, const char *text)
{
    sink s = begin(out, size);
    if (text == NULL)
        text = "";
    put(&s, "\"", 1);
    while (*text != '\0') {
        uint32_t code;
        const size_t n = dmx_utf8(&code, text);
        if (n == 0)
            put_json_code(&s, 0xfffd);
        else if (*text == '"' || *text == '\\')
            put(&s, "\\", 1), put(&s, text, 1);
        else if (dmx_code_is_printable(code))
            put(&s, text, n);
        else
            put_json_code(&s, code);
        text += n != 0 ? n : 1;
    }
    put(&s, "\"", 1);
    return s.used;
}
