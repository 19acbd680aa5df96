#include "checkpoint/rename.h"

#include "checkpoint/load.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const dmx_tensor *const *)a)->name,
                  (*(const dmx_tensor *const *)b)->name);
}

dmx_status dmx_checkpoint_sort(struct dmx_checkpoint *c, dmx_error *err)
{
    for (size_t i = 0; i < c->n_tensor; i++)
        c->by_name[i] = &c->tensor[i];
    qsort(c->by_name, c->n_tensor, sizeof *c->by_name, by_name);
    for (size_t i = 1; i < c->n_tensor; i++)
        DMX_RETURN_IF(strcmp(c->by_name[i - 1]->name, c->by_name[i]->name) == 0,
                      err, DMX_ERROR_MODEL, "%s is there twice",
                      c->by_name[i]->name);
    return DMX_OK;
}

static dmx_status rename_all(struct dmx_checkpoint *c,
                             const struct dmx_checkpoint *from,
                             dmx_renaming *rename, dmx_error *err)
{
    char text[DMX_NAME_SIZE];
    for (size_t i = 0; i < from->n_tensor; i++) {
        const char *old = from->tensor[i].name;
        const char *name = rename(text, from, old);
        if (name == NULL)
            continue;
        if (name != old)
            name = dmx_arena_strndup(&c->memory->arena, name, strlen(name));
        DMX_RETURN_IF(name == NULL, err, DMX_ERROR_MEMORY,
                      "no memory for names");
        dmx_tensor *t = &c->tensor[c->n_tensor++];
        *t = from->tensor[i];
        t->name = name;
    }
    return dmx_checkpoint_sort(c, err);
}

dmx_status dmx_checkpoint_rename(struct dmx_checkpoint **out,
                                 const struct dmx_checkpoint *from,
                                 dmx_renaming *rename, dmx_error *err)
{
    dmx_status status;
    *out = NULL;
    DMX_FORWARD(dmx_checkpoint_new(out, from, from->n_tensor, err));
    status = rename_all(*out, from, rename, err);
    if (status != DMX_OK) {
        dmx_checkpoint_close(*out);
        *out = NULL;
    }
    return status;
}

dmx_status dmx_checkpoint_new(struct dmx_checkpoint **out,
                              const struct dmx_checkpoint *from, size_t tensors,
                              dmx_error *err)
{
    struct dmx_checkpoint *c = calloc(1, sizeof *c);
    *out = NULL;
    DMX_RETURN_IF(c == NULL, err, DMX_ERROR_MEMORY, "no memory for names");
    c->memory = calloc(1, sizeof *c->memory);
    c->tensor = calloc(tensors + 1, sizeof *c->tensor);
    c->by_name = calloc(tensors + 1, sizeof *c->by_name);
    if (c->memory == NULL || c->tensor == NULL || c->by_name == NULL) {
        dmx_checkpoint_close(c);
        DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory for names");
    }
    c->path = from->path;
    c->klass_module = from->klass_module;
    c->klass_name = from->klass_name;
    *out = c;
    return DMX_OK;
}
