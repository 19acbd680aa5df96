/* What the opcodes share: arguments out of the bytes, values on the stack. Each
 * fails with the opcode's name and offset. */
#ifndef DMX_CHECKPOINT_PICKLE_STACK_H
#define DMX_CHECKPOINT_PICKLE_STACK_H

#include "checkpoint/pickle_machine.h"

/* Fails with FORMAT unless n bytes are left. */
DMX_MUST_CHECK dmx_status dmx_machine_need(dmx_machine *m, uint64_t n);
/* An unsigned little-endian number of n <= 8 bytes. */
DMX_MUST_CHECK dmx_status dmx_machine_number(uint64_t *out, dmx_machine *m,
                                             size_t n);
/* The argument up to a newline, which is consumed but not part of it. */
DMX_MUST_CHECK dmx_status dmx_machine_line(const char **text, size_t *size,
                                           dmx_machine *m);
/* Fails with FORMAT: the line is no argument of this opcode. */
DMX_MUST_CHECK dmx_status dmx_machine_bad_line(dmx_machine *m, const char *text,
                                               size_t size);

/* The height below which nothing may be touched: the innermost mark's. */
size_t dmx_machine_floor(const dmx_machine *m);
/* Fails with FORMAT unless n values lie above the floor. */
DMX_MUST_CHECK dmx_status dmx_machine_want(dmx_machine *m, size_t n);
DMX_MUST_CHECK dmx_status dmx_machine_push(dmx_machine *m, dmx_pickled *v);
DMX_MUST_CHECK dmx_status dmx_machine_pop(dmx_pickled **out, dmx_machine *m);
/* Removes the innermost mark; the values above it start at stack[*first]. */
DMX_MUST_CHECK dmx_status dmx_machine_pop_mark(size_t *first, dmx_machine *m);

DMX_MUST_CHECK dmx_status dmx_machine_push_new(dmx_pickled **out,
                                               dmx_machine *m,
                                               dmx_pickled_kind kind);
DMX_MUST_CHECK dmx_status dmx_machine_push_integer(dmx_machine *m, int64_t x);
DMX_MUST_CHECK dmx_status dmx_machine_push_opaque(dmx_machine *m,
                                                  const char *name);
DMX_MUST_CHECK dmx_status dmx_machine_push_boolean(dmx_machine *m, bool x);
DMX_MUST_CHECK dmx_status dmx_machine_push_real(dmx_machine *m, double x);

/* The values from stack[first] on become one list, tuple or dict. */
DMX_MUST_CHECK dmx_status dmx_machine_gather(dmx_machine *m,
                                             dmx_pickled_kind kind,
                                             size_t first);
/* The same of those above the innermost mark, which goes. */
DMX_MUST_CHECK dmx_status dmx_machine_gather_marked(dmx_machine *m,
                                                    dmx_pickled_kind kind);

#endif
