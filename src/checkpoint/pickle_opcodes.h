/* One function an opcode: each reads its argument, checks the stack and leaves
 * the machine as CPython's unpickler would, minus the execution. */
#ifndef DMX_CHECKPOINT_PICKLE_OPCODES_H
#define DMX_CHECKPOINT_PICKLE_OPCODES_H

#include "checkpoint/pickle_machine.h"

typedef dmx_status dmx_pickle_op(dmx_machine *m);

/* pickle_op_stack.c */
dmx_pickle_op dmx_pickle_op_proto, dmx_pickle_op_frame, dmx_pickle_op_stop,
    dmx_pickle_op_mark, dmx_pickle_op_pop, dmx_pickle_op_pop_mark,
    dmx_pickle_op_dup, dmx_pickle_op_binput, dmx_pickle_op_long_binput,
    dmx_pickle_op_memoize, dmx_pickle_op_binget, dmx_pickle_op_long_binget,
    dmx_pickle_op_get, dmx_pickle_op_put;
/* pickle_op_scalars.c */
dmx_pickle_op dmx_pickle_op_none, dmx_pickle_op_true, dmx_pickle_op_false,
    dmx_pickle_op_binint, dmx_pickle_op_binint1, dmx_pickle_op_binint2,
    dmx_pickle_op_long1, dmx_pickle_op_long4, dmx_pickle_op_binfloat,
    dmx_pickle_op_string1, dmx_pickle_op_string4, dmx_pickle_op_string8,
    dmx_pickle_op_bytes1, dmx_pickle_op_bytes4, dmx_pickle_op_bytes8,
    dmx_pickle_op_int, dmx_pickle_op_long, dmx_pickle_op_float,
    dmx_pickle_op_string, dmx_pickle_op_unicode;
/* pickle_op_containers.c */
dmx_pickle_op dmx_pickle_op_empty_list, dmx_pickle_op_empty_tuple,
    dmx_pickle_op_empty_dict, dmx_pickle_op_list, dmx_pickle_op_tuple,
    dmx_pickle_op_dict, dmx_pickle_op_tuple1, dmx_pickle_op_tuple2,
    dmx_pickle_op_tuple3, dmx_pickle_op_append, dmx_pickle_op_appends,
    dmx_pickle_op_setitem, dmx_pickle_op_setitems, dmx_pickle_op_empty_set,
    dmx_pickle_op_additems, dmx_pickle_op_frozenset;
/* pickle_op_objects.c */
dmx_pickle_op dmx_pickle_op_global, dmx_pickle_op_stack_global,
    dmx_pickle_op_reduce, dmx_pickle_op_newobj_ex, dmx_pickle_op_inst,
    dmx_pickle_op_obj, dmx_pickle_op_build, dmx_pickle_op_binpersid,
    dmx_pickle_op_refused;

#endif
