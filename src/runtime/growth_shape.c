#include "runtime/growth_shape.h"
#include "runtime/growth_fields.h"

uint64_t dmx_growth_elements(const dmx_growth_shape *s)
{
    uint64_t all = 1;
    for (int i = 0; s->known && i < s->rank; i++)
        all = dmx_growth_times(all, s->dim[i]);
    return all;
}

/* ----------------------------------------------------------------- tensors */

void dmx_growth_add_dim(dmx_growth_shape *s, uint64_t n)
{
    if (s->rank >= DMX_GROWTH_RANK || (int64_t)n < 0)
        s->known = false;
    else
        s->dim[s->rank++] = n;
}

void dmx_growth_add_number(dmx_growth_shape *s, double x)
{
    if (s->count >= DMX_GROWTH_NUMBERS)
        s->listed = false;
    else
        s->number[s->count++] = x;
}

void dmx_growth_add_integers(dmx_growth_shape *s, const dmx_wire_field *f,
                             void (*add)(dmx_growth_shape *, uint64_t))
{
    dmx_wire_span list = f->span;
    if (list.at == NULL)
        add(s, f->value);
    while (list.at < list.end && (s->known || s->listed))
        add(s, dmx_wire_varint(&list));
}

void dmx_growth_add_integer(dmx_growth_shape *s, uint64_t n)
{
    dmx_growth_add_number(s, (double)(int64_t)n);
}

static uint64_t little(const unsigned char *p, int n)
{
    uint64_t number = 0;
    while (n-- > 0)
        number = number << 8 | p[n];
    return number;
}

static double float_of(const unsigned char *p)
{
    const uint32_t bits = (uint32_t)little(p, 4);
    float x;
    memcpy(&x, &bits, sizeof x);
    return (double)x;
}

/* float32, int32 or int64 */
static void add_raw(dmx_growth_shape *s, dmx_wire_span raw, uint64_t type)
{
    const int size = type == TYPE_INT64                         ? 8
                     : type == TYPE_INT32 || type == TYPE_FLOAT ? 4
                                                                : 0;
    s->listed = s->listed && size > 0;
    for (; s->listed && raw.end - raw.at >= size; raw.at += size)
        if (type == TYPE_FLOAT)
            dmx_growth_add_number(s, float_of(raw.at));
        else if (size == 4)
            dmx_growth_add_number(s,
                                  (double)(int32_t)(uint32_t)little(raw.at, 4));
        else
            dmx_growth_add_integer(s, little(raw.at, 8));
}

static void add_floats(dmx_growth_shape *s, dmx_wire_span list)
{
    for (; s->listed && list.end - list.at >= 4; list.at += 4)
        dmx_growth_add_number(s, float_of(list.at));
}

dmx_growth_shape dmx_growth_shape_tensor(dmx_wire_span tensor)
{
    dmx_growth_shape s = {.known = true, .listed = true};
    dmx_wire_span raw = {0};
    uint64_t type = 0;
    dmx_wire_field f;
    while (dmx_wire_next(&f, &tensor))
        if (f.number == TENSOR_DIMS)
            dmx_growth_add_integers(&s, &f, dmx_growth_add_dim);
        else if (f.number == TENSOR_TYPE)
            type = f.value;
        else if (f.number == TENSOR_RAW)
            raw = f.span;
        else if (f.number == TENSOR_FLOAT)
            add_floats(&s, f.span);
        else if (f.number == TENSOR_INT64 || f.number == TENSOR_INT32)
            dmx_growth_add_integers(&s, &f, dmx_growth_add_integer);
    if (raw.at != NULL)
        add_raw(&s, raw, type);
    s.listed =
        s.listed && s.known && (uint64_t)s.count == dmx_growth_elements(&s);
    return s;
}
