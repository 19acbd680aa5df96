/* The files of a model in a private registry: its members and its
 * configuration. */
#include "hub/registry_reader.h"

#include "hub/repository.h"

#include <math.h>
#include <string.h>

#define MAX_BYTES ((uint64_t)1 << 40)

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
static dmx_status read_url(dmx_registry_reader *r, const char *model,
                           const char *url, dmx_registry_source *source)
{
    const char *path = url;
    source->base = r->base;
    if (dmx_is_http_url(url)) {
        const char *host = strstr(url, "://") + 3;
        const char *slash = strchr(host, '/');
        if (slash == NULL)
            return dmx_registry_bad(r, model, "a 'url' without a path");
        path = slash + 1;
        source->base =
            dmx_arena_strndup(&r->out->arena, url, (size_t)(path - url));
        if (source->base == NULL)
            return dmx_registry_no_memory(r);
    }
    if (source->base == NULL)
        return dmx_registry_bad(r, model,
                                "a relative 'url', but the file has no 'base'");
    if (!is_relative_path(path))
        return dmx_registry_bad(r, model,
                                "'url' is no http(s) URL and no path below it");
    source->path = dmx_registry_copy(r, path);
    return source->path != NULL ? DMX_OK : dmx_registry_no_memory(r);
}

static dmx_status read_source(dmx_registry_reader *r, const char *model,
                              const dmx_json *object,
                              dmx_registry_source *source)
{
    const char *url = dmx_registry_text(object, "url", DMX_REGISTRY_URL);
    const char *sha256 = dmx_registry_text(object, "sha256", 64);
    const dmx_json *bytes = dmx_json_get(object, "bytes");
    if (url == NULL)
        return dmx_registry_bad(r, model, "a file without 'url'");
    if (!is_digest(sha256))
        return dmx_registry_bad(r, model,
                                "'sha256' is not 8 to 64 hexadecimal digits");
    if (bytes != NULL) {
        const double n = dmx_json_is_number(bytes) ? bytes->valuedouble : -1;
        if (!(n >= 1 && n <= (double)MAX_BYTES && n == floor(n)))
            return dmx_registry_bad(r, model, "'bytes' is not a file's size");
        source->bytes = (uint64_t)n;
    }
    source->sha256 = dmx_registry_copy(r, sha256);
    if (source->sha256 == NULL)
        return dmx_registry_no_memory(r);
    return read_url(r, model, url, source);
}

static dmx_status read_member(dmx_registry_reader *r, const char *model,
                              const dmx_json *object,
                              dmx_registry_member *member)
{
    const char *signature = dmx_registry_text(object, "signature", 64);
    if (!dmx_registry_is_name(signature) || strchr(signature, '-') != NULL)
        return dmx_registry_bad(
            r, model, "'signature' is not a name of letters, digits, '_', '.'");
    member->signature = dmx_registry_copy(r, signature);
    const dmx_json *files = dmx_json_get(object, "files");
    const int n = dmx_json_is_array(files) ? dmx_json_count(files) : 0;
    if (n < 1 || n > DMX_REGISTRY_SOURCES)
        return dmx_registry_bad(r, model,
                                "'files' is not a list of one or two files");
    for (int i = 0; i < n; i++) {
        DMX_FORWARD(
            read_source(r, model, dmx_json_item(files, i), &member->source[i]));
        if (!dmx_is_model_file(member->source[i].path))
            return dmx_registry_bad(
                r, model, "'url' does not end in .th or .safetensors");
    }
    member->n_source = (size_t)n;
    return member->signature != NULL ? DMX_OK : dmx_registry_no_memory(r);
}

dmx_status dmx_registry_read_members(dmx_registry_reader *r,
                                     const dmx_json *object,
                                     dmx_registry_model *m)
{
    const dmx_json *list = dmx_json_get(object, "members");
    const int n = dmx_json_is_array(list) ? dmx_json_count(list) : 0;
    if (n < 1 || n > DMX_BAG_MEMBERS)
        return dmx_registry_bad(r, m->name,
                                "'members' is not a list of models");
    m->n_member = (size_t)n;
    dmx_registry_member *member =
        dmx_arena_alloc(&r->out->arena, m->n_member, sizeof *member);
    const dmx_registry_member **pointer =
        dmx_arena_alloc(&r->out->arena, m->n_member, sizeof *pointer);
    if (member == NULL || pointer == NULL)
        return dmx_registry_no_memory(r);
    const dmx_json *item = list->child;
    for (int i = 0; i < n; i++, item = item->next) {
        DMX_FORWARD(read_member(r, m->name, item, &member[i]));
        pointer[i] = &member[i];
    }
    m->member = pointer;
    return DMX_OK;
}

/* A file of constructor arguments, of bare weights. */
dmx_status dmx_registry_read_config(dmx_registry_reader *r,
                                    const dmx_json *object,
                                    dmx_registry_model *m)
{
    const dmx_json *item = dmx_json_get(object, "config");
    if (item == NULL || dmx_json_is_null(item))
        return DMX_OK;
    dmx_registry_member *config =
        dmx_arena_alloc(&r->out->arena, 1, sizeof *config);
    if (config == NULL)
        return dmx_registry_no_memory(r);
    DMX_FORWARD(read_source(r, m->name, item, &config->source[0]));
    if (!dmx_is_bag_file(config->source[0].path))
        return dmx_registry_bad(r, m->name,
                                "'config' is no .yaml, .yml or .json");
    config->signature = m->name;
    config->n_source = 1;
    m->config = config;
    return DMX_OK;
}
