/* JSON values as text. */
#include "base/json.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct printer {
    char *text;
    size_t size, capacity;
    bool lines; /* a key a line, with tabs */
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

static void put_escaped(printer *p, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = strchr(from, c);
    char text[8];
    if (at != NULL)
        snprintf(text, sizeof text, "\\%c", to[at - from]);
    else
        snprintf(text, sizeof text, "\\u%04x", c);
    put(p, text);
}

static void put_string(printer *p, const char *text)
{
    put(p, "\"");
    while (*text != '\0') {
        size_t plain = 0;
        while (text[plain] != '\0' && (unsigned char)text[plain] >= 0x20 &&
               text[plain] != '"' && text[plain] != '\\')
            plain++;
        put_bytes(p, text, plain);
        text += plain;
        if (*text != '\0')
            put_escaped(p, (unsigned char)*text++);
    }
    put(p, "\"");
}

static bool same(double a, double b)
{
    const double most = fabs(a) > fabs(b) ? fabs(a) : fabs(b);
    return fabs(a - b) <= most * DBL_EPSILON;
}

/* printf writes the locale's decimal point, whatever bytes that is. */
static void put_with_point(printer *p, const char *text)
{
    const char *point = localeconv()->decimal_point;
    const char *at = point[0] != '\0' ? strstr(text, point) : NULL;
    if (at == NULL) {
        put(p, text);
        return;
    }
    put_bytes(p, text, (size_t)(at - text));
    put(p, ".");
    put(p, at + strlen(point));
}

static void put_number(printer *p, double x)
{
    char text[64];
    if (!isfinite(x)) {
        put(p, "null");
        return;
    }
    snprintf(text, sizeof text, "%1.15g", x);
    if (!same(strtod(text, NULL), x))
        snprintf(text, sizeof text, "%1.17g", x);
    put_with_point(p, text);
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
