/* Prints JSON values as text. */
#include "base/json.h"

#include "base/number.h"
#include "base/text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct printer {
    char *text;
    size_t size, capacity;
    bool lines; /* one key per line, indented with tabs */
    bool failed;
} printer;

static void put_bytes(printer *p, const char *bytes, size_t n)
{
    if (!p->failed && n >= p->capacity - p->size) {
        const size_t wanted = 2 * p->capacity + n + 256;
        char *grown = wanted > p->capacity ? realloc(p->text, wanted) : NULL;
        p->failed = grown == NULL;
        if (!p->failed) {
            p->text = grown;
            p->capacity = wanted;
        }
    }
    if (p->failed)
        return;
    memcpy(p->text + p->size, bytes, n);
    p->size += n;
    p->text[p->size] = '\0';
}

static void put(printer *p, const char *text)
{
    put_bytes(p, text, strlen(text));
}

static void put_tabs(printer *p, int count)
{
    for (int i = 0; p->lines && i < count; i++)
        put(p, "\t");
}

static void put_escaped(printer *p, uint32_t code)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = code < 0x80 ? strchr(from, (int)code) : NULL;
    char text[16];
    if (at != NULL)
        snprintf(text, sizeof text, "\\%c", to[at - from]);
    else if (code < 0x10000)
        snprintf(text, sizeof text, "\\u%04x", (unsigned)code);
    else
        snprintf(text, sizeof text, "\\u%04x\\u%04x",
                 (unsigned)(0xd800 + ((code - 0x10000) >> 10)),
                 (unsigned)(0xdc00 + ((code - 0x10000) & 0x3ff)));
    put(p, text);
}

/* The output is always valid UTF-8 and safe to print on a terminal. */
static void put_string(printer *p, const char *text)
{
    put(p, "\"");
    while (*text != '\0') {
        uint32_t code;
        const size_t n = dmx_utf8(&code, text);
        if (n != 0 && code != '"' && code != '\\' &&
            dmx_code_is_printable(code))
            put_bytes(p, text, n);
        else
            put_escaped(p, n != 0 ? code : 0xfffd);
        text += n != 0 ? n : 1;
    }
    put(p, "\"");
}

static bool same(double a, double b)
{
    const double most = fabs(a) > fabs(b) ? fabs(a) : fabs(b);
    return fabs(a - b) <= most * DBL_EPSILON;
}

static void put_number(printer *p, double x)
{
    char text[64];
    if (!isfinite(x)) {
        put(p, "null");
        return;
    }
    double back;
    dmx_format(text, sizeof text, "%1.15g", x);
    if (!dmx_number_parse(&back, text) || !same(back, x))
        dmx_format(text, sizeof text, "%1.17g", x);
    put(p, text);
}

static void put_value(printer *p, const dmx_json *value, int depth);

static void put_array(printer *p, const dmx_json *array, int depth)
{
    const dmx_json *item;
    put(p, "[");
    DMX_JSON_EACH (item, array) {
        put_value(p, item, depth + 1);
        if (item->next != NULL)
            put(p, p->lines ? ", " : ",");
    }
    put(p, "]");
}

static void put_object(printer *p, const dmx_json *object, int depth)
{
    const dmx_json *item;
    put(p, p->lines ? "{\n" : "{");
    DMX_JSON_EACH (item, object) {
        put_tabs(p, depth + 1);
        put_string(p, item->string != NULL ? item->string : "");
        put(p, p->lines ? ":\t" : ":");
        put_value(p, item, depth + 1);
        if (item->next != NULL)
            put(p, ",");
        if (p->lines)
            put(p, "\n");
    }
    put_tabs(p, depth);
    put(p, "}");
}

static void put_value(printer *p, const dmx_json *value, int depth)
{
    static const char *const word[] = {"null", "false", "true"};
    if (value->type <= DMX_JSON_TRUE)
        put(p, word[value->type]);
    else if (value->type == DMX_JSON_NUMBER)
        put_number(p, value->valuedouble);
    else if (value->type == DMX_JSON_STRING)
        put_string(p, value->valuestring);
    else if (value->type == DMX_JSON_ARRAY)
        put_array(p, value, depth);
    else
        put_object(p, value, depth);
}

static char *print(const dmx_json *value, bool lines)
{
    printer p = {.lines = lines};
    if (value == NULL)
        return NULL;
    put_value(&p, value, 0);
    if (p.failed) {
        free(p.text);
        p.text = NULL;
    }
    return p.text;
}

char *dmx_json_print(const dmx_json *value)
{
    return print(value, true);
}

char *dmx_json_print_compact(const dmx_json *value)
{
    return print(value, false);
}
