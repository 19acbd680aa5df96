/* Opcodes of classes and objects. */
#include "checkpoint/pickle_opcodes.h"
#include "checkpoint/pickle_stack.h"

static dmx_status push_symbol(dmx_machine *m, const char *module,
                              size_t module_size, const char *name,
                              size_t name_size)
{
    const dmx_symbol *symbol = NULL;
    DMX_FORWARD(
        dmx_machine_symbol(&symbol, m, module, module_size, name, name_size));
    dmx_pickled *v = NULL;
    DMX_FORWARD(dmx_machine_push_new(&v, m, DMX_PICKLED_SYMBOL));
    v->as.symbol = symbol;
    return DMX_OK;
}

dmx_status dmx_pickle_op_global(dmx_machine *m)
{
    const char *module = NULL, *name = NULL;
    size_t module_size = 0, name_size = 0;
    DMX_FORWARD(dmx_machine_line(&module, &module_size, m));
    DMX_FORWARD(dmx_machine_line(&name, &name_size, m));
    return push_symbol(m, module, module_size, name, name_size);
}

dmx_status dmx_pickle_op_stack_global(dmx_machine *m)
{
    dmx_pickled *name = NULL, *module = NULL;
    DMX_FORWARD(dmx_machine_want(m, 2));
    DMX_FORWARD(dmx_machine_pop(&name, m));
    DMX_FORWARD(dmx_machine_pop(&module, m));
    if (name->kind != DMX_PICKLED_STRING || module->kind != DMX_PICKLED_STRING)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "a class name that is no string");
    return push_symbol(m, module->as.text.data, module->as.text.size,
                       name->as.text.data, name->as.text.size);
}

static dmx_status construct(dmx_machine *m, dmx_pickled *callable,
                            dmx_pickled *arguments)
{
    dmx_pickled *v = NULL;
    DMX_FORWARD(dmx_machine_construct(&v, m, callable, arguments));
    return dmx_machine_push(m, v);
}

dmx_status dmx_pickle_op_reduce(dmx_machine *m)
{
    dmx_pickled *callable = NULL, *arguments = NULL;
    DMX_FORWARD(dmx_machine_want(m, 2));
    DMX_FORWARD(dmx_machine_pop(&arguments, m));
    DMX_FORWARD(dmx_machine_pop(&callable, m));
    return construct(m, callable, arguments);
}

dmx_status dmx_pickle_op_newobj_ex(dmx_machine *m)
{
    dmx_pickled *keywords = NULL;
    DMX_FORWARD(dmx_machine_want(m, 3));
    DMX_FORWARD(dmx_machine_pop(&keywords, m));
    if (keywords->kind != DMX_PICKLED_DICT)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "keyword arguments are no dict");
    return dmx_pickle_op_reduce(m);
}

dmx_status dmx_pickle_op_inst(dmx_machine *m)
{
    DMX_FORWARD(dmx_machine_gather_marked(m, DMX_PICKLED_TUPLE));
    DMX_FORWARD(dmx_pickle_op_global(m));
    dmx_pickled *callable = NULL, *arguments = NULL;
    DMX_FORWARD(dmx_machine_pop(&callable, m));
    DMX_FORWARD(dmx_machine_pop(&arguments, m));
    return construct(m, callable, arguments);
}

dmx_status dmx_pickle_op_obj(dmx_machine *m)
{
    size_t first = 0;
    DMX_FORWARD(dmx_machine_pop_mark(&first, m));
    if (first == m->n_stack)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "no class on the stack");
    DMX_FORWARD(dmx_machine_gather(m, DMX_PICKLED_TUPLE, first + 1));
    return dmx_pickle_op_reduce(m);
}

/* An object's __dict__ or __setstate__ argument. A dict keeps its items and
 * ignores the attributes (such as a state dict's _metadata). Of the values
 * modelled here only a configuration node has a state, which may refer back to
 * the node. */
dmx_status dmx_pickle_op_build(dmx_machine *m)
{
    dmx_pickled *state = NULL;
    DMX_FORWARD(dmx_machine_want(m, 2));
    DMX_FORWARD(dmx_machine_pop(&state, m));
    dmx_pickled *object = m->stack[m->n_stack - 1];
    if (object->kind == DMX_PICKLED_CONFIG)
        object->as.config.state =
            state->kind == DMX_PICKLED_DICT ? state : NULL;
    return DMX_OK;
}

dmx_status dmx_pickle_op_binpersid(dmx_machine *m)
{
    dmx_pickled *id, *v = NULL;
    DMX_FORWARD(dmx_machine_pop(&id, m));
    DMX_FORWARD(dmx_machine_persistent(&v, m, id));
    return dmx_machine_push(m, v);
}

dmx_status dmx_pickle_op_refused(dmx_machine *m)
{
    return dmx_machine_fail(m, DMX_ERROR_UNSUPPORTED,
                            "torch.save never writes this opcode; refused");
}
