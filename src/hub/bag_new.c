#include "hub/bag.h"
#include "hub/repository.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *dmx_bag_extension(size_t index)
{
    static const char *const extension[] = {".yaml", ".yml", ".json"};
    return index < sizeof extension / sizeof extension[0] ? extension[index]
                                                          : NULL;
}

bool dmx_is_bag_file(const char *path)
{
    const char *extension = dmx_extension(path), *known;
    for (size_t i = 0; (known = dmx_bag_extension(i)) != NULL; i++)
        if (strcasecmp(extension, known) == 0)
            return true;
    return false;
}

#define NAME_LENGTH 200

bool dmx_is_file_name(const char *text)
{
    const size_t length = strnlen(text, NAME_LENGTH + 1);
    if (length == 0 || length > NAME_LENGTH || text[0] == '.')
        return false;
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '/' || *c == '\\')
            return false;
    return true;
}

static bool allocate(struct dmx_bag *bag, const char *name, size_t members,
                     size_t sources)
{
    dmx_arena *a = &bag->arena;
    bag->n_member = members;
    bag->n_source = sources;
    bag->name = dmx_arena_strndup(a, name, strlen(name));
    bag->signature = dmx_arena_alloc(a, members, sizeof *bag->signature);
    bag->path = dmx_arena_alloc(a, members, sizeof *bag->path);
    bag->left_out = dmx_arena_alloc(a, members, sizeof *bag->left_out);
    bag->weight = dmx_arena_alloc(a, members * sources, sizeof *bag->weight);
    return bag->name != NULL && bag->signature != NULL && bag->path != NULL &&
           bag->left_out != NULL && bag->weight != NULL;
}

dmx_status dmx_bag_new(struct dmx_bag **out, const char *name, size_t members,
                       size_t sources, dmx_error *err)
{
    *out = NULL;
    DMX_RETURN_IF(members > DMX_BAG_MEMBERS || sources > DMX_BAG_SOURCES, err,
                  DMX_ERROR_LIMIT,
                  "%s: %zu models of %zu sources; at most %d of %d are allowed",
                  name, members, sources, DMX_BAG_MEMBERS, DMX_BAG_SOURCES);
    struct dmx_bag *bag = calloc(1, sizeof *bag);
    if (bag == NULL || !allocate(bag, name, members, sources)) {
        dmx_bag_close(bag);
        DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "%s: no memory for a bag",
                         name);
    }
    *out = bag;
    return DMX_OK;
}

void dmx_bag_close(dmx_bag *bag)
{
    if (bag == NULL)
        return;
    dmx_arena_free(&bag->arena);
    free(bag);
}

dmx_status dmx_bag_of_file(struct dmx_bag **out, const char *path,
                           dmx_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    DMX_FORWARD(dmx_bag_new(out, base, 1, 0, err));
    struct dmx_bag *bag = *out;
    char *dot = strrchr(bag->name, '.');
    if (dot != NULL && dot != bag->name)
        *dot = '\0';
    bag->signature[0] =
        dmx_arena_strndup(&bag->arena, bag->name, strcspn(bag->name, "-"));
    bag->path[0] = dmx_arena_strndup(&bag->arena, path, strlen(path));
    if (bag->signature[0] != NULL && bag->path[0] != NULL)
        return DMX_OK;
    dmx_bag_close(bag);
    *out = NULL;
    DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "%s: no memory for a bag", path);
}

void dmx_bag_keep_source(struct dmx_bag *bag, size_t source)
{
    const size_t n = bag->n_source;
    size_t kept = 0, left_out = 0;
    for (size_t i = 0; i < bag->n_member; i++) {
        left_out += bag->left_out[i];
        if (bag->weight[i * n + source] == 0) {
            left_out++;
            continue;
        }
        bag->left_out[kept] = left_out;
        left_out = 0;
        bag->signature[kept] = bag->signature[i];
        bag->path[kept] = bag->path[i];
        memmove(bag->weight + kept * n, bag->weight + i * n,
                n * sizeof *bag->weight);
        kept++;
    }
    bag->n_member = kept;
}

const char *dmx_bag_name(const dmx_bag *bag)
{
    return bag != NULL ? bag->name : NULL;
}

size_t dmx_bag_members(const dmx_bag *bag)
{
    return bag != NULL ? bag->n_member : 0;
}

const char *dmx_bag_path(const dmx_bag *bag, size_t member)
{
    return bag != NULL && member < bag->n_member ? bag->path[member] : NULL;
}

const char *dmx_bag_signature(const dmx_bag *bag, size_t member)
{
    return bag != NULL && member < bag->n_member ? bag->signature[member]
                                                 : NULL;
}

size_t dmx_bag_sources(const dmx_bag *bag)
{
    return bag != NULL ? bag->n_source : 0;
}

double dmx_bag_weight(const dmx_bag *bag, size_t member, size_t source)
{
    if (bag == NULL)
        return 0;
    if (bag->n_source == 0)
        return 1;
    if (member >= bag->n_member || source >= bag->n_source)
        return 0;
    return bag->weight[member * bag->n_source + source];
}

int64_t dmx_bag_specialist(const dmx_bag *bag, size_t source)
{
    if (bag == NULL)
        return -1;
    int64_t found = -1;
    for (size_t i = 0; i < bag->n_member; i++) {
        if (dmx_bag_weight(bag, i, source) == 0)
            continue;
        if (found >= 0)
            return -1;
        found = (int64_t)i;
    }
    return found;
}

double dmx_bag_segment(const dmx_bag *bag)
{
    return bag != NULL ? bag->segment : 0;
}

const char *dmx_bag_config(const dmx_bag *bag)
{
    return bag != NULL ? bag->config : NULL;
}

const char *dmx_bag_stem(const dmx_bag *bag, const char *stem)
{
    if (bag == NULL || stem == NULL)
        return stem;
    for (char **a = bag->alias; a != NULL && *a != NULL; a += 2)
        if (strcmp(a[0], stem) == 0)
            return a[1];
    return stem;
}
