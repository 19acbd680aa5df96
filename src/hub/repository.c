#include "hub/repository.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static bool exists(const char *folder, const char *name)
{
    char *path = dmx_path_join(folder, name);
    struct stat st;
    const bool found =
        path != NULL && stat(path, &st) == 0 && S_ISREG(st.st_mode);
    free(path);
    return found;
}

static bool is_checkpoint(const char *file)
{
    const char *extension = dmx_extension(file);
    return strcmp(extension, ".th") == 0 ||
           strcmp(extension, ".safetensors") == 0;
}

/* Length of the signature in "<signature>-<sha8>.th" or "<signature>.th". */
static size_t signature_length(const char *file)
{
    const size_t stem = (size_t)(dmx_extension(file) - file);
    const size_t dash = strcspn(file, "-");
    return dash < stem ? dash : stem;
}

/* The eight digits in "<signature>-<sha8>.th"; false when there are none. */
static bool name_checksum(const char *file, char sha8[9])
{
    const char *dash = strchr(file, '-');
    if (dash == NULL || dmx_extension(file) - dash != 9)
        return false;
    for (int i = 0; i < 8; i++)
        if (strchr("0123456789abcdefABCDEF", dash[1 + i]) == NULL)
            return false;
    snprintf(sha8, 9, "%.8s", dash + 1);
    return true;
}

static dmx_status check_checksum(const char *path, const char *file,
                                 const dmx_hooks *hooks, dmx_error *err)
{
    char sha8[9], actual[DMX_SHA256_HEX];
    if (!name_checksum(file, sha8))
        return DMX_OK;
    DMX_FORWARD(dmx_file_sha256(actual, path, hooks, err));
    DMX_RETURN_IF(strncasecmp(sha8, actual, 8) != 0, err, DMX_ERROR_HASH,
                  "%s: its SHA-256 starts with %.8s, not %s as its name says: "
                  "the file is damaged or renamed; get it again",
                  path, actual, sha8);
    return DMX_OK;
}

/* Finds the file in `folder` for `name`; malloc'd. */
static dmx_status scan(char **file, DIR *dir, const char *folder,
                       const char *name, dmx_error *err)
{
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        const char *found = entry->d_name;
        const size_t length = signature_length(found);
        if (!is_checkpoint(found) || strlen(name) != length ||
            memcmp(found, name, length) != 0)
            continue;
        DMX_RETURN_IF(*file != NULL, err, DMX_ERROR_ARGUMENT,
                      "%s: both %s and %s are model '%s'; remove one", folder,
                      *file, found, name);
        *file = strdup(found);
        DMX_RETURN_IF(*file == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                      folder);
    }
    return DMX_OK;
}

static dmx_status find_file(char **file, const char *folder, const char *name,
                            dmx_error *err)
{
    if (dmx_is_model_file(name) && exists(folder, name)) {
        *file = strdup(name);
        DMX_RETURN_IF(*file == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                      folder);
        return DMX_OK;
    }
    DIR *dir = opendir(folder);
    DMX_RETURN_IF(dir == NULL, err, DMX_ERROR_IO, "%s: %s", folder,
                  strerror(errno));
    const dmx_status status = scan(file, dir, folder, name, err);
    closedir(dir);
    return status;
}

dmx_status dmx_repository_find(char **out, const char *folder, const char *name,
                               const dmx_hooks *hooks, dmx_error *err)
{
    *out = NULL;
    if (!dmx_is_file_name(name))
        return DMX_OK;
    char *file = NULL, *path = NULL;
    dmx_status status = find_file(&file, folder, name, err);
    if (status == DMX_OK && file != NULL) {
        path = dmx_path_join(folder, file);
        status = path != NULL
                     ? check_checksum(path, file, hooks, err)
                     : dmx_fail(err, DMX_ERROR_MEMORY, "%s: no memory", folder);
    }
    free(file);
    if (status != DMX_OK) {
        free(path);
        return status;
    }
    *out = path;
    return DMX_OK;
}

/* ----------------------------------------------------------------- bags */

static dmx_status find_member(struct dmx_bag *bag, size_t m, const char *folder,
                              const dmx_hooks *hooks, dmx_error *err)
{
    for (size_t i = 0; i < m; i++)
        if (strcmp(bag->signature[i], bag->signature[m]) == 0) {
            bag->path[m] = bag->path[i];
            return DMX_OK;
        }
    char *path;
    DMX_FORWARD(
        dmx_repository_find(&path, folder, bag->signature[m], hooks, err));
    DMX_RETURN_IF(path == NULL, err, DMX_ERROR_IO,
                  "%s: no file for model '%s' of bag '%s' (%s-<sha8>.th)",
                  folder, bag->signature[m], bag->name, bag->signature[m]);
    bag->path[m] = dmx_arena_strndup(&bag->arena, path, strlen(path));
    free(path);
    DMX_RETURN_IF(bag->path[m] == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                  folder);
    return DMX_OK;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static dmx_status find_members(struct dmx_bag *bag, const char *path,
                               const dmx_hooks *hooks, dmx_error *err)
{
    char *folder = folder_of(path);
    DMX_RETURN_IF(folder == NULL, err, DMX_ERROR_MEMORY, "%s: no memory", path);
    dmx_status status = DMX_OK;
    for (size_t m = 0; m < bag->n_member && status == DMX_OK; m++)
        status = find_member(bag, m, folder, hooks, err);
    free(folder);
    return status;
}

static dmx_status open_bag(struct dmx_bag **out, const char *path,
                           const dmx_hooks *hooks, dmx_error *err)
{
    *out = NULL;
    dmx_blob blob;
    DMX_FORWARD(dmx_file_read(&blob, path, DMX_BAG_FILE_BYTES, err));
    const char *slash = strrchr(path, '/');
    dmx_status status = dmx_bag_parse(out, blob.data, blob.size,
                                      slash != NULL ? slash + 1 : path, err);
    dmx_blob_free(&blob);
    if (status == DMX_OK)
        status = find_members(*out, path, hooks, err);
    if (status != DMX_OK) {
        dmx_bag_close(*out);
        *out = NULL;
    }
    return status;
}

dmx_status dmx_bag_open(dmx_bag **out, const char *path, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, path);
    return open_bag(out, path, NULL, err);
}

/* "<name>.yaml" in `folder`, malloc'd; NULL when there is none. */
static char *bag_path(const char *folder, const char *name)
{
    char file[512];
    const char *extension;
    for (size_t i = 0; (extension = dmx_bag_extension(i)) != NULL; i++) {
        snprintf(file, sizeof file, "%s%s", name, extension);
        if (exists(folder, file))
            return dmx_path_join(folder, file);
    }
    return NULL;
}

dmx_status dmx_repository_bag(struct dmx_bag **out, const char *folder,
                              const char *name, const dmx_hooks *hooks,
                              dmx_error *err)
{
    *out = NULL;
    if (!dmx_is_file_name(name))
        return DMX_OK;
    char *path = bag_path(folder, name);
    dmx_status status;
    if (path != NULL) {
        status = open_bag(out, path, hooks, err);
    } else {
        status = dmx_repository_find(&path, folder, name, hooks, err);
        if (status == DMX_OK && path != NULL)
            status = dmx_bag_of_file(out, path, err);
    }
    free(path);
    return status;
}

/* ---------------------------------------------------------------- names */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void dmx_names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static bool append(char ***names, size_t *count, size_t *capacity,
                   const char *file)
{
    size_t length = 0;
    if (is_checkpoint(file))
        length = signature_length(file);
    else if (strcmp(dmx_extension(file), ".yaml") == 0)
        length = (size_t)(dmx_extension(file) - file);
    if (length == 0)
        return true;
    if (!dmx_grow(names, capacity, *count + 1, sizeof **names))
        return false;
    char *name = strndup(file, length);
    if (name == NULL)
        return false;
    (*names)[(*count)++] = name;
    return true;
}

dmx_status dmx_repository_names(char ***out, size_t *count, const char *folder,
                                dmx_error *err)
{
    *out = NULL;
    *count = 0;
    DIR *dir = opendir(folder);
    DMX_RETURN_IF(dir == NULL, err, DMX_ERROR_IO, "%s: %s", folder,
                  strerror(errno));
    size_t capacity = 0;
    bool fine = true;
    const struct dirent *entry;
    while (fine && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            fine = append(out, count, &capacity, entry->d_name);
    closedir(dir);
    if (!fine) {
        dmx_names_free(*out, *count);
        *out = NULL;
        *count = 0;
        DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "%s: no memory", folder);
    }
    if (*count > 1)
        qsort(*out, *count, sizeof **out, by_name);
    return DMX_OK;
}
