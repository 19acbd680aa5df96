/* A checkpoint at rest: the memory of its file's bytes is the system's again,
 * and its addresses stay; they are filled from the file when it wakes. */
#include "checkpoint/load.h"

#include "base/platform.h"

#include <string.h>

/* The file is held open, so that another one of its name does no harm. */
void dmx_checkpoint_rest(struct dmx_checkpoint *c)
{
    struct dmx_checkpoint_memory *m = c->memory;
    if (--m->users > 0 || m->file.data == NULL)
        return;
    if (m->held == 0)
        m->held = dmx_file_hold(c->path) + 1;
    m->rests = m->held != 0 && dmx_pages_forget(m->file.data, c->file_size);
}

static dmx_status fill(struct dmx_checkpoint *c, dmx_error *err)
{
    const struct dmx_checkpoint_memory *m = c->memory;
    char sha256[DMX_SHA256_HEX];
    DMX_FORWARD(dmx_file_read_held(m->file.data, c->file_size, m->held - 1,
                                   c->path, err));
    DMX_FORWARD(dmx_sha256_hex(sha256, m->file.data, c->file_size, err));
    DMX_RETURN_IF(strcmp(sha256, c->sha256) != 0, err, DMX_ERROR_HASH,
                  "%s: the file was changed while it is in use; start again",
                  c->path);
    return DMX_OK;
}

dmx_status dmx_checkpoint_wake(struct dmx_checkpoint *c, dmx_error *err)
{
    struct dmx_checkpoint_memory *m = c->memory;
    if (m->rests)
        DMX_FORWARD(fill(c, err));
    m->rests = false;
    m->users++;
    return DMX_OK;
}
