/* Private registries: an untrusted JSON file of models. */
#include "hub/registry.h"

#include "base/file.h"
#include "base/hash.h"
#include "hub/repository.h"

#include "base/json.h"
#include <math.h>
#include <string.h>

#define FORMAT     "demucs-onnx registry 1"
#define FILE_BYTES ((size_t)4 << 20)
#define MAX_MODELS 1000
#define MAX_TEXT   300
#define MAX_URL    2000
#define MAX_BYTES  ((uint64_t)1 << 40)
#define NO_LICENCE "not stated"
#define NAME_LETTERS                                                           \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

typedef struct reader {
    dmx_registry *out;
    const char *name;
    const char *base;
    dmx_error *err;
} reader;

/* what: the field, such as "models[3].name". */
static dmx_status bad(const reader *r, const char *model, const char *what)
{
    return dmx_fail(r->err, DMX_ERROR_FORMAT, "%s: %s%s%s%s", r->name,
                    model != NULL ? "model '" : "", model != NULL ? model : "",
                    model != NULL ? "': " : "", what);
}

static dmx_status no_memory(const reader *r)
{
    return dmx_fail(r->err, DMX_ERROR_MEMORY, "%s: no memory", r->name);
}

static const char *text_of(const dmx_json *object, const char *key,
                           size_t limit)
{
    const dmx_json *item = dmx_json_get(object, key);
    const char *text = dmx_json_text_of(item);
    if (text == NULL || text[0] == '\0' || strnlen(text, limit + 1) > limit)
        return NULL;
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return NULL;
    return text;
}

static char *copy(reader *r, const char *text)
{
    return dmx_arena_strndup(&r->out->arena, text, strlen(text));
}

/* Whether all characters are safe in file names, URLs and command lines. */
static bool is_name(const char *text)
{
    return text != NULL && dmx_is_file_name(text) && text[0] != '-' &&
           strlen(text) <= 64 && text[strspn(text, NAME_LETTERS)] == '\0';
}

/* Whether the path stays below its base. */
static bool is_relative_path(const char *text)
{
    if (text[0] == '/' || strstr(text, "://") != NULL ||
        strpbrk(text, " \\#?") != NULL)
        return false;
    for (const char *part = text; part != NULL;) {
        const size_t length = strcspn(part, "/");
        if (length == 0 || (length == 2 && memcmp(part, "..", 2) == 0))
            return false;
        part = part[length] == '/' ? part + length + 1 : NULL;
    }
    return true;
}

static bool is_digest(const char *text)
{
    const size_t length = text != NULL ? strlen(text) : 0;
    return length >= 8 && length <= 64 &&
           strspn(text, "0123456789abcdef") == length;
}

/* Splits an absolute URL into base and path, or takes the registry's base. */
static dmx_status read_url(reader *r, const char *model, const char *url,
                           dmx_registry_source *source)
{
    const char *path = url;
    source->base = r->base;
    if (dmx_is_http_url(url)) {
        const char *host = strstr(url, "://") + 3;
        const char *slash = strchr(host, '/');
        if (slash == NULL)
            return bad(r, model, "a 'url' without a path");
        path = slash + 1;
        source->base =
            dmx_arena_strndup(&r->out->arena, url, (size_t)(path - url));
        if (source->base == NULL)
            return no_memory(r);
    }
    if (source->base == NULL)
        return bad(r, model, "a relative 'url', but the file has no 'base'");
    if (!is_relative_path(path))
        return bad(r, model, "'url' is no http(s) URL and no path below it");
    source->path = copy(r, path);
    return source->path != NULL ? DMX_OK : no_memory(r);
}

static dmx_status read_source(reader *r, const char *model,
                              const dmx_json *object,
                              dmx_registry_source *source)
{
    const char *url = text_of(object, "url", MAX_URL);
    const char *sha256 = text_of(object, "sha256", 64);
    const dmx_json *bytes = dmx_json_get(object, "bytes");
    if (url == NULL)
        return bad(r, model, "a file without 'url'");
    if (!is_digest(sha256))
        return bad(r, model, "'sha256' is not 8 to 64 hexadecimal digits");
    if (bytes != NULL) {
        const double n = dmx_json_is_number(bytes) ? bytes->valuedouble : -1;
        if (!(n >= 1 && n <= (double)MAX_BYTES && n == floor(n)))
            return bad(r, model, "'bytes' is not a file's size");
        source->bytes = (uint64_t)n;
    }
    source->sha256 = copy(r, sha256);
    if (source->sha256 == NULL)
        return no_memory(r);
    return read_url(r, model, url, source);
}

static dmx_status read_member(reader *r, const char *model,
                              const dmx_json *object,
                              dmx_registry_member *member)
{
    const char *signature = text_of(object, "signature", 64);
    if (!is_name(signature) || strchr(signature, '-') != NULL)
        return bad(r, model,
                   "'signature' is not a name of letters, digits, '_', '.'");
    member->signature = copy(r, signature);
    const dmx_json *files = dmx_json_get(object, "files");
    const int n = dmx_json_is_array(files) ? dmx_json_count(files) : 0;
    if (n < 1 || n > DMX_REGISTRY_SOURCES)
        return bad(r, model, "'files' is not a list of one or two files");
    for (int i = 0; i < n; i++) {
        DMX_FORWARD(
            read_source(r, model, dmx_json_item(files, i), &member->source[i]));
        if (!dmx_is_model_file(member->source[i].path))
            return bad(r, model, "'url' does not end in .th or .safetensors");
    }
    member->n_source = (size_t)n;
    return member->signature != NULL ? DMX_OK : no_memory(r);
}

static dmx_status read_members(reader *r, const dmx_json *object,
                               dmx_registry_model *m)
{
    const dmx_json *list = dmx_json_get(object, "members");
    const int n = dmx_json_is_array(list) ? dmx_json_count(list) : 0;
    if (n < 1 || n > DMX_BAG_MEMBERS)
        return bad(r, m->name, "'members' is not a list of models");
    m->n_member = (size_t)n;
    dmx_registry_member *member =
        dmx_arena_alloc(&r->out->arena, m->n_member, sizeof *member);
    const dmx_registry_member **pointer =
        dmx_arena_alloc(&r->out->arena, m->n_member, sizeof *pointer);
    if (member == NULL || pointer == NULL)
        return no_memory(r);
    const dmx_json *item = list->child;
    for (int i = 0; i < n; i++, item = item->next) {
        DMX_FORWARD(read_member(r, m->name, item, &member[i]));
        pointer[i] = &member[i];
    }
    m->member = pointer;
    return DMX_OK;
}

/* A list of names as a NULL-terminated array. */
static dmx_status read_names(reader *r, const dmx_json *object, const char *key,
                             const char *model, const char *const **out)
{
    const dmx_json *list = dmx_json_get(object, key);
    const int n = dmx_json_is_array(list) ? dmx_json_count(list) : 0;
    if (n < 1 || n > DMX_BAG_SOURCES)
        return bad(r, model, "'sources' or 'classes' is not a list of names");
    const char **names =
        dmx_arena_alloc(&r->out->arena, (size_t)n + 1, sizeof *names);
    if (names == NULL)
        return no_memory(r);
    const dmx_json *item = list->child;
    for (int i = 0; i < n; i++, item = item->next) {
        if (!is_name(dmx_json_text_of(item)))
            return bad(r, model, "a source or class that is no plain name");
        names[i] = copy(r, item->valuestring);
        if (names[i] == NULL)
            return no_memory(r);
    }
    *out = names;
    return DMX_OK;
}

static dmx_status read_row(reader *r, const dmx_registry_model *m,
                           const dmx_json *row, double *weight, size_t n)
{
    if (!dmx_json_is_array(row) || (size_t)dmx_json_count(row) != n)
        return bad(r, m->name,
                   "'weights' is not one row a member of one "
                   "number a source");
    const dmx_json *item = row->child;
    for (size_t s = 0; s < n; s++, item = item->next) {
        if (!dmx_json_is_number(item) || !isfinite(item->valuedouble))
            return bad(r, m->name, "a weight that is no number");
        weight[s] = item->valuedouble;
    }
    return DMX_OK;
}

static dmx_status read_weights(reader *r, const dmx_json *object,
                               dmx_registry_model *m)
{
    const dmx_json *list = dmx_json_get(object, "weights");
    if (list == NULL || dmx_json_is_null(list))
        return DMX_OK;
    if (!dmx_json_is_array(list) || (size_t)dmx_json_count(list) != m->n_member)
        return bad(r, m->name, "'weights' is not one row a member");
    const size_t n = dmx_registry_count_sources(m);
    double *weight =
        dmx_arena_alloc(&r->out->arena, m->n_member * n, sizeof *weight);
    if (weight == NULL)
        return no_memory(r);
    const dmx_json *row = list->child;
    for (size_t i = 0; i < m->n_member; i++, row = row->next)
        DMX_FORWARD(read_row(r, m, row, weight + i * n, n));
    for (size_t s = 0; s < n; s++) {
        double sum = 0;
        for (size_t i = 0; i < m->n_member; i++)
            sum += weight[i * n + s];
        if (!isfinite(sum) || fabs(sum) < 1e-9)
            return bad(r, m->name, "the weights of a source add up to 0");
    }
    m->weight = weight;
    return DMX_OK;
}

static dmx_status read_segment(reader *r, const dmx_json *object,
                               dmx_registry_model *m)
{
    const dmx_json *item = dmx_json_get(object, "segment");
    if (item == NULL || dmx_json_is_null(item))
        return DMX_OK;
    const double seconds = dmx_json_is_number(item) ? item->valuedouble : -1;
    if (!(seconds > 0 && seconds <= 3600))
        return bad(r, m->name, "'segment' is not a length in seconds");
    m->segment = seconds;
    return DMX_OK;
}

/* A file of constructor arguments, of bare weights. */
static dmx_status read_config(reader *r, const dmx_json *object,
                              dmx_registry_model *m)
{
    const dmx_json *item = dmx_json_get(object, "config");
    if (item == NULL || dmx_json_is_null(item))
        return DMX_OK;
    dmx_registry_member *config =
        dmx_arena_alloc(&r->out->arena, 1, sizeof *config);
    if (config == NULL)
        return no_memory(r);
    DMX_FORWARD(read_source(r, m->name, item, &config->source[0]));
    if (!dmx_is_bag_file(config->source[0].path))
        return bad(r, m->name, "'config' is no .yaml, .yml or .json");
    config->signature = m->name;
    config->n_source = 1;
    m->config = config;
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
static dmx_status read_aliases(reader *r, const dmx_json *object,
                               dmx_registry_model *m)
{
    const dmx_json *list = dmx_json_get(object, "aliases");
    const dmx_json *item;
    if (list == NULL || dmx_json_is_null(list))
        return DMX_OK;
    const int n = dmx_json_is_object(list) ? dmx_json_count(list) : -1;
    if (n < 0 || n > DMX_BAG_SOURCES)
        return bad(r, m->name, "'aliases' is not an object of a few names");
    dmx_stem_alias *alias =
        dmx_arena_alloc(&r->out->arena, (size_t)n + 1, sizeof *alias);
    if (alias == NULL)
        return no_memory(r);
    m->alias = alias;
    DMX_JSON_EACH (item, list) {
        const char *source = dmx_json_text_of(item);
        if (source == NULL || !has_source(m, source) || !is_name(item->string))
            return bad(r, m->name, "an alias that is no name of a source");
        if (has_source(m, item->string))
            return bad(r, m->name, "an alias that is a source itself");
        alias->alias = copy(r, item->string);
        alias->source = copy(r, source);
        if (alias->alias == NULL || alias->source == NULL)
            return no_memory(r);
        alias++;
    }
    return DMX_OK;
}

static dmx_status read_model(reader *r, const dmx_json *object,
                             dmx_registry_model *m)
{
    const char *name = text_of(object, "name", 64);
    if (!is_name(name))
        return bad(r, NULL, "a model whose 'name' is no plain name");
    const char *kind = text_of(object, "kind", MAX_TEXT);
    const char *licence = text_of(object, "licence", MAX_TEXT);
    m->name = copy(r, name);
    m->kind = copy(r, kind != NULL ? kind : "private");
    m->licence = copy(r, licence != NULL ? licence : NO_LICENCE);
    if (m->name == NULL || m->kind == NULL || m->licence == NULL)
        return no_memory(r);
    DMX_FORWARD(read_names(r, object, "sources", m->name, &m->source));
    DMX_FORWARD(read_names(r, object, "classes", m->name, &m->klass));
    DMX_FORWARD(read_members(r, object, m));
    DMX_FORWARD(read_weights(r, object, m));
    DMX_FORWARD(read_config(r, object, m));
    DMX_FORWARD(read_aliases(r, object, m));
    return read_segment(r, object, m);
}

static dmx_status read_models(reader *r, const dmx_json *list)
{
    const int n = dmx_json_is_array(list) ? dmx_json_count(list) : -1;
    if (n < 0 || n > MAX_MODELS)
        return bad(r, NULL, "no list 'models', or one of more than 1000");
    dmx_registry_model *model =
        dmx_arena_alloc(&r->out->arena, (size_t)n, sizeof *model);
    if (model == NULL)
        return no_memory(r);
    r->out->model = model;
    const dmx_json *item = list->child;
    for (int i = 0; i < n; i++, item = item->next) {
        DMX_FORWARD(read_model(r, item, &model[i]));
        if (dmx_registry_find(r->out, model[i].name) != NULL)
            return bad(r, model[i].name, "appears twice");
        r->out->n_model++;
    }
    return DMX_OK;
}

static dmx_status read_registry(reader *r, const dmx_json *root)
{
    const char *format = text_of(root, "format", MAX_TEXT);
    if (format == NULL || strcmp(format, FORMAT) != 0)
        return bad(r, NULL, "no \"format\": \"" FORMAT "\"");
    const char *base = text_of(root, "base", MAX_URL);
    if (base != NULL) {
        if (!dmx_is_http_url(base) || base[strlen(base) - 1] != '/')
            return bad(r, NULL, "'base' is no http(s) URL that ends in '/'");
        r->base = copy(r, base);
        if (r->base == NULL)
            return no_memory(r);
    }
    return read_models(r, dmx_json_get(root, "models"));
}

dmx_status dmx_registry_parse(dmx_registry *out, const char *text, size_t size,
                              const char *name, dmx_error *err)
{
    *out = (dmx_registry){0};
    const char *end = NULL;
    dmx_json *root = dmx_json_read_prefix(text, size, &end);
    reader r = {out, name, NULL, err};
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
