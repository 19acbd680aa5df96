/* Opcodes of numbers, strings and bytes. */
#include "checkpoint/pickle_opcodes.h"
#include "checkpoint/pickle_stack.h"
#include "checkpoint/bytes.h"
#include "checkpoint/pickle_text.h"

#include <string.h>

dmx_status dmx_pickle_op_none(dmx_machine *m)
{
    dmx_pickled *v = NULL;
    return dmx_machine_push_new(&v, m, DMX_PICKLED_NONE);
}

dmx_status dmx_pickle_op_true(dmx_machine *m)
{
    return dmx_machine_push_boolean(m, true);
}

dmx_status dmx_pickle_op_false(dmx_machine *m)
{
    return dmx_machine_push_boolean(m, false);
}

dmx_status dmx_pickle_op_binint(dmx_machine *m)
{
    uint64_t x = 0;
    DMX_FORWARD(dmx_machine_number(&x, m, 4));
    return dmx_machine_push_integer(m, (int32_t)(uint32_t)x);
}

dmx_status dmx_pickle_op_binint1(dmx_machine *m)
{
    uint64_t x = 0;
    DMX_FORWARD(dmx_machine_number(&x, m, 1));
    return dmx_machine_push_integer(m, (int64_t)x);
}

dmx_status dmx_pickle_op_binint2(dmx_machine *m)
{
    uint64_t x = 0;
    DMX_FORWARD(dmx_machine_number(&x, m, 2));
    return dmx_machine_push_integer(m, (int64_t)x);
}

/* n bytes, two's complement; a number beyond int64 becomes an opaque value. */
static dmx_status long_of(dmx_machine *m, uint64_t n)
{
    DMX_FORWARD(dmx_machine_need(m, n));
    const unsigned char *p = m->data + m->pos;
    m->pos += (size_t)n;
    if (n > 8)
        return dmx_machine_push_opaque(m, "builtins.int");
    uint64_t x = n != 0 && (p[n - 1] & 0x80) != 0 ? UINT64_MAX : 0;
    for (size_t i = (size_t)n; i-- > 0;)
        x = x << 8 | p[i];
    return dmx_machine_push_integer(m, (int64_t)x);
}

dmx_status dmx_pickle_op_long1(dmx_machine *m)
{
    uint64_t n = 0;
    DMX_FORWARD(dmx_machine_number(&n, m, 1));
    return long_of(m, n);
}

dmx_status dmx_pickle_op_long4(dmx_machine *m)
{
    uint64_t n = 0;
    DMX_FORWARD(dmx_machine_number(&n, m, 4));
    if (n > INT32_MAX)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "a negative length");
    return long_of(m, n);
}

/* Big-endian IEEE 754 double. */
dmx_status dmx_pickle_op_binfloat(dmx_machine *m)
{
    DMX_FORWARD(dmx_machine_need(m, 8));
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | m->data[m->pos + i];
    m->pos += 8;
    double x;
    memcpy(&x, &bits, sizeof x);
    return dmx_machine_push_real(m, x);
}

/* --- strings and bytes --- */

static dmx_status text_of(dmx_machine *m, dmx_pickled_kind kind, size_t width)
{
    uint64_t n = 0;
    DMX_FORWARD(dmx_machine_number(&n, m, width));
    DMX_FORWARD(dmx_machine_need(m, n));
    if (n > DMX_PICKLE_MAX_STRING)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT,
                                "a string of %llu bytes; the limit is %zu",
                                (unsigned long long)n, DMX_PICKLE_MAX_STRING);
    dmx_pickled *v = NULL;
    DMX_FORWARD(dmx_machine_push_new(&v, m, kind));
    v->as.text.data = (const char *)m->data + m->pos;
    v->as.text.size = (size_t)n;
    m->pos += (size_t)n;
    return DMX_OK;
}

dmx_status dmx_pickle_op_string1(dmx_machine *m)
{
    return text_of(m, DMX_PICKLED_STRING, 1);
}

dmx_status dmx_pickle_op_string4(dmx_machine *m)
{
    return text_of(m, DMX_PICKLED_STRING, 4);
}

dmx_status dmx_pickle_op_string8(dmx_machine *m)
{
    return text_of(m, DMX_PICKLED_STRING, 8);
}

dmx_status dmx_pickle_op_bytes1(dmx_machine *m)
{
    return text_of(m, DMX_PICKLED_BYTES, 1);
}

dmx_status dmx_pickle_op_bytes4(dmx_machine *m)
{
    return text_of(m, DMX_PICKLED_BYTES, 4);
}

dmx_status dmx_pickle_op_bytes8(dmx_machine *m)
{
    return text_of(m, DMX_PICKLED_BYTES, 8);
}

/* --- the text opcodes of protocol 0 --- */
static dmx_status decimal(dmx_machine *m, const char *text, size_t size)
{
    int64_t x;
    const dmx_parsed parsed = dmx_parse_decimal(&x, text, size);
    if (parsed == DMX_PARSED_HUGE)
        return dmx_machine_push_opaque(m, "builtins.int");
    return parsed == DMX_PARSED ? dmx_machine_push_integer(m, x)
                                : dmx_machine_bad_line(m, text, size);
}

dmx_status dmx_pickle_op_int(dmx_machine *m)
{
    const char *text = NULL;
    size_t size = 0;
    DMX_FORWARD(dmx_machine_line(&text, &size, m));
    if (size == 2 && text[0] == '0' && (text[1] == '0' || text[1] == '1'))
        return dmx_machine_push_boolean(m, text[1] == '1');
    return decimal(m, text, size);
}

dmx_status dmx_pickle_op_long(dmx_machine *m)
{
    const char *text = NULL;
    size_t size = 0;
    DMX_FORWARD(dmx_machine_line(&text, &size, m));
    return decimal(m, text, size - (size != 0 && text[size - 1] == 'L'));
}

dmx_status dmx_pickle_op_float(dmx_machine *m)
{
    const char *text = NULL;
    size_t size = 0;
    double x;
    DMX_FORWARD(dmx_machine_line(&text, &size, m));
    return dmx_parse_real(&x, text, size) ? dmx_machine_push_real(m, x)
                                          : dmx_machine_bad_line(m, text, size);
}

static dmx_status escaped(dmx_machine *m, dmx_unescape *unescape,
                          const char *text, size_t size)
{
    dmx_pickled *v = NULL;
    DMX_FORWARD(dmx_machine_push_new(&v, m, DMX_PICKLED_STRING));
    char *plain = dmx_arena_strndup(&m->pickle->arena, text, size);
    if (plain == NULL)
        return dmx_machine_fail(m, DMX_ERROR_MEMORY, "no memory");
    if (!unescape(plain, &v->as.text.size, text, size))
        return dmx_machine_bad_line(m, text, size);
    v->as.text.data = plain;
    return DMX_OK;
}

dmx_status dmx_pickle_op_string(dmx_machine *m)
{
    const char *text = NULL;
    size_t size = 0;
    DMX_FORWARD(dmx_machine_line(&text, &size, m));
    if (size < 2 || (text[0] != '\'' && text[0] != '"') ||
        text[size - 1] != text[0])
        return dmx_machine_bad_line(m, text, size);
    return escaped(m, dmx_unescape_bytes, text + 1, size - 2);
}

dmx_status dmx_pickle_op_unicode(dmx_machine *m)
{
    const char *text = NULL;
    size_t size = 0;
    DMX_FORWARD(dmx_machine_line(&text, &size, m));
    return escaped(m, dmx_unescape_unicode, text, size);
}
