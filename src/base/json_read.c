/* Parses text into JSON values. */
#include "base/json.h"

#include "base/number.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_BYTES = 64 };

typedef struct reader {
    const char *at, *end;
    int depth;
    size_t values; /* so far */
} reader;

static void skip_space(reader *r)
{
    while (r->at < r->end && (unsigned char)*r->at <= ' ')
        r->at++;
}

/* The next byte after white space, or 0 at the end. */
static char peek(reader *r)
{
    skip_space(r);
    return r->at < r->end ? *r->at : '\0';
}

static bool take_word(reader *r, const char *word)
{
    const size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return false;
    r->at += n;
    return true;
}

static bool read_number(double *out, const char *text, size_t size)
{
    char copy[NUMBER_BYTES + 1];
    memcpy(copy, text, size);
    copy[size] = '\0';
    return dmx_number_parse(out, copy);
}

static bool take_number(reader *r, dmx_json *value)
{
    size_t n = 0;
    while (r->at + n < r->end && n < NUMBER_BYTES &&
           strchr("+-.0123456789eE", r->at[n]) != NULL && r->at[n] != '\0')
        n++;
    if (n == NUMBER_BYTES || !read_number(&value->valuedouble, r->at, n))
        return false;
    r->at += n;
    value->type = DMX_JSON_NUMBER;
    return true;
}

/* Four hexadecimal digits; false when they are not. */
static bool take_hex(reader *r, uint32_t *out)
{
    *out = 0;
    if (r->end - r->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char c = *r->at++;
        const char *at = c != '\0' ? strchr(digits, c) : NULL;
        if (at == NULL)
            return false;
        *out = *out << 4 | ((uint32_t)(at - digits) & 15);
    }
    return true;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint32_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    *out++ = (char)(lead[more] | c >> (6 * more));
    for (int i = more - 1; i >= 0; i--)
        *out++ = (char)(0x80 | (c >> (6 * i) & 0x3f));
    return out;
}

/* Parses what follows "\u": a character, or a surrogate pair. U+0000 is
 * refused, since texts are zero-terminated. */
static bool take_unicode(reader *r, char **out)
{
    uint32_t c, low;
    if (!take_hex(r, &c) || c == 0 || (c >= 0xdc00 && c <= 0xdfff))
        return false;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (!take_word(r, "\\u") || !take_hex(r, &low) || low < 0xdc00 ||
            low > 0xdfff)
            return false;
        c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
    }
    *out = put_utf8(*out, c);
    return true;
}

static bool take_escape(reader *r, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char c = r->at < r->end ? *r->at++ : '\0';
    if (c == 'u')
        return take_unicode(r, out);
    const char *at = c != '\0' ? strchr(from, c) : NULL;
    if (at != NULL)
        *(*out)++ = to[at - from];
    return at != NULL;
}

/* The bytes up to the closing quote: an upper bound, since unescaping never
 * lengthens the text. */
static size_t raw_size(const reader *r)
{
    const char *p = r->at;
    while (p < r->end && *p != '"')
        p += *p == '\\' && r->end - p > 1 ? 2 : 1;
    return (size_t)(p - r->at);
}

/* Parses a string after its opening quote; malloc'd, NULL on failure. */
static char *take_string(reader *r)
{
    char *text = malloc(raw_size(r) + 1);
    char *out = text;
    while (text != NULL && r->at < r->end && *r->at != '"') {
        const char c = *r->at++;
        const bool good = c == '\\' ? take_escape(r, &out) : c != '\0';
        if (!good) {
            free(text);
            return NULL;
        }
        if (c != '\\')
            *out++ = c;
    }
    if (text != NULL && r->at == r->end) {
        free(text);
        return NULL;
    }
    if (text != NULL) {
        *out = '\0';
        r->at++;
    }
    return text;
}

static dmx_json *take_value(reader *r);

/* Parses one item, with its key if it is in an object. */
static bool take_item(reader *r, dmx_json *container)
{
    char *key = NULL;
    if (container->type == DMX_JSON_OBJECT) {
        if (peek(r) != '"')
            return false;
        r->at++;
        key = take_string(r);
        if (key == NULL || peek(r) != ':') {
            free(key);
            return false;
        }
        r->at++;
    }
    dmx_json *item = take_value(r);
    if (item == NULL || !dmx_json_append(container, item)) {
        free(key);
        return false;
    }
    item->string = key;
    return true;
}

/* Parses all items after the opening bracket. */
static bool take_items(reader *r, dmx_json *container, char close)
{
    if (++r->depth > DMX_JSON_DEPTH)
        return false;
    bool more = peek(r) != close;
    while (more) {
        if (!take_item(r, container))
            return false;
        more = peek(r) == ',';
        r->at += more;
    }
    if (peek(r) != close)
        return false;
    r->at++;
    r->depth--;
    return true;
}

static bool take_into(reader *r, dmx_json *value)
{
    const char c = peek(r);
    if (c == '{' || c == '[') {
        r->at++;
        value->type = c == '{' ? DMX_JSON_OBJECT : DMX_JSON_ARRAY;
        return take_items(r, value, c == '{' ? '}' : ']');
    }
    if (c == '"') {
        r->at++;
        value->type = DMX_JSON_STRING;
        value->valuestring = take_string(r);
        return value->valuestring != NULL;
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return take_number(r, value);
    value->type = c == 't'   ? DMX_JSON_TRUE
                  : c == 'f' ? DMX_JSON_FALSE
                             : DMX_JSON_NULL;
    return take_word(r, c == 't' ? "true" : c == 'f' ? "false" : "null");
}

static dmx_json *take_value(reader *r)
{
    if (r->values++ >= DMX_JSON_VALUES)
        return NULL;
    dmx_json *value = dmx_json_new(DMX_JSON_NULL);
    if (value != NULL && !take_into(r, value)) {
        dmx_json_free(value);
        value = NULL;
    }
    return value;
}

dmx_json *dmx_json_read_prefix(const char *text, size_t size, const char **end)
{
    reader r = {.at = text, .end = text + size};
    if (!take_word(&r, "\xef\xbb\xbf")) /* a byte order mark may lead */
        r.at = text;
    dmx_json *value = take_value(&r);
    if (end != NULL)
        *end = r.at;
    return value;
}

dmx_json *dmx_json_read_bytes(const char *text, size_t size)
{
    const char *end;
    dmx_json *value = dmx_json_read_prefix(text, size, &end);
    while (end < text + size && (unsigned char)*end <= ' ')
        end++;
    if (end != text + size) {
        dmx_json_free(value);
        value = NULL;
    }
    return value;
}

dmx_json *dmx_json_read(const char *text)
{
    return text != NULL ? dmx_json_read_bytes(text, strlen(text)) : NULL;
}
