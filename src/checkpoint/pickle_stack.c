#include "checkpoint/pickle_stack.h"
#include "checkpoint/bytes.h"
#include "checkpoint/pickle_text.h"

#include <string.h>

/* --- reading arguments --- */

dmx_status dmx_machine_need(dmx_machine *m, uint64_t n)
{
    if (n > m->end - m->pos)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "truncated: needs %llu bytes, %zu are left",
                                (unsigned long long)n, m->end - m->pos);
    return DMX_OK;
}

/* An unsigned little-endian number of n <= 8 bytes. */
dmx_status dmx_machine_number(uint64_t *out, dmx_machine *m, size_t n)
{
    DMX_FORWARD(dmx_machine_need(m, n));
    *out = 0;
    for (size_t i = n; i-- > 0;)
        *out = *out << 8 | m->data[m->pos + i];
    m->pos += n;
    return DMX_OK;
}

/* The argument up to a newline, which is consumed but not part of it. */
dmx_status dmx_machine_line(const char **text, size_t *size, dmx_machine *m)
{
    const size_t left = m->end - m->pos;
    const unsigned char *p = m->data + m->pos;
    const unsigned char *end = left != 0 ? memchr(p, '\n', left) : NULL;
    if (end == NULL)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "truncated: a line without an end");
    *text = (const char *)p;
    *size = (size_t)(end - p);
    if (*size > DMX_PICKLE_MAX_STRING)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT, "a line of %zu bytes",
                                *size);
    m->pos += *size + 1;
    return DMX_OK;
}

dmx_status dmx_machine_bad_line(dmx_machine *m, const char *text, size_t size)
{
    char shown[64];
    return dmx_machine_fail(m, DMX_ERROR_FORMAT, "malformed argument: %s",
                            dmx_text_show(shown, sizeof shown, text, size));
}

/* --- the stack --- */

dmx_status dmx_machine_push(dmx_machine *m, dmx_pickled *v)
{
    if (m->n_stack >= DMX_PICKLE_MAX_STACK)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT,
                                "more than %zu values on the stack",
                                DMX_PICKLE_MAX_STACK);
    if (!dmx_grow(&m->stack, &m->stack_capacity, m->n_stack + 1,
                  sizeof(dmx_pickled *)))
        return dmx_machine_fail(m, DMX_ERROR_MEMORY, "no memory");
    m->stack[m->n_stack++] = v;
    return DMX_OK;
}

/* Nothing below the innermost mark may be touched. */
size_t dmx_machine_floor(const dmx_machine *m)
{
    return m->n_mark == 0 ? 0 : m->mark[m->n_mark - 1];
}

dmx_status dmx_machine_want(dmx_machine *m, size_t n)
{
    if (m->n_stack - dmx_machine_floor(m) < n)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "needs %zu values on the stack", n);
    return DMX_OK;
}

dmx_status dmx_machine_pop(dmx_pickled **out, dmx_machine *m)
{
    DMX_FORWARD(dmx_machine_want(m, 1));
    *out = m->stack[--m->n_stack];
    return DMX_OK;
}

/* Removes the innermost mark; the values above it start at stack[*first]. */
dmx_status dmx_machine_pop_mark(size_t *first, dmx_machine *m)
{
    if (m->n_mark == 0)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "no mark on the stack");
    *first = m->mark[--m->n_mark];
    return DMX_OK;
}

dmx_status dmx_machine_push_new(dmx_pickled **out, dmx_machine *m,
                                dmx_pickled_kind kind)
{
    dmx_status status;
    *out = dmx_machine_new(m, kind, &status);
    return status != DMX_OK ? status : dmx_machine_push(m, *out);
}

dmx_status dmx_machine_push_integer(dmx_machine *m, int64_t x)
{
    dmx_pickled *v = NULL;
    DMX_FORWARD(dmx_machine_push_new(&v, m, DMX_PICKLED_INT));
    v->as.integer = x;
    return DMX_OK;
}

dmx_status dmx_machine_push_opaque(dmx_machine *m, const char *name)
{
    dmx_pickled *v = NULL;
    DMX_FORWARD(dmx_machine_push_new(&v, m, DMX_PICKLED_OPAQUE));
    v->as.opaque = name;
    return DMX_OK;
}

dmx_status dmx_machine_push_boolean(dmx_machine *m, bool x)
{
    dmx_pickled *v = NULL;
    DMX_FORWARD(dmx_machine_push_new(&v, m, DMX_PICKLED_BOOL));
    v->as.boolean = x;
    return DMX_OK;
}

dmx_status dmx_machine_push_real(dmx_machine *m, double x)
{
    dmx_pickled *v = NULL;
    DMX_FORWARD(dmx_machine_push_new(&v, m, DMX_PICKLED_FLOAT));
    v->as.real = x;
    return DMX_OK;
}

/* Replaces the values from stack[first] on by one list, tuple or dict of them.
 */
dmx_status dmx_machine_gather(dmx_machine *m, dmx_pickled_kind kind,
                              size_t first)
{
    dmx_status status;
    dmx_pickled *v = dmx_machine_new(m, kind, &status);
    DMX_FORWARD(status);
    v->depth = 1;
    for (size_t i = first; i < m->n_stack; i++)
        DMX_FORWARD(dmx_machine_append(m, v, m->stack[i]));
    m->n_stack = first;
    return dmx_machine_push(m, v);
}

dmx_status dmx_machine_gather_marked(dmx_machine *m, dmx_pickled_kind kind)
{
    size_t first = 0;
    DMX_FORWARD(dmx_machine_pop_mark(&first, m));
    if (kind == DMX_PICKLED_DICT && (m->n_stack - first) % 2 != 0)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "a key without a value");
    return dmx_machine_gather(m, kind, first);
}
