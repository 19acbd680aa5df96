/* Gets a member's file: from the cache, PyTorch's cache, or by download. */
#include "hub/hub.h"

#include "hub/cache.h"
#include "hub/download.h"
#include "hub/repository.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SIZE 256

static dmx_status no_memory(dmx_error *err)
{
    return dmx_fail(err, DMX_ERROR_MEMORY, "no memory");
}

/* ------------------------------------------------------------ what we have */

static bool is_there(const char *path, uint64_t bytes)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           (bytes == 0 || (uint64_t)st.st_size == bytes);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* The possible path `i` of a source's file: 0 in our cache, 1 in PyTorch's
 * (which keeps the release's file names). malloc'd; *path is NULL if there is
 * none. */
static dmx_status place(char **path, const struct dmx_hub *hub, int i,
                        const dmx_registry_member *member,
                        const dmx_registry_source *source, dmx_error *err)
{
    char name[NAME_SIZE];
    *path = NULL;
    dmx_registry_file_name(name, sizeof name, member, source);
    if (i == 0 && hub->files == NULL)
        return DMX_OK;
    if (i == 0)
        *path = dmx_path_join(hub->files, name);
    else if (hub->torch == NULL || strcmp(base_name(source->path), name) != 0)
        return DMX_OK;
    else
        *path = dmx_path_join(hub->torch, name);
    return *path != NULL ? DMX_OK : no_memory(err);
}

dmx_status dmx_hub_look(char **path, const struct dmx_hub *hub,
                        const dmx_registry_member *member, dmx_error *err)
{
    *path = NULL;
    for (int i = 0; i < 2; i++)
        for (size_t s = 0; s < member->n_source; s++) {
            const dmx_registry_source *source = &member->source[s];
            char *found;
            DMX_FORWARD(place(&found, hub, i, member, source, err));
            if (found != NULL && is_there(found, source->bytes)) {
                *path = found;
                return DMX_OK;
            }
            free(found);
        }
    return DMX_OK;
}

dmx_status dmx_hub_check_hash(bool *right, const char *path, const char *sha256,
                              const dmx_hooks *hooks, dmx_error *err)
{
    char hex[DMX_SHA256_HEX];
    *right = false;
    DMX_FORWARD(dmx_file_sha256(hex, path, hooks, err));
    *right = strncasecmp(hex, sha256, strlen(sha256)) == 0;
    return DMX_OK;
}

/* Keeps *path only if the file's hash is right. Removes a damaged file from our
 * cache, but never from PyTorch's. */
static dmx_status keep_if_hash_matches(char **path, const struct dmx_hub *hub,
                                       bool ours,
                                       const dmx_registry_source *source,
                                       dmx_error *err)
{
    bool right = false;
    dmx_status status = DMX_OK;
    if (is_there(*path, 0))
        status =
            dmx_hub_check_hash(&right, *path, source->sha256, hub->hooks, err);
    if (status == DMX_OK && !right && is_there(*path, 0)) {
        if (ours && unlink(*path) == 0)
            dmx_warn(hub->hooks, "%s: damaged (wrong SHA-256); removed", *path);
        else
            dmx_warn(hub->hooks, "%s: damaged (wrong SHA-256); not used",
                     *path);
    }
    if (status != DMX_OK || !right) {
        free(*path);
        *path = NULL;
    }
    return status;
}

/* The first file with the right hash, in the order of dmx_hub_look. */
static dmx_status find(char **path, const struct dmx_hub *hub,
                       const dmx_registry_member *member, dmx_error *err)
{
    *path = NULL;
    for (int i = 0; i < 2; i++)
        for (size_t s = 0; s < member->n_source && *path == NULL; s++) {
            const dmx_registry_source *source = &member->source[s];
            DMX_FORWARD(place(path, hub, i, member, source, err));
            if (*path != NULL)
                DMX_FORWARD(
                    keep_if_hash_matches(path, hub, i == 0, source, err));
        }
    return DMX_OK;
}

/* --------------------------------------------------------------- download */

static dmx_status open_transport(struct dmx_hub *hub, dmx_error *err)
{
    return hub->transport != NULL
               ? DMX_OK
               : dmx_transport_curl(&hub->transport, &hub->patience, err);
}

/* A hash of eight digits does not protect against deliberate manipulation. */
static void warn_if_weak(const struct dmx_hub *hub, const char *url,
                         const dmx_registry_source *source)
{
    char text[512];
    if (strncmp(url, "http://", 7) == 0 && strlen(source->sha256) < 32)
        dmx_warn(hub->hooks,
                 "%s: only %zu digits of this file's SHA-256 are published, "
                 "and http can be tampered with; prefer https",
                 dmx_redact_url(text, sizeof text, url),
                 strlen(source->sha256));
}

static dmx_status download(char **path, struct dmx_hub *hub,
                           const dmx_registry_member *member,
                           const dmx_registry_source *source, dmx_error *err)
{
    const char *base = hub->mirror != NULL ? hub->mirror : source->base;
    const size_t size = strlen(base) + strlen(source->path) + 1;
    char *url = malloc(size);
    if (url == NULL)
        return no_memory(err);
    snprintf(url, size, "%s%s", base, source->path);
    warn_if_weak(hub, url, source);
    dmx_status status = place(path, hub, 0, member, source, err);
    if (status == DMX_OK) {
        const dmx_download want = {*path, url, source->sha256, source->bytes};
        status = dmx_download_file(hub->transport, &hub->patience, &want,
                                   hub->hooks, err);
    }
    if (status != DMX_OK) {
        free(*path);
        *path = NULL;
    }
    free(url);
    return status;
}

/* Whether another source may succeed. */
static bool is_the_servers_fault(dmx_status status)
{
    return status == DMX_ERROR_NETWORK || status == DMX_ERROR_HASH ||
           status == DMX_ERROR_LIMIT;
}

static dmx_status download_any(char **path, struct dmx_hub *hub,
                               const dmx_registry_member *member,
                               dmx_error *err)
{
    dmx_error first = DMX_ERROR_INIT;
    DMX_FORWARD(open_transport(hub, err));
    for (size_t s = 0; s < member->n_source; s++) {
        dmx_error problem = DMX_ERROR_INIT;
        const dmx_status status =
            download(path, hub, member, &member->source[s], &problem);
        if (status == DMX_OK)
            return DMX_OK;
        if (!is_the_servers_fault(status))
            return dmx_fail(err, status, "%s", problem.message);
        if (s == 0)
            first = problem;
        if (s + 1 < member->n_source)
            dmx_warn(hub->hooks, "%s; trying the second source",
                     problem.message);
        else if (s > 0)
            return dmx_fail(err, first.code, "%.400s; second source: %.400s",
                            first.message, problem.message);
    }
    return dmx_fail(err, first.code, "%s", first.message);
}

/* Checks again first: another process may have finished while this one waited
 * for the lock. */
static dmx_status download_locked(char **path, struct dmx_hub *hub,
                                  const dmx_registry_member *member,
                                  dmx_error *err)
{
    DMX_FORWARD(find(path, hub, member, err));
    return *path != NULL ? DMX_OK : download_any(path, hub, member, err);
}

static dmx_status missing(const struct dmx_hub *hub,
                          const dmx_registry_member *member, dmx_error *err)
{
    char name[NAME_SIZE];
    dmx_registry_file_name(name, sizeof name, member, &member->source[0]);
    return dmx_fail(err, DMX_ERROR_NETWORK,
                    "%s is not in the cache (%s), and offline mode allows no "
                    "download; get it once with network: demucs-onnx download",
                    name, hub->files != NULL ? hub->files : "there is none");
}

dmx_status dmx_hub_fetch(char **path, struct dmx_hub *hub,
                         const dmx_registry_member *member, dmx_error *err)
{
    char name[NAME_SIZE];
    DMX_FORWARD(find(path, hub, member, err));
    if (*path != NULL)
        return DMX_OK;
    if (hub->offline)
        return missing(hub, member, err);
    DMX_FORWARD(dmx_hub_need_cache(hub, err));
    DMX_FORWARD(dmx_make_folders(hub->files, err));
    dmx_registry_file_name(name, sizeof name, member, &member->source[0]);
    char *locked = dmx_path_join(hub->files, name);
    if (locked == NULL)
        return no_memory(err);
    dmx_lock lock;
    dmx_status status = dmx_lock_take(&lock, locked, hub->hooks, err);
    if (status == DMX_OK) {
        status = download_locked(path, hub, member, err);
        dmx_lock_release(&lock);
    }
    free(locked);
    return status;
}
