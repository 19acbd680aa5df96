/* The machine's state, shared by the opcodes and the constructors. */
#ifndef DMX_CHECKPOINT_PICKLE_MACHINE_H
#define DMX_CHECKPOINT_PICKLE_MACHINE_H

#include "checkpoint/pickle.h"

typedef struct dmx_machine {
    dmx_pickle *pickle;
    const unsigned char *data;
    size_t pos, end; /* next byte to read; end of the pickle's range */
    size_t op;       /* offset of the opcode that runs, for messages */
    dmx_pickled **stack;
    size_t n_stack, stack_capacity;
    size_t mark[DMX_PICKLE_MAX_DEPTH]; /* stack heights */
    size_t n_mark;
    dmx_pickled **memo; /* holes are NULL */
    size_t n_memo, memo_capacity, memo_used;
    bool stopped;
    dmx_error *err;
} dmx_machine;

/* The error carries the opcode's file offset. */
dmx_status dmx_machine_fail(dmx_machine *m, dmx_status code, const char *fmt,
                            ...) DMX_PRINTF(3, 4);

/* A new zeroed value, or NULL with the error in *status. */
dmx_pickled *dmx_machine_new(dmx_machine *m, dmx_pickled_kind kind,
                             dmx_status *status);
/* Appends to a list, tuple or dict and tracks the nesting depth. */
DMX_MUST_CHECK dmx_status dmx_machine_append(dmx_machine *m, dmx_pickled *list,
                                             dmx_pickled *item);
/* The interned symbol of module and name. */
DMX_MUST_CHECK dmx_status dmx_machine_symbol(const dmx_symbol **out,
                                             dmx_machine *m, const char *module,
                                             size_t module_size,
                                             const char *name,
                                             size_t name_size);

/* The value that callable(*arguments) stands for, in REDUCE, NEWOBJ, INST, ...
 */
DMX_MUST_CHECK dmx_status dmx_machine_construct(dmx_pickled **out,
                                                dmx_machine *m,
                                                dmx_pickled *callable,
                                                dmx_pickled *arguments);
/* The value that a persistent id stands for. */
DMX_MUST_CHECK dmx_status dmx_machine_persistent(dmx_pickled **out,
                                                 dmx_machine *m,
                                                 dmx_pickled *id);

typedef struct dmx_opcode {
    const char *name;
    dmx_status (*run)(dmx_machine *m);
} dmx_opcode;

/* The opcode of a byte; run is NULL for bytes that are not opcodes. */
const dmx_opcode *dmx_machine_opcode(unsigned char byte);

#endif
