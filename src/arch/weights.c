#include "arch/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dmx_status dmx_weights_open(dmx_weights *w, const struct dmx_checkpoint *c,
                            dmx_error *err)
{
    *w = (dmx_weights){.checkpoint = c};
    w->used = calloc(c->n_tensor + 1, 1);
    DMX_RETURN_IF(w->used == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for %zu tensors", c->n_tensor);
    return DMX_OK;
}

void dmx_weights_open_asking(dmx_weights *w)
{
    *w = (dmx_weights){.arena.limit = (size_t)64 << 20};
}

void dmx_weights_close(dmx_weights *w)
{
    free(w->used);
    free(w->asked);
    dmx_arena_free(&w->arena);
    *w = (dmx_weights){0};
}

/* A tensor of that name and shape, without elements. */
static const dmx_tensor *remember(dmx_weights *w, const char *name, int rank,
                                  const int64_t *dim)
{
    static const float nothing[1];
    dmx_tensor *t = dmx_arena_alloc(&w->arena, 1, sizeof *t);
    const char *copy = dmx_arena_strndup(&w->arena, name, strlen(name));
    if (t == NULL || copy == NULL ||
        !dmx_grow(&w->asked, &w->asked_capacity, w->n_asked + 1,
                  sizeof *w->asked)) {
        w->out_of_memory = true;
        return NULL;
    }
    *t = (dmx_tensor){
        .name = copy, .data = nothing, .dtype = DMX_F32, .rank = rank};
    memcpy(t->dim, dim, (size_t)rank * sizeof *dim);
    w->asked[w->n_asked++] = t;
    return t;
}

static char *next_problem(dmx_weights *w)
{
    const size_t i = w->n_problem++;
    return i < DMX_WEIGHTS_NAMED ? w->problem[i] : NULL;
}

static void report_missing(dmx_weights *w, const char *name)
{
    char *text = next_problem(w);
    if (text != NULL)
        snprintf(text, sizeof w->problem[0], "missing %.150s", name);
}

static void report_shape(dmx_weights *w, const dmx_tensor *t, int rank,
                         const int64_t *dim)
{
    char *text = next_problem(w), found[80], wanted[80];
    dmx_tensor expected = {.rank = rank};
    memcpy(expected.dim, dim, (size_t)rank * sizeof *dim);
    if (text != NULL)
        snprintf(text, sizeof w->problem[0], "%.80s is %s, expected %s",
                 t->name, dmx_tensor_shape_text(t, found, sizeof found),
                 dmx_tensor_shape_text(&expected, wanted, sizeof wanted));
}

const dmx_tensor *dmx_weights_get(dmx_weights *w, const char *path,
                                  const char *name, int rank,
                                  const int64_t *dim)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s%s", path, *path != '\0' ? "." : "", name);
    if (w->checkpoint == NULL)
        return remember(w, full, rank, dim);
    const dmx_tensor *t = dmx_checkpoint_find(w->checkpoint, full);
    if (t == NULL) {
        report_missing(w, full);
        return NULL;
    }
    w->used[t - w->checkpoint->tensor] = 1;
    if (!dmx_tensor_is(t, rank, dim)) {
        report_shape(w, t, rank, dim);
        return NULL;
    }
    return t;
}

static void report_unexpected(dmx_weights *w)
{
    for (size_t i = 0; i < w->checkpoint->n_tensor; i++) {
        char *text = w->used[i] != 0 ? NULL : next_problem(w);
        if (text != NULL)
            snprintf(text, sizeof w->problem[0], "unexpected %.150s",
                     w->checkpoint->tensor[i].name);
    }
}

dmx_status dmx_weights_verdict(dmx_weights *w, dmx_error *err)
{
    char list[896] = "";
    size_t used = 0;
    report_unexpected(w);
    if (w->n_problem == 0)
        return DMX_OK;
    const size_t named =
        w->n_problem < DMX_WEIGHTS_NAMED ? w->n_problem : DMX_WEIGHTS_NAMED;
    for (size_t i = 0; i < named; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%.78s",
                                 i > 0 ? "; " : "", w->problem[i]);
    if (w->n_problem > named)
        snprintf(list + used, sizeof list - used, "; and %zu more",
                 w->n_problem - named);
    DMX_RETURN_ERROR(err, DMX_ERROR_MODEL,
                     "weights and arguments do not fit: %s", list);
}
