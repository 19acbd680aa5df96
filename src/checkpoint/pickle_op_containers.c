/* Opcodes of lists, tuples, dicts and sets. */
#include "checkpoint/pickle_opcodes.h"
#include "checkpoint/pickle_stack.h"

dmx_status dmx_pickle_op_empty_list(dmx_machine *m)
{
    return dmx_machine_gather(m, DMX_PICKLED_LIST, m->n_stack);
}

dmx_status dmx_pickle_op_empty_tuple(dmx_machine *m)
{
    return dmx_machine_gather(m, DMX_PICKLED_TUPLE, m->n_stack);
}

dmx_status dmx_pickle_op_empty_dict(dmx_machine *m)
{
    return dmx_machine_gather(m, DMX_PICKLED_DICT, m->n_stack);
}

dmx_status dmx_pickle_op_list(dmx_machine *m)
{
    return dmx_machine_gather_marked(m, DMX_PICKLED_LIST);
}

dmx_status dmx_pickle_op_tuple(dmx_machine *m)
{
    return dmx_machine_gather_marked(m, DMX_PICKLED_TUPLE);
}

dmx_status dmx_pickle_op_dict(dmx_machine *m)
{
    return dmx_machine_gather_marked(m, DMX_PICKLED_DICT);
}

static dmx_status gather_last(dmx_machine *m, size_t n)
{
    DMX_FORWARD(dmx_machine_want(m, n));
    return dmx_machine_gather(m, DMX_PICKLED_TUPLE, m->n_stack - n);
}

dmx_status dmx_pickle_op_tuple1(dmx_machine *m)
{
    return gather_last(m, 1);
}

dmx_status dmx_pickle_op_tuple2(dmx_machine *m)
{
    return gather_last(m, 2);
}

dmx_status dmx_pickle_op_tuple3(dmx_machine *m)
{
    return gather_last(m, 3);
}

/* Moves stack[first...] into the container below; opaque objects discard them.
 */
static dmx_status extend(dmx_machine *m, dmx_pickled_kind kind, size_t first)
{
    if (first == dmx_machine_floor(m))
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "no container on the stack");
    dmx_pickled *into = m->stack[first - 1];
    if (into->kind != kind && into->kind != DMX_PICKLED_OPAQUE &&
        into->kind != DMX_PICKLED_CONFIG)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "can't add items to %s",
                                dmx_pickled_describe(into));
    if (kind == DMX_PICKLED_DICT && (m->n_stack - first) % 2 != 0)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "a key without a value");
    for (size_t i = first; i < m->n_stack && into->kind == kind; i++)
        DMX_FORWARD(dmx_machine_append(m, into, m->stack[i]));
    m->n_stack = first;
    return DMX_OK;
}

dmx_status dmx_pickle_op_append(dmx_machine *m)
{
    DMX_FORWARD(dmx_machine_want(m, 2));
    return extend(m, DMX_PICKLED_LIST, m->n_stack - 1);
}

dmx_status dmx_pickle_op_appends(dmx_machine *m)
{
    size_t first = 0;
    DMX_FORWARD(dmx_machine_pop_mark(&first, m));
    return extend(m, DMX_PICKLED_LIST, first);
}

dmx_status dmx_pickle_op_setitem(dmx_machine *m)
{
    DMX_FORWARD(dmx_machine_want(m, 3));
    return extend(m, DMX_PICKLED_DICT, m->n_stack - 2);
}

dmx_status dmx_pickle_op_setitems(dmx_machine *m)
{
    size_t first = 0;
    DMX_FORWARD(dmx_machine_pop_mark(&first, m));
    return extend(m, DMX_PICKLED_DICT, first);
}

/* Sets are never part of a model: they stay opaque and discard their items. */
dmx_status dmx_pickle_op_empty_set(dmx_machine *m)
{
    return dmx_machine_push_opaque(m, "builtins.set");
}

dmx_status dmx_pickle_op_additems(dmx_machine *m)
{
    size_t first = 0;
    DMX_FORWARD(dmx_machine_pop_mark(&first, m));
    if (first == dmx_machine_floor(m) ||
        m->stack[first - 1]->kind != DMX_PICKLED_OPAQUE)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "no set on the stack");
    m->n_stack = first;
    return DMX_OK;
}

dmx_status dmx_pickle_op_frozenset(dmx_machine *m)
{
    DMX_FORWARD(dmx_machine_pop_mark(&m->n_stack, m));
    return dmx_machine_push_opaque(m, "builtins.frozenset");
}
