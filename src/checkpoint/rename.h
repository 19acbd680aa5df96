/* Renames the tensors of a checkpoint. */
#ifndef DMX_CHECKPOINT_RENAME_H
#define DMX_CHECKPOINT_RENAME_H

#include "checkpoint/checkpoint.h"

enum { DMX_NAME_SIZE = 256 };

/* Returns the new name of `name`: `name` itself, a name written to
 * text[DMX_NAME_SIZE], or NULL to leave the tensor out. */
typedef const char *dmx_renaming(char *text, const struct dmx_checkpoint *from,
                                 const char *name);

/* A checkpoint with the path, class and tensors of `from`, the tensors renamed
 * and in the same order. It refers to the memory of `from`; close *out first. A
 * duplicate name is an error (MODEL). */
DMX_MUST_CHECK dmx_status dmx_checkpoint_rename(
    struct dmx_checkpoint **out, const struct dmx_checkpoint *from,
    dmx_renaming *rename, dmx_error *err);

/* A checkpoint with the path and class of `from` and room for that many
 * tensors. Close *out first. */
DMX_MUST_CHECK dmx_status dmx_checkpoint_new(struct dmx_checkpoint **out,
                                             const struct dmx_checkpoint *from,
                                             size_t tensors, dmx_error *err);
/* Fills c->by_name from c->tensor; a duplicate name is an error. */
DMX_MUST_CHECK dmx_status dmx_checkpoint_sort(struct dmx_checkpoint *c,
                                              dmx_error *err);

#endif
