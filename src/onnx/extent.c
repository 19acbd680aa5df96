#include "onnx/extent.h"

#include <stdio.h>
#include <string.h>

/* Extents below DMX_UNNAMED are counted downwards. */
static size_t index_of(dmx_extent x)
{
    return (size_t)(DMX_UNNAMED - 1 - x);
}

dmx_free_extent dmx_extent_rule(const dmx_emitter *e, dmx_extent x)
{
    return dmx_extent_is_free(x)
               ? e->extent[index_of(x)]
               : (dmx_free_extent){.length = dmx_length_fixed(x)};
}

static dmx_extent tagged(dmx_emitter *e, dmx_length length, bool batch,
                         int64_t tag)
{
    for (size_t i = 0; i < e->n_extent; i++)
        if (e->extent[i].batch == batch && e->extent[i].tag == tag &&
            dmx_length_same(e->extent[i].length, length))
            return DMX_UNNAMED - 1 - (dmx_extent)i;
    if (dmx_emitter_failed(e))
        return DMX_UNNAMED;
    if (!dmx_grow(&e->extent, &e->extent_capacity, e->n_extent + 1,
                  sizeof *e->extent)) {
        dmx_emitter_fail(e, DMX_ERROR_MEMORY, "no memory for the ONNX graph");
        return DMX_UNNAMED;
    }
    e->extent[e->n_extent++] = (dmx_free_extent){length, batch, tag, NULL};
    return DMX_UNNAMED - (dmx_extent)e->n_extent;
}

dmx_extent dmx_extent_of(dmx_emitter *e, dmx_length length, bool batch)
{
    return dmx_length_is_fixed(length) && !batch ? length.plus
                                                 : tagged(e, length, batch, 0);
}

dmx_extent dmx_extent_apart(dmx_emitter *e, dmx_extent x, int64_t tag)
{
    const dmx_free_extent r = dmx_extent_rule(e, x);
    return dmx_extent_is_free(x) ? tagged(e, r.length, r.batch, tag) : x;
}

/* ---- arithmetic ---------------------------------------------------------- */
static dmx_extent made(dmx_emitter *e, bool good, dmx_length length, bool batch)
{
    if (good)
        return dmx_extent_of(e, length, batch);
    dmx_emitter_fail(e, DMX_ERROR_UNSUPPORTED,
                     "%s: a length inside follows no rule of the input's: "
                     "export for one length",
                     e->path);
    return DMX_UNNAMED;
}

dmx_extent dmx_extent_times(dmx_emitter *e, dmx_extent x, int64_t n)
{
    const dmx_free_extent r = dmx_extent_rule(e, x);
    dmx_length y = {0};
    return dmx_extent_is_free(x)
               ? made(e, dmx_length_multiply(&y, r.length, n), y, r.batch)
               : x * n;
}

dmx_extent dmx_extent_product(dmx_emitter *e, dmx_extent a, dmx_extent b)
{
    const dmx_free_extent x = dmx_extent_rule(e, a), y = dmx_extent_rule(e, b);
    const bool times_a = dmx_length_is_fixed(x.length);
    const dmx_length length = times_a ? y.length : x.length;
    const int64_t n = times_a ? x.length.plus : y.length.plus;
    dmx_length z = {0};
    return made(e,
                (times_a || dmx_length_is_fixed(y.length)) &&
                    !(x.batch && y.batch) && dmx_length_multiply(&z, length, n),
                z, x.batch || y.batch);
}

dmx_extent dmx_extent_plus(dmx_emitter *e, dmx_extent x, int64_t n)
{
    const dmx_free_extent r = dmx_extent_rule(e, x);
    dmx_length y = {0};
    return dmx_extent_is_free(x)
               ? made(e, !r.batch && dmx_length_add(&y, r.length, n), y, false)
               : x + n;
}

dmx_extent dmx_extent_ceil(dmx_emitter *e, dmx_extent x, int64_t n)
{
    const dmx_free_extent r = dmx_extent_rule(e, x);
    dmx_length y = {0};
    return made(e, !r.batch && dmx_length_ceil(&y, r.length, n), y, false);
}

dmx_extent dmx_extent_divide(dmx_emitter *e, dmx_extent x, int64_t n)
{
    const dmx_free_extent r = dmx_extent_rule(e, x);
    dmx_length y = {0};
    return made(e, dmx_length_divide(&y, r.length, n), y, r.batch);
}

dmx_extent dmx_extent_floor(dmx_emitter *e, dmx_extent x, int64_t n)
{
    const dmx_free_extent r = dmx_extent_rule(e, x);
    dmx_length y = {0};
    return x != DMX_UNNAMED && !r.batch && dmx_length_floor(&y, r.length, n)
               ? dmx_extent_of(e, y, false)
               : DMX_UNNAMED;
}

dmx_extent dmx_extent_sum(dmx_emitter *e, dmx_extent a, dmx_extent b)
{
    const dmx_free_extent x = dmx_extent_rule(e, a), y = dmx_extent_rule(e, b);
    dmx_length sum;
    return a != DMX_UNNAMED && b != DMX_UNNAMED && !x.batch && !y.batch &&
                   dmx_length_sum(&sum, x.length, y.length)
               ? dmx_extent_of(e, sum, false)
               : DMX_UNNAMED;
}

dmx_extent dmx_extent_difference(dmx_emitter *e, dmx_extent a, dmx_extent b)
{
    const dmx_free_extent x = dmx_extent_rule(e, a), y = dmx_extent_rule(e, b);
    dmx_length d = x.length;
    const bool alike = dmx_length_is_fixed(y.length) ||
                       (d.over == y.length.over && d.shift == y.length.shift &&
                        d.least == y.length.least && d.times >= y.length.times);
    if (a == DMX_UNNAMED || b == DMX_UNNAMED || x.batch || y.batch || !alike)
        return DMX_UNNAMED;
    d.times -= y.length.times;
    d.plus -= y.length.plus;
    return dmx_extent_of(e, d.times == 0 ? dmx_length_fixed(d.plus) : d, false);
}

int64_t dmx_extent_typical(const dmx_emitter *e, dmx_extent x)
{
    return dmx_extent_is_free(x)
               ? dmx_length_at(dmx_extent_rule(e, x).length, e->typical)
               : x;
}

/* The text of a length calls the input's length N. */
static void length_name(char *text, size_t size, dmx_length a)
{
    char length[200];
    size_t used = 0;
    (void)dmx_length_text(a, length, sizeof length);
    for (const char *c = length; *c != '\0' && used + 8 < size; c++)
        used +=
            (size_t)(*c == 'N' ? snprintf(text + used, size - used, "samples")
                               : snprintf(text + used, size - used, "%c", *c));
}

const char *dmx_extent_name(dmx_emitter *e, dmx_extent x)
{
    const dmx_free_extent r = dmx_extent_rule(e, x);
    char text[350], length[300] = "";
    if (r.name != NULL)
        return r.name;
    length_name(length, sizeof length, r.length);
    if (!r.batch)
        snprintf(text, sizeof text, "%s", length);
    else if (strcmp(length, "1") == 0)
        snprintf(text, sizeof text, "batch");
    else
        snprintf(text, sizeof text, "batch*(%s)", length);
    if (r.tag != 0) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "+0*%lld", (long long)r.tag);
    }
    char *copy = dmx_emitter_text(e, text);
    if (copy == NULL)
        return "";
    if (dmx_extent_is_free(x))
        e->extent[index_of(x)].name = copy;
    return copy;
}
