/* The tensors of a checkpoint under other names. */
#ifndef DMX_CHECKPOINT_RENAME_H
#define DMX_CHECKPOINT_RENAME_H

#include "checkpoint/checkpoint.h"

enum { DMX_NAME_SIZE = 256 };

/* The new name of `name`: itself, or text, or NULL where the tensor is left
 * out. text[DMX_NAME_SIZE] */
typedef const char *dmx_renaming(char *text, const struct dmx_checkpoint *from,
                                 const char *name);

/* Path, class and tensors of `from` with new names, in its order. *out holds
 * what `from` does, by reference; close it first. Two of one name are an error
 * (MODEL). */
DMX_MUST_CHECK dmx_status dmx_checkpoint_rename(
    struct dmx_checkpoint **out, const struct dmx_checkpoint *from,
    dmx_renaming *rename, dmx_error *err);

/* Path and class of `from`, with room for that many tensors. Close *out first.
 */
DMX_MUST_CHECK dmx_status dmx_checkpoint_new(struct dmx_checkpoint **out,
                                             const struct dmx_checkpoint *from,
                                             size_t tensors, dmx_error *err);
/* c->by_name out of c->tensor; a name that is there twice is an error. */
DMX_MUST_CHECK dmx_status dmx_checkpoint_sort(struct dmx_checkpoint *c,
                                              dmx_error *err);

#endif
