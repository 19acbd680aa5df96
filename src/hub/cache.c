#include "hub/cache.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An environment variable; NULL when unset or empty. */
static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static dmx_status join(char **out, const char *folder, const char *below,
                       dmx_error *err)
{
    const size_t size = strlen(folder) + strlen(below) + 1;
    *out = malloc(size);
    DMX_RETURN_IF(*out == NULL, err, DMX_ERROR_MEMORY, "no memory");
    snprintf(*out, size, "%s%s", folder, below);
    return DMX_OK;
}

/* The XDG rule: a relative $XDG_CACHE_HOME is invalid and ignored. */
static const char *xdg_cache(void)
{
    const char *folder = environment("XDG_CACHE_HOME");
    return folder != NULL && folder[0] == '/' ? folder : NULL;
}

/* The user's home folder, malloc'd: $HOME, else that of the user database (cron
 * jobs and containers may have no $HOME); *out is NULL if there is none. */
static dmx_status find_home(char **out, dmx_error *err)
{
    char text[4096];
    struct passwd entry, *found = NULL;
    *out = NULL;
    const char *home = environment("HOME");
    if (home == NULL &&
        getpwuid_r(geteuid(), &entry, text, sizeof text, &found) == 0 &&
        found != NULL && found->pw_dir != NULL && found->pw_dir[0] == '/')
        home = found->pw_dir;
    return home != NULL ? join(out, home, "", err) : DMX_OK;
}

static dmx_status below_home(char **out, const char *below, dmx_error *err)
{
    char *home;
    DMX_FORWARD(find_home(&home, err));
    const dmx_status status =
        home != NULL ? join(out, home, below, err) : DMX_OK;
    free(home);
    return status;
}

dmx_status dmx_cache_folder(char **out, const char *option, dmx_error *err)
{
    *out = NULL;
    const char *folder = option != NULL ? option : "";
    if (folder[0] == '\0' && environment("DEMUCS_ONNX_CACHE") != NULL)
        folder = environment("DEMUCS_ONNX_CACHE");
    if (folder[0] != '\0')
        return join(out, folder, "", err);
    if (xdg_cache() != NULL)
        return join(out, xdg_cache(), "/demucs-onnx", err);
    return below_home(out, "/.cache/demucs-onnx", err);
}

dmx_status dmx_torch_folder(char **out, dmx_error *err)
{
    *out = NULL;
    if (environment("TORCH_HOME") != NULL)
        return join(out, environment("TORCH_HOME"), "/hub/checkpoints", err);
    if (xdg_cache() != NULL)
        return join(out, xdg_cache(), "/torch/hub/checkpoints", err);
    return below_home(out, "/.cache/torch/hub/checkpoints", err);
}

static dmx_status make_folder(const char *path, dmx_error *err)
{
    struct stat st;
    if (mkdir(path, 0777) == 0)
        return DMX_OK;
    const int code = errno;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return DMX_OK;
    DMX_RETURN_ERROR(err, DMX_ERROR_IO,
                     "%s: can't create the folder: %s; choose another cache "
                     "with options.cache_dir or DEMUCS_ONNX_CACHE",
                     path, strerror(code));
}

dmx_status dmx_make_folders(const char *path, dmx_error *err)
{
    char *copy = strdup(path);
    DMX_RETURN_IF(copy == NULL, err, DMX_ERROR_MEMORY, "no memory");
    dmx_status status = DMX_OK;
    for (char *c = copy + 1; copy[0] != '\0' && *c != '\0'; c++) {
        if (*c != '/' || c[-1] == '/')
            continue;
        *c = '\0';
        status = make_folder(copy, err);
        *c = '/';
        if (status != DMX_OK)
            break;
    }
    free(copy);
    return status == DMX_OK ? make_folder(path, err) : status;
}
