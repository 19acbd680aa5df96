#include "arch/registration.h"

#include "checkpoint/load.h"
#include "checkpoint/quantized.h"

#include <stdlib.h>
#include <string.h>

/* Where a parameter stands; within a module its weights are asked for in the
 * order of registration already. */
typedef struct place {
    long list, level, band, module;
    size_t asked;
} place;

typedef struct entry {
    place at;
    dmx_parameter parameter;
} entry;

static long rank_of(const char *const *list, const char *name, size_t length)
{
    long k = 0;
    while (list[k] != NULL &&
           (strlen(list[k]) != length || strncmp(list[k], name, length) != 0))
        k++;
    return k;
}

/* "encoder.0.layers.1.norm1.weight": list, level, band, module. Source: the
 * constructors of HDemucs, HEncLayer, HDecLayer, MultiWrap and Demucs. */
static place place_of(const char *name, size_t asked)
{
    static const char *const lists[] = {
        "encoder", "decoder", "tencoder", "tdecoder", "freq_emb", "lstm", NULL};
    static const char *const encoder[] = {"conv",  "norm1", "rewrite",
                                          "norm2", "dconv", NULL};
    static const char *const decoder[] = {"conv_tr", "norm2", "rewrite",
                                          "norm1",   "dconv", NULL};
    const size_t length = strcspn(name, ".");
    place p = {.list = rank_of(lists, name, length), .asked = asked};
    const char *at = name + length;
    char *end;
    if (p.list > 3)
        return p;
    p.level = strtol(at + 1, &end, 10);
    if (strncmp(end, ".layers.", 8) == 0)
        p.band = strtol(end + 8, &end, 10);
    if (*end == '.')
        p.module = rank_of(p.list % 2 == 0 ? encoder : decoder, end + 1,
                           strcspn(end + 1, "."));
    return p;
}

static int compare(const void *one, const void *two)
{
    const place *a = &((const entry *)one)->at, *b = &((const entry *)two)->at;
    const long x[] = {a->list, a->level, a->band, a->module};
    const long y[] = {b->list, b->level, b->band, b->module};
    for (int k = 0; k < 4; k++)
        if (x[k] != y[k])
            return x[k] < y[k] ? -1 : 1;
    return a->asked < b->asked ? -1 : a->asked > b->asked;
}

/* The weights that a build asks for, in the order of registration; *list:
 * free. */
static dmx_status sorted(dmx_parameter **list, const dmx_weights *w,
                         dmx_error *err)
{
    entry *all = calloc(w->n_asked + 1, sizeof *all);
    *list = calloc(w->n_asked + 1, sizeof **list);
    if (all == NULL || *list == NULL) {
        free(all);
        free(*list);
        *list = NULL;
        DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory for names");
    }
    for (size_t i = 0; i < w->n_asked; i++) {
        const dmx_tensor *t = w->asked[i];
        all[i].at = place_of(t->name, i);
        all[i].parameter = (dmx_parameter){.name = t->name, .rank = t->rank};
        memcpy(all[i].parameter.dim, t->dim, sizeof t->dim);
    }
    qsort(all, w->n_asked, sizeof *all, compare);
    for (size_t i = 0; i < w->n_asked; i++)
        (*list)[i] = all[i].parameter;
    free(all);
    return DMX_OK;
}

/* The names outlive the weights that were asked for. */
static dmx_status keep_names(struct dmx_checkpoint *c, dmx_error *err)
{
    for (size_t i = 0; i < c->n_tensor; i++) {
        const char *name = c->tensor[i].name;
        c->tensor[i].name =
            dmx_arena_strndup(&c->memory->arena, name, strlen(name));
        DMX_RETURN_IF(c->tensor[i].name == NULL, err, DMX_ERROR_MEMORY,
                      "no memory for names");
    }
    return DMX_OK;
}

static dmx_status name_all(struct dmx_model *model, const dmx_weights *w,
                           dmx_error *err)
{
    dmx_parameter *list;
    DMX_FORWARD(sorted(&list, w, err));
    dmx_status status = dmx_quantized_open(
        &model->own_weights, model->checkpoint, list, w->n_asked, err);
    free(list);
    if (status == DMX_OK)
        status = keep_names(model->own_weights, err);
    else
        dmx_error_prefix(err, "%s", model->checkpoint->path);
    model->weights = model->own_weights;
    return status;
}

dmx_status dmx_network_names(struct dmx_model *model, dmx_assemble *assemble,
                             dmx_error *err)
{
    dmx_weights w;
    if (model->checkpoint->quantized == NULL)
        return DMX_OK;
    dmx_graph *g = dmx_graph_open();
    DMX_RETURN_IF(g == NULL, err, DMX_ERROR_MEMORY, "no memory for the graph");
    dmx_weights_open_asking(&w);
    dmx_status status =
        assemble(model, model->training_samples, &(dmx_builder){g, &w}, err);
    if (status == DMX_OK)
        status = dmx_graph_status(g, err);
    if (status == DMX_OK && w.out_of_memory)
        status = dmx_fail(err, DMX_ERROR_MEMORY, "no memory for names");
    if (status == DMX_OK)
        status = name_all(model, &w, err);
    dmx_graph_close(g);
    dmx_weights_close(&w);
    return status;
}
