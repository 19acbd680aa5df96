#include "runtime/growth_attribute.h"
#include "runtime/growth_fields.h"

bool dmx_growth_find_attribute(dmx_wire_span *out, dmx_wire_span node,
                               const char *name)
{
    dmx_wire_field f, g;
    while (dmx_wire_next(&f, &node)) {
        if (f.number != NODE_ATTRIBUTE)
            continue;
        *out = f.span;
        for (dmx_wire_span s = f.span; dmx_wire_next(&g, &s);)
            if (g.number == ATTRIBUTE_NAME && dmx_wire_is(g.span, name))
                return true;
    }
    return false;
}

int64_t dmx_growth_integer(const dmx_growth_node *n, const char *name,
                           int64_t otherwise)
{
    dmx_wire_span s;
    dmx_wire_field f;
    if (!dmx_growth_find_attribute(&s, n->fields, name))
        return otherwise;
    while (dmx_wire_next(&f, &s))
        if (f.number == ATTRIBUTE_INT)
            return (int64_t)f.value;
    return 0;
}

dmx_growth_shape dmx_growth_list(const dmx_growth_node *n, const char *name,
                                 size_t input)
{
    dmx_growth_shape all = {.listed = true};
    dmx_wire_span s;
    dmx_wire_field f;
    if (!dmx_growth_find_attribute(&s, n->fields, name))
        return input < n->inputs && input < DMX_GROWTH_INPUTS
                   ? n->input[input]
                   : (dmx_growth_shape){0};
    while (dmx_wire_next(&f, &s))
        if (f.number == ATTRIBUTE_INTS)
            dmx_growth_add_integers(&all, &f, dmx_growth_add_integer);
    return all;
}

int dmx_growth_axis(double number, int rank)
{
    int64_t axis =
        number > -0x1p31 && number < 0x1p31 ? (int64_t)number : -1000;
    if (axis < 0)
        axis += rank;
    return axis >= 0 && axis < rank ? (int)axis : -1;
}
