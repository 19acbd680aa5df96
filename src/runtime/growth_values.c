#include "runtime/growth_values.h"

#include <stdlib.h>

/* ----------------------------------------------------------------- tensors */

static uint64_t magnitude(uint64_t number)
{
    return (int64_t)number > 1 ? number : 1;
}

/* The product of a field of integers, packed or not. */
static uint64_t product(const dmx_wire_field *f)
{
    dmx_wire_span s = f->span;
    uint64_t all = s.at != NULL ? 1 : magnitude(f->value);
    while (s.at < s.end)
        all = dmx_growth_times(all, magnitude(dmx_wire_varint(&s)));
    return all;
}

static uint64_t product_of_raw(dmx_wire_span s)
{
    uint64_t all = 1;
    for (; s.end - s.at >= 8; s.at += 8) {
        uint64_t number = 0;
        for (int i = 7; i >= 0; i--)
            number = number << 8 | s.at[i];
        all = dmx_growth_times(all, magnitude(number));
    }
    return all;
}

/* Only a list of int64 can be a shape; the data of other tensors is not read.
 */
dmx_growth dmx_growth_tensor(dmx_wire_span s)
{
    dmx_growth v = {
        .copies = 1, .volume = 1, .shape = dmx_growth_shape_tensor(s)};
    dmx_wire_span raw = {0};
    uint64_t type = 0;
    dmx_wire_field f;
    while (dmx_wire_next(&f, &s))
        if (f.number == TENSOR_NAME)
            v.name = f.span;
        else if (f.number == TENSOR_TYPE)
            type = f.value;
        else if (f.number == TENSOR_RAW)
            raw = f.span;
        else if (f.number == TENSOR_INT64)
            v.volume = dmx_growth_times(v.volume, product(&f));
    v.volume = type == TYPE_INT64
                   ? dmx_growth_times(v.volume, product_of_raw(raw))
                   : 1;
    return v;
}

dmx_growth dmx_growth_sparse(dmx_wire_span s)
{
    dmx_growth v = {.copies = 1, .volume = 1};
    dmx_wire_field f;
    while (dmx_wire_next(&f, &s))
        if (f.number == SPARSE_VALUES)
            v.name = dmx_growth_tensor(f.span).name;
    return v;
}

uint64_t dmx_growth_attribute(dmx_wire_span attribute)
{
    uint64_t volume = 1;
    dmx_wire_field f;
    while (dmx_wire_next(&f, &attribute))
        if (f.number == ATTRIBUTE_TENSOR)
            volume = dmx_growth_times(volume, dmx_growth_tensor(f.span).volume);
        else if (f.number == ATTRIBUTE_INTS)
            volume = dmx_growth_times(volume, product(&f));
    return volume;
}

dmx_wire_span dmx_growth_name(dmx_wire_span info)
{
    dmx_wire_field f;
    while (dmx_wire_next(&f, &info))
        if (f.number == VALUE_NAME)
            return f.span;
    return (dmx_wire_span){0};
}

/* ------------------------------------------------------------------- names */

static int by_name(const void *a, const void *b)
{
    const dmx_wire_span x = ((const dmx_growth *)a)->name;
    const dmx_wire_span y = ((const dmx_growth *)b)->name;
    const size_t n = (size_t)(x.end - x.at), m = (size_t)(y.end - y.at);
    if (n != m)
        return n < m ? -1 : 1;
    return n == 0 ? 0 : memcmp(x.at, y.at, n);
}

dmx_growth *dmx_growth_find(const dmx_growth_values *values, dmx_wire_span name)
{
    const dmx_growth key = {.name = name};
    return bsearch(&key, values->value, values->count, sizeof key, by_name);
}

static size_t collect(dmx_wire_span graph, dmx_growth *list, int depth);

static void put(dmx_growth *list, size_t count, dmx_wire_span name)
{
    if (list != NULL)
        list[count] = (dmx_growth){.name = name};
}

static size_t collect_inside(dmx_wire_span attribute, dmx_growth *list,
                             int depth)
{
    size_t count = 0;
    dmx_wire_field f;
    while (dmx_wire_next(&f, &attribute))
        if (f.number == ATTRIBUTE_GRAPH || f.number == ATTRIBUTE_GRAPHS)
            count +=
                collect(f.span, list != NULL ? list + count : NULL, depth + 1);
    return count;
}

static size_t collect_node(dmx_wire_span node, dmx_growth *list, int depth)
{
    size_t count = 0;
    dmx_wire_field f;
    while (dmx_wire_next(&f, &node))
        if (f.number == NODE_OUTPUT)
            put(list, count++, f.span);
        else if (f.number == NODE_ATTRIBUTE)
            count += collect_inside(f.span, list != NULL ? list + count : NULL,
                                    depth);
    return count;
}

/* Counts the names, and adds them to the list unless it is NULL. */
static size_t collect(dmx_wire_span graph, dmx_growth *list, int depth)
{
    size_t count = 0;
    dmx_wire_field f;
    while (depth <= DMX_GROWTH_DEPTH && dmx_wire_next(&f, &graph))
        if (f.number == GRAPH_NODE)
            count +=
                collect_node(f.span, list != NULL ? list + count : NULL, depth);
        else if (f.number == GRAPH_INITIALIZER)
            put(list, count++, dmx_growth_tensor(f.span).name);
        else if (f.number == GRAPH_SPARSE)
            put(list, count++, dmx_growth_sparse(f.span).name);
        else if (f.number == GRAPH_INPUT)
            put(list, count++, dmx_growth_name(f.span));
    return count;
}

bool dmx_growth_values_of(dmx_growth_values *out, dmx_wire_span graph)
{
    const size_t count = collect(graph, NULL, 0);
    dmx_growth *list = calloc(count + 1, sizeof *list);
    *out = (dmx_growth_values){list, 0};
    if (list == NULL)
        return false;
    (void)collect(graph, list, 0);
    qsort(list, count, sizeof *list, by_name);
    for (size_t i = 0; i < count; i++)
        if (out->count == 0 || by_name(&list[out->count - 1], &list[i]) != 0)
            list[out->count++] = list[i];
    return true;
}
