/* Private registries: an untrusted JSON file of models. */
#include "hub/registry_reader.h"

#include "base/file.h"
#include "hub/repository.h"

#include <math.h>
#include <string.h>

#define FORMAT     "demucs-onnx registry 1"
#define FILE_BYTES ((size_t)4 << 20)
#define MAX_MODELS 1000
#define MAX_TEXT   300
#define NO_LICENCE "not stated"

/* A list of names as a NULL-terminated array. */
static dmx_status read_names(dmx_registry_reader *r, const dmx_json *object,
                             const char *key, const char *model,
                             const char *const **out)
{
    const dmx_json *list = dmx_json_get(object, key);
    const int n = dmx_json_is_array(list) ? dmx_json_count(list) : 0;
    if (n < 1 || n > DMX_BAG_SOURCES)
        return dmx_registry_bad(
            r, model, "'sources' or 'classes' is not a list of names");
    const char **names =
        dmx_arena_alloc(&r->out->arena, (size_t)n + 1, sizeof *names);
    if (names == NULL)
        return dmx_registry_no_memory(r);
    const dmx_json *item = list->child;
    for (int i = 0; i < n; i++, item = item->next) {
        if (!dmx_registry_is_name(dmx_json_text_of(item)))
            return dmx_registry_bad(r, model,
                                    "a source or class that is no plain name");
        names[i] = dmx_registry_copy(r, item->valuestring);
        if (names[i] == NULL)
            return dmx_registry_no_memory(r);
    }
    *out = names;
    return DMX_OK;
}

static dmx_status read_row(dmx_registry_reader *r, const dmx_registry_model *m,
                           const dmx_json *row, double *weight, size_t n)
{
    if (!dmx_json_is_array(row) || (size_t)dmx_json_count(row) != n)
        return dmx_registry_bad(r, m->name,
                                "'weights' is not one row a member of one "
                                "number a source");
    const dmx_json *item = row->child;
    for (size_t s = 0; s < n; s++, item = item->next) {
        if (!dmx_json_is_number(item) || !isfinite(item->valuedouble))
            return dmx_registry_bad(r, m->name, "a weight that is no number");
        weight[s] = item->valuedouble;
    }
    return DMX_OK;
}

static dmx_status read_weights(dmx_registry_reader *r, const dmx_json *object,
                               dmx_registry_model *m)
{
    const dmx_json *list = dmx_json_get(object, "weights");
    if (list == NULL || dmx_json_is_null(list))
        return DMX_OK;
    if (!dmx_json_is_array(list) || (size_t)dmx_json_count(list) != m->n_member)
        return dmx_registry_bad(r, m->name,
                                "'weights' is not one row a member");
    const size_t n = dmx_registry_count_sources(m);
    double *weight =
        dmx_arena_alloc(&r->out->arena, m->n_member * n, sizeof *weight);
    if (weight == NULL)
        return dmx_registry_no_memory(r);
    const dmx_json *row = list->child;
    for (size_t i = 0; i < m->n_member; i++, row = row->next)
        DMX_FORWARD(read_row(r, m, row, weight + i * n, n));
    for (size_t s = 0; s < n; s++) {
        double sum = 0;
        for (size_t i = 0; i < m->n_member; i++)
            sum += weight[i * n + s];
        if (!isfinite(sum) || fabs(sum) < 1e-9)
            return dmx_registry_bad(r, m->name,
                                    "the weights of a source add up to 0");
    }
    m->weight = weight;
    return DMX_OK;
}

static dmx_status read_segment(dmx_registry_reader *r, const dmx_json *object,
                               dmx_registry_model *m)
{
    const dmx_json *item = dmx_json_get(object, "segment");
    if (item == NULL || dmx_json_is_null(item))
        return DMX_OK;
    const double seconds = dmx_json_is_number(item) ? item->valuedouble : -1;
    if (!(seconds > 0 && seconds <= 3600))
        return dmx_registry_bad(r, m->name,
                                "'segment' is not a length in seconds");
    m->segment = seconds;
    return DMX_OK;
}

static bool has_source(const dmx_registry_model *m, const char *name)
{
    for (const char *const *s = m->source; *s != NULL; s++)
        if (strcmp(*s, name) == 0)
            return true;
    return false;
}

/* "aliases": {"kick": "bombo"} */
static dmx_status read_aliases(dmx_registry_reader *r, const dmx_json *object,
                               dmx_registry_model *m)
{
    const dmx_json *list = dmx_json_get(object, "aliases");
    const dmx_json *item;
    if (list == NULL || dmx_json_is_null(list))
        return DMX_OK;
    const int n = dmx_json_is_object(list) ? dmx_json_count(list) : -1;
    if (n < 0 || n > DMX_BAG_SOURCES)
        return dmx_registry_bad(r, m->name,
                                "'aliases' is not an object of a few names");
    dmx_stem_alias *alias =
        dmx_arena_alloc(&r->out->arena, (size_t)n + 1, sizeof *alias);
    if (alias == NULL)
        return dmx_registry_no_memory(r);
    m->alias = alias;
    DMX_JSON_EACH (item, list) {
        const char *source = dmx_json_text_of(item);
        if (source == NULL || !has_source(m, source) ||
            !dmx_registry_is_name(item->string))
            return dmx_registry_bad(r, m->name,
                                    "an alias that is no name of a source");
        if (has_source(m, item->string))
            return dmx_registry_bad(r, m->name,
                                    "an alias that is a source itself");
        alias->alias = dmx_registry_copy(r, item->string);
        alias->source = dmx_registry_copy(r, source);
        if (alias->alias == NULL || alias->source == NULL)
            return dmx_registry_no_memory(r);
        alias++;
    }
    return DMX_OK;
}

static dmx_status read_model(dmx_registry_reader *r, const dmx_json *object,
                             dmx_registry_model *m)
{
    const char *name = dmx_registry_text(object, "name", 64);
    if (!dmx_registry_is_name(name))
        return dmx_registry_bad(r, NULL,
                                "a model whose 'name' is no plain name");
    const char *kind = dmx_registry_text(object, "kind", MAX_TEXT);
    const char *licence = dmx_registry_text(object, "licence", MAX_TEXT);
    m->name = dmx_registry_copy(r, name);
    m->kind = dmx_registry_copy(r, kind != NULL ? kind : "private");
    m->licence = dmx_registry_copy(r, licence != NULL ? licence : NO_LICENCE);
    if (m->name == NULL || m->kind == NULL || m->licence == NULL)
        return dmx_registry_no_memory(r);
    DMX_FORWARD(read_names(r, object, "sources", m->name, &m->source));
    DMX_FORWARD(read_names(r, object, "classes", m->name, &m->klass));
    DMX_FORWARD(dmx_registry_read_members(r, object, m));
    DMX_FORWARD(read_weights(r, object, m));
    DMX_FORWARD(dmx_registry_read_config(r, object, m));
    DMX_FORWARD(read_aliases(r, object, m));
    return read_segment(r, object, m);
}

static dmx_status read_models(dmx_registry_reader *r, const dmx_json *list)
{
    const int n = dmx_json_is_array(list) ? dmx_json_count(list) : -1;
    if (n < 0 || n > MAX_MODELS)
        return dmx_registry_bad(r, NULL,
                                "no list 'models', or one of more than 1000");
    dmx_registry_model *model =
        dmx_arena_alloc(&r->out->arena, (size_t)n, sizeof *model);
    if (model == NULL)
        return dmx_registry_no_memory(r);
    r->out->model = model;
    const dmx_json *item = list->child;
    for (int i = 0; i < n; i++, item = item->next) {
        DMX_FORWARD(read_model(r, item, &model[i]));
        if (dmx_registry_find(r->out, model[i].name) != NULL)
            return dmx_registry_bad(r, model[i].name, "appears twice");
        r->out->n_model++;
    }
    return DMX_OK;
}

static dmx_status read_registry(dmx_registry_reader *r, const dmx_json *root)
{
    const char *format = dmx_registry_text(root, "format", MAX_TEXT);
    if (format == NULL || strcmp(format, FORMAT) != 0)
        return dmx_registry_bad(r, NULL, "no \"format\": \"" FORMAT "\"");
    const char *base = dmx_registry_text(root, "base", DMX_REGISTRY_URL);
    if (base != NULL) {
        if (!dmx_is_http_url(base) || base[strlen(base) - 1] != '/')
            return dmx_registry_bad(
                r, NULL, "'base' is no http(s) URL that ends in '/'");
        r->base = dmx_registry_copy(r, base);
        if (r->base == NULL)
            return dmx_registry_no_memory(r);
    }
    return read_models(r, dmx_json_get(root, "models"));
}

dmx_status dmx_registry_parse(dmx_registry *out, const char *text, size_t size,
                              const char *name, dmx_error *err)
{
    *out = (dmx_registry){0};
    const char *end = NULL;
    dmx_json *root = dmx_json_read_prefix(text, size, &end);
    dmx_registry_reader r = {out, name, NULL, err};
    const dmx_status status =
        root != NULL
            ? read_registry(&r, root)
            : dmx_fail_at(err, DMX_ERROR_FORMAT,
                          end != NULL ? (int64_t)(end - text) : -1,
                          "%s: not JSON (a registry of models, docs/models.md)",
                          name);
    dmx_json_free(root);
    if (status != DMX_OK)
        dmx_registry_free(out);
    return status;
}

dmx_status dmx_registry_read(dmx_registry *out, const char *path,
                             dmx_error *err)
{
    *out = (dmx_registry){0};
    dmx_blob blob;
    DMX_FORWARD(dmx_file_read(&blob, path, FILE_BYTES, err));
    const dmx_status status =
        dmx_registry_parse(out, (const char *)blob.data, blob.size, path, err);
    dmx_blob_free(&blob);
    return status;
}

void dmx_registry_free(dmx_registry *registry)
{
    dmx_arena_free(&registry->arena);
    *registry = (dmx_registry){0};
}
