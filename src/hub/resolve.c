/* Resolves what the user typed to checkpoint files. */
#include "hub/hub.h"

#include "hub/repository.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static dmx_status no_memory(dmx_error *err)
{
    return dmx_fail(err, DMX_ERROR_MEMORY, "no memory");
}

/* --------------------------------------------------------- registered bags */

static dmx_status fill_bag(struct dmx_bag *bag, const dmx_registry_model *model,
                           dmx_error *err)
{
    const size_t n = bag->n_source;
    bag->segment = model->segment;
    for (size_t m = 0; m < bag->n_member; m++) {
        const char *signature = model->member[m]->signature;
        bag->signature[m] =
            dmx_arena_strndup(&bag->arena, signature, strlen(signature));
        if (bag->signature[m] == NULL)
            return no_memory(err);
        for (size_t s = 0; s < n; s++)
            bag->weight[m * n + s] = model->weight[m * n + s];
    }
    return DMX_OK;
}

static const char *aliased(const dmx_registry_model *model, const char *stem)
{
    const dmx_stem_alias *a = model->alias;
    for (; a != NULL && a->alias != NULL; a++)
        if (strcmp(a->alias, stem) == 0)
            return a->source;
    return stem;
}

static dmx_status copy_aliases(struct dmx_bag *bag,
                               const dmx_registry_model *model, dmx_error *err)
{
    size_t n = 0;
    while (model->alias != NULL && model->alias[n].alias != NULL)
        n++;
    bag->alias = dmx_arena_alloc(&bag->arena, 2 * n + 1, sizeof *bag->alias);
    for (size_t i = 0; bag->alias != NULL && i < 2 * n; i++) {
        const dmx_stem_alias *a = &model->alias[i / 2];
        const char *text = i % 2 == 0 ? a->alias : a->source;
        bag->alias[i] = dmx_arena_strndup(&bag->arena, text, strlen(text));
        if (bag->alias[i] == NULL)
            return no_memory(err);
    }
    return bag->alias != NULL ? DMX_OK : no_memory(err);
}

static dmx_status unknown_stem(const dmx_registry_model *model,
                               const char *stem, dmx_error *err)
{
    char list[600] = "";
    for (size_t s = 0; model->source[s] != NULL; s++) {
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", s > 0 ? ", " : "",
                 model->source[s]);
    }
    return dmx_fail(err, DMX_ERROR_ARGUMENT,
                    "%s has no stem '%.100s'; it has %s", model->name, stem,
                    list);
}

static dmx_status keep_stem(struct dmx_bag *bag,
                            const dmx_registry_model *model, const char *stem,
                            dmx_error *err)
{
    for (size_t s = 0; model->source[s] != NULL; s++)
        if (strcmp(model->source[s], aliased(model, stem)) == 0) {
            if (bag->n_source > 0)
                dmx_bag_keep_source(bag, s);
            return DMX_OK;
        }
    return unknown_stem(model, stem, err);
}

dmx_status dmx_hub_bag(struct dmx_bag **out, const dmx_registry_model *model,
                       const char *stem, dmx_error *err)
{
    const size_t columns =
        model->weight != NULL ? dmx_registry_count_sources(model) : 0;
    DMX_FORWARD(dmx_bag_new(out, model->name, model->n_member, columns, err));
    dmx_status status = fill_bag(*out, model, err);
    if (status == DMX_OK)
        status = copy_aliases(*out, model, err);
    if (status == DMX_OK && stem != NULL)
        status = keep_stem(*out, model, stem, err);
    if (status != DMX_OK) {
        dmx_bag_close(*out);
        *out = NULL;
    }
    return status;
}

static dmx_status keep_path(char **out, struct dmx_bag *bag, dmx_hub *hub,
                            const dmx_registry_member *member, dmx_error *err)
{
    char *path;
    DMX_FORWARD(dmx_hub_fetch(&path, hub, member, err));
    *out = dmx_arena_strndup(&bag->arena, path, strlen(path));
    free(path);
    return *out != NULL ? DMX_OK : no_memory(err);
}

static const dmx_registry_member *member_of(const dmx_registry_model *model,
                                            const char *signature)
{
    for (size_t m = 0; m < model->n_member; m++)
        if (strcmp(model->member[m]->signature, signature) == 0)
            return model->member[m];
    return NULL;
}

static dmx_status registered(struct dmx_bag **out, dmx_hub *hub,
                             const dmx_registry_model *model, const char *stem,
                             dmx_error *err)
{
    DMX_FORWARD(dmx_hub_bag(out, model, stem, err));
    struct dmx_bag *bag = *out;
    for (size_t m = 0; m < bag->n_member; m++)
        DMX_FORWARD(keep_path(&bag->path[m], bag, hub,
                              member_of(model, bag->signature[m]), err));
    return model->config == NULL
               ? DMX_OK
               : keep_path(&bag->config, bag, hub, model->config, err);
}

static int64_t add_missing(int64_t sum, const dmx_hub *hub,
                           const dmx_registry_member *member)
{
    char *path;
    if (sum < 0 || dmx_hub_look(&path, hub, member, NULL) != DMX_OK)
        return -1;
    const uint64_t bytes = member->source[0].bytes;
    if (path == NULL)
        sum = bytes != 0 ? sum + (int64_t)bytes : -1;
    free(path);
    return sum;
}

int64_t dmx_hub_missing_bytes(const dmx_hub *hub, const char *name,
                              const char *stem)
{
    if (hub == NULL || name == NULL)
        return 0;
    const dmx_registry_model *model = dmx_hub_find(hub, name);
    const dmx_registry_member *member = dmx_hub_find_member(hub, name);
    struct dmx_bag *bag;
    if (hub->repository != NULL || (model == NULL && member == NULL))
        return 0;
    if (model == NULL)
        return add_missing(0, hub, member);
    if (dmx_hub_bag(&bag, model, stem, NULL) != DMX_OK)
        return -1;
    int64_t sum = 0;
    for (size_t m = 0; m < bag->n_member && sum >= 0; m++)
        sum = add_missing(sum, hub, member_of(model, bag->signature[m]));
    dmx_bag_close(bag);
    return sum;
}

static dmx_status single(struct dmx_bag **out, dmx_hub *hub,
                         const dmx_registry_member *member, dmx_error *err)
{
    char *path;
    DMX_FORWARD(dmx_hub_fetch(&path, hub, member, err));
    const dmx_status status = dmx_bag_of_file(out, path, err);
    free(path);
    return status;
}

/* ------------------------------------------------------------------ files */

/* Whether the text can't be the name of a model. */
static bool looks_like_file(const char *name)
{
    struct stat st;
    return strchr(name, '/') != NULL || dmx_is_bag_file(name) ||
           dmx_is_model_file(name) ||
           (stat(name, &st) == 0 && !S_ISDIR(st.st_mode));
}

/* No file "htdemucs.th", but a model "htdemucs": that is probably meant. */
static dmx_status no_such_file(const dmx_hub *hub, const char *path,
                               dmx_error *err)
{
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(path, "."), path);
    const dmx_registry_model *model = dmx_hub_find(hub, name);
    if (model == NULL)
        return dmx_fail(err, DMX_ERROR_IO,
                        "%s: no such file, and no model of that name", path);
    return dmx_fail(err, DMX_ERROR_IO,
                    "%s: no such file; '%s' is the name of a model that can "
                    "be downloaded",
                    path, model->name);
}

static dmx_status from_file(struct dmx_bag **out, const dmx_hub *hub,
                            const char *path, dmx_error *err)
{
    struct stat st;
    if (dmx_is_bag_file(path))
        return dmx_bag_open(out, path, err);
    if (stat(path, &st) != 0)
        return no_such_file(hub, path, err);
    DMX_RETURN_IF(S_ISDIR(st.st_mode), err, DMX_ERROR_ARGUMENT,
                  "%s: is a folder; give a file, or a model in it with "
                  "options.repository",
                  path);
    return dmx_bag_of_file(out, path, err);
}

/* --------------------------------------------------------------- messages */

static dmx_status unknown_name(const dmx_hub *hub, const char *name,
                               dmx_error *err)
{
    const char *nearest = NULL;
    size_t best = strlen(name) / 3 + 2;
    for (size_t r = 0; r < hub->n_registry; r++)
        for (size_t i = 0; i < hub->registry[r]->n_model; i++) {
            const char *known = hub->registry[r]->model[i].name;
            if (dmx_text_distance(name, known) < best) {
                best = dmx_text_distance(name, known);
                nearest = known;
            }
        }
    return dmx_fail(err, DMX_ERROR_ARGUMENT,
                    "'%.200s' is no file and no known model%s%s%s; "
                    "'demucs-onnx list-models' lists them",
                    name, nearest != NULL ? "; did you mean '" : "",
                    nearest != NULL ? nearest : "",
                    nearest != NULL ? "'?" : "");
}

static dmx_status not_in_repository(const dmx_hub *hub, const char *name,
                                    dmx_error *err)
{
    char list[600] = "";
    char **names;
    size_t count;
    DMX_FORWARD(dmx_repository_names(&names, &count, hub->repository, err));
    for (size_t i = 0; i < count && strlen(list) + 100 < sizeof list; i++) {
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%.80s", i > 0 ? ", " : "",
                 names[i]);
    }
    dmx_names_free(names, count);
    return dmx_fail(err, DMX_ERROR_ARGUMENT,
                    "%s has no model '%.200s'; it has %s", hub->repository,
                    name, list[0] != '\0' ? list : "none");
}

static dmx_status resolve(struct dmx_bag **out, dmx_hub *hub, const char *name,
                          const char *stem, dmx_error *err)
{
    if (hub->repository != NULL) {
        DMX_FORWARD(
            dmx_repository_bag(out, hub->repository, name, hub->hooks, err));
        if (*out != NULL)
            return DMX_OK;
        return looks_like_file(name) ? from_file(out, hub, name, err)
                                     : not_in_repository(hub, name, err);
    }
    const dmx_registry_model *model = dmx_hub_find(hub, name);
    if (model != NULL)
        return registered(out, hub, model, stem, err);
    const dmx_registry_member *member = dmx_hub_find_member(hub, name);
    if (member != NULL)
        return single(out, hub, member, err);
    return looks_like_file(name) ? from_file(out, hub, name, err)
                                 : unknown_name(hub, name, err);
}

dmx_status dmx_hub_resolve(dmx_bag **out, dmx_hub *hub, const char *name,
                           const char *stem, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, hub);
    DMX_NEED(err, name);
    const dmx_status status = resolve(out, hub, name, stem, err);
    if (status != DMX_OK) {
        dmx_bag_close(*out);
        *out = NULL;
    }
    return status;
}
