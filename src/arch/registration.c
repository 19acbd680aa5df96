#include "arch/registration.h"

#include "arch/architectures.h"
#include "checkpoint/load.h"
#include "checkpoint/quantized.h"

#include <stdlib.h>
#include <string.h>

/* A parameter's position; within a module, weights are already requested in the
 * order of registration. */
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

static int compare_names(const void *one, const void *two)
{
    const entry *a = one, *b = two;
    const int names = strcmp(a->parameter.name, b->parameter.name);
    return names != 0 ? names : compare(one, two);
}

/* Merges weights that are requested twice (a band's bias). */
static size_t merge_duplicates(entry *all, size_t n)
{
    size_t kept = 0;
    qsort(all, n, sizeof *all, compare_names);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 ||
            strcmp(all[kept - 1].parameter.name, all[i].parameter.name) != 0)
            all[kept++] = all[i];
    qsort(all, kept, sizeof *all, compare);
    return kept;
}

/* The *n weights that a build requests, in the order of registration; free
 * *list. */
static dmx_status sorted(dmx_parameter **list, size_t *n, const dmx_weights *w,
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
    *n = merge_duplicates(all, w->n_asked);
    for (size_t i = 0; i < *n; i++)
        (*list)[i] = all[i].parameter;
    free(all);
    return DMX_OK;
}

/* Copies the names, which must outlive the requested weights. */
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
    size_t n;
    DMX_FORWARD(sorted(&list, &n, w, err));
    dmx_status status = dmx_quantized_open(&model->own_weights,
                                           model->checkpoint, list, n, err);
    free(list);
    if (status == DMX_OK)
        status = keep_names(model->own_weights, err);
    else
        dmx_error_prefix(err, "%s", model->checkpoint->path);
    model->weights = model->own_weights;
    return status;
}

/* Requests all weights of a network and passes them on. */
static dmx_status ask(struct dmx_model *model, dmx_assemble *assemble,
                      dmx_status (*take)(struct dmx_model *model,
                                         const dmx_weights *w, dmx_error *err),
                      dmx_error *err)
{
    dmx_weights w;
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
        status = take(model, &w, err);
    dmx_graph_close(g);
    dmx_weights_close(&w);
    return status;
}

dmx_status dmx_network_names(struct dmx_model *model, dmx_assemble *assemble,
                             dmx_error *err)
{
    return model->checkpoint->quantized != NULL
               ? ask(model, assemble, name_all, err)
               : DMX_OK;
}

/* ---- a network without a checkpoint -------------------------------------- */

/* model is the first member, so that one pointer is both. */
typedef struct listing {
    struct dmx_model model;
    void (*each)(void *user, const char *name, int rank, const int64_t *dim);
    void *user;
} listing;

static dmx_status list_all(struct dmx_model *model, const dmx_weights *w,
                           dmx_error *err)
{
    const listing *l = (const listing *)model;
    dmx_parameter *list;
    size_t n;
    DMX_FORWARD(sorted(&list, &n, w, err));
    for (size_t i = 0; i < n; i++)
        l->each(l->user, list[i].name, list[i].rank, list[i].dim);
    free(list);
    return DMX_OK;
}

static dmx_status list_network(listing *l, const dmx_json *kwargs,
                               dmx_error *err)
{
    struct dmx_model *m = &l->model;
    m->arguments = dmx_json_copy(kwargs);
    DMX_RETURN_IF(m->arguments == NULL, err, DMX_ERROR_MEMORY, "no memory");
    DMX_FORWARD(dmx_arguments_complete(
        m->arguments, m->implementation->arguments, NULL, err));
    DMX_FORWARD(m->implementation->open(m, NULL, err));
    return ask(m, m->implementation->assemble, list_all, err);
}

dmx_status dmx_network_parameters(const char *klass, const dmx_json *kwargs,
                                  void (*each)(void *user, const char *name,
                                               int rank, const int64_t *dim),
                                  void *user, dmx_error *err)
{
    const struct dmx_checkpoint none = {0};
    listing l = {.each = each, .user = user};
    l.model.checkpoint = l.model.weights = &none;
    l.model.shapes_only = true;
    l.model.implementation = dmx_architecture_find(klass);
    DMX_RETURN_IF(l.model.implementation == NULL ||
                      l.model.implementation->assemble == NULL,
                  err, DMX_ERROR_UNSUPPORTED, "no such class: %s", klass);
    const dmx_status status = list_network(&l, kwargs, err);
    l.model.implementation->close(&l.model);
    for (size_t i = 0; i < l.model.n_source; i++)
        free(l.model.source[i]);
    free(l.model.source);
    dmx_json_free(l.model.arguments);
    return status;
}
