/* Finding and loading the library. */
#include "base/memory.h"
#include "base/own_folder.h"
#include "runtime/ort_api.h"
#include "runtime/runtime.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __APPLE__
#define PLAIN_NAME     "libonnxruntime.dylib"
#define VERSIONED_NAME "libonnxruntime.*.dylib"
#else
#define PLAIN_NAME     "libonnxruntime.so"
#define VERSIONED_NAME "libonnxruntime.so.*"
#endif

#define MAX_PATH (DMX_PATH_SIZE + 128)

#define HOW_TO_GET_ONE                                                         \
    "put " PLAIN_NAME " (from an ONNX Runtime release, the Python package "    \
    "onnxruntime or the npm package onnxruntime-node) beside the program, "    \
    "or name it with options.onnxruntime or $DEMUCS_ONNXRUNTIME"

typedef struct ort_api_base {
    const void *const *(*GetApi)(uint32_t version);
    const char *(*GetVersionString)(void);
} ort_api_base;

/* Its words for that, of the arena and of C++. */
static bool is_about_memory(const char *text)
{
    static const char *const words[] = {"Failed to allocate memory",
                                        "bad_alloc", "bad allocation",
                                        "Available memory of", NULL};
    size_t i = 0;
    while (words[i] != NULL && strstr(text, words[i]) == NULL)
        i++;
    return words[i] != NULL;
}

dmx_status dmx_ort_check(const struct dmx_runtime *runtime, ort_status *status,
                         const char *what, dmx_error *err)
{
    if (status == NULL)
        return DMX_OK;
    char text[768];
    snprintf(text, sizeof text, "%s", runtime->api.GetErrorMessage(status));
    runtime->api.ReleaseStatus(status);
    for (char *p = text; *p != '\0'; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    char *const rest = strstr(text, " Name:'");
    if (is_about_memory(text) && rest != NULL)
        *rest = '\0'; /* it goes on about its own source */
    DMX_RETURN_IF(rest != NULL ? *rest == '\0' : is_about_memory(text), err,
                  DMX_ERROR_MEMORY,
                  "%s: the model needs more memory than there is (ONNX Runtime "
                  "%s: %s)",
                  what, runtime->version, text);
    DMX_RETURN_ERROR(err, DMX_ERROR_RUNTIME, "%s: ONNX Runtime %s: %s", what,
                     runtime->version, text);
}

/* ------------------------------------------------------------ one library */

/* dlsym returns an object pointer where a function pointer is needed; POSIX
 * requires copying the bits. */
static ort_api_base *base_of(void *handle)
{
    ort_api_base *(*get)(void);
    void *symbol = dlsym(handle, "OrtGetApiBase");
    if (symbol == NULL)
        return NULL;
    memcpy(&get, &symbol, sizeof get);
    return get();
}

static void fill_table(ort_api *api, const void *const *table)
{
#define ORT_COPY(position, result, name, parameters)                           \
    memcpy(&api->name, &table[position], sizeof api->name);
    ORT_FUNCTIONS(ORT_COPY)
#undef ORT_COPY
}

static dmx_status start(struct dmx_runtime *r, dmx_error *err)
{
    const ort_api_base *base = base_of(r->handle);
    DMX_RETURN_IF(base == NULL, err, DMX_ERROR_RUNTIME,
                  "%s: not ONNX Runtime (no OrtGetApiBase)", r->path);
    snprintf(r->version, sizeof r->version, "%s", base->GetVersionString());
    const void *const *table = base->GetApi(ORT_API_VERSION);
    DMX_RETURN_IF(table == NULL, err, DMX_ERROR_RUNTIME,
                  "%s: ONNX Runtime %s is too old; 1.13 or newer is needed",
                  r->path, r->version);
    fill_table(&r->api, table);
    DMX_FORWARD(dmx_ort_check(
        r, r->api.CreateEnv(ORT_LOG_FATAL, "demucs-onnx", &r->env), r->path,
        err));
    /* Recent releases record usage in the user's cache and upload it. */
    DMX_FORWARD(
        dmx_ort_check(r, r->api.DisableTelemetryEvents(r->env), r->path, err));
    DMX_FORWARD(dmx_ort_check(
        r, r->api.GetAllocatorWithDefaultOptions(&r->allocator), r->path, err));
    return dmx_ort_check(r,
                         r->api.CreateCpuMemoryInfo(
                             ORT_ALLOCATOR_DEVICE, ORT_MEMORY_DEFAULT, &r->cpu),
                         r->path, err);
}

/* Loads one candidate. The library stays mapped after dlclose: it has its own
 * threads and thread-local destructors. */
static dmx_status load(struct dmx_runtime *r, const char *path, dmx_error *err)
{
    r->path = strdup(path);
    DMX_RETURN_IF(r->path == NULL, err, DMX_ERROR_MEMORY, "no memory");
    r->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    DMX_RETURN_IF(r->handle == NULL, err, DMX_ERROR_RUNTIME,
                  "can't load ONNX Runtime: %s", dlerror());
    return start(r, err);
}

static void unload(struct dmx_runtime *r)
{
    if (r->cpu != NULL)
        r->api.ReleaseMemoryInfo(r->cpu);
    if (r->env != NULL)
        r->api.ReleaseEnv(r->env);
    if (r->handle != NULL)
        dlclose(r->handle);
    free(r->path);
    *r = (struct dmx_runtime){0};
}

/* ----------------------------------------------------------------- search */

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The library in a folder (or its lib/), under its plain or a versioned name
 * (the last of those in alphabetical order). */
static bool find_in(char *path, const char *folder)
{
    static const char *const inside[] = {"", "/lib"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, MAX_PATH, "%s%s/" PLAIN_NAME, folder, inside[i]);
        if (access(path, R_OK) == 0)
            return true;
        char pattern[MAX_PATH];
        snprintf(pattern, MAX_PATH, "%s%s/" VERSIONED_NAME, folder, inside[i]);
        glob_t found;
        if (glob(pattern, 0, NULL, &found) != 0)
            continue;
        snprintf(path, MAX_PATH, "%s", found.gl_pathv[found.gl_pathc - 1]);
        globfree(&found);
        return true;
    }
    return false;
}

/* Loads a library, or from a folder, given by name. */
static dmx_status load_named(struct dmx_runtime *r, const char *name,
                             dmx_error *err)
{
    char path[MAX_PATH];
    if (!is_folder(name)) {
        snprintf(path, sizeof path, "%s%s",
                 strchr(name, '/') == NULL ? "./" : "", name);
        DMX_RETURN_IF(access(path, R_OK) != 0, err, DMX_ERROR_RUNTIME,
                      "%s: no ONNX Runtime library there; %s", name,
                      HOW_TO_GET_ONE);
        return load(r, path, err);
    }
    DMX_RETURN_IF(!find_in(path, name), err, DMX_ERROR_RUNTIME,
                  "%s: no " PLAIN_NAME " in this folder; %s", name,
                  HOW_TO_GET_ONE);
    return load(r, path, err);
}

/* Tries everything beside the program or library. */
static bool load_beside(struct dmx_runtime *r, bool (*find)(char *))
{
    static const char *const place[] = {
        "",
        "/../lib",
        "/../" DMX_LIBDIR,
        "/../" DMX_LIBDIR "/demucs-onnx",
        "/../lib/demucs-onnx",
        "/third_party/onnxruntime",
        "/../third_party/onnxruntime",
        "/../../third_party/onnxruntime",
    };
    char own[DMX_PATH_SIZE], folder[DMX_PATH_SIZE + 64], path[MAX_PATH];
    if (!find(own))
        return false;
    for (size_t i = 0; i < sizeof place / sizeof place[0]; i++) {
        snprintf(folder, sizeof folder, "%s%s", own, place[i]);
        if (!find_in(path, folder))
            continue;
        if (load(r, path, NULL) == DMX_OK)
            return true;
        unload(r);
    }
    return false;
}

/* Names for the system's own search (ld.so.cache, LD_LIBRARY_PATH). */
static bool load_system(struct dmx_runtime *r)
{
    static const char *const name[] = {
        PLAIN_NAME,
#ifdef __APPLE__
        "/opt/homebrew/lib/" PLAIN_NAME,
        "/usr/local/lib/" PLAIN_NAME,
#else
        "libonnxruntime.so.1",
#endif
    };
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        if (load(r, name[i], NULL) == DMX_OK)
            return true;
        unload(r);
    }
    return false;
}

static dmx_status search(struct dmx_runtime *r, const char *path,
                         dmx_error *err)
{
    const char *named = path != NULL ? path : getenv("DEMUCS_ONNXRUNTIME");
    if (named != NULL && named[0] != '\0')
        return load_named(r, named, err);
    if (load_beside(r, dmx_program_folder) ||
        load_beside(r, dmx_library_folder) || load_system(r))
        return DMX_OK;
    DMX_RETURN_ERROR(err, DMX_ERROR_RUNTIME,
                     "ONNX Runtime was not found: " HOW_TO_GET_ONE);
}

dmx_status dmx_runtime_open(dmx_runtime **out, const char *path, dmx_error *err)
{
    *out = NULL;
    DMX_FORWARD(dmx_room_for_library("ONNX Runtime", err));
    struct dmx_runtime *r = calloc(1, sizeof *r);
    DMX_RETURN_IF(r == NULL, err, DMX_ERROR_MEMORY, "no memory");
    const dmx_status status = search(r, path, err);
    if (status != DMX_OK) {
        dmx_runtime_close(r);
        return status;
    }
    *out = r;
    return DMX_OK;
}

void dmx_runtime_close(dmx_runtime *runtime)
{
    if (runtime == NULL)
        return;
    unload(runtime);
    free(runtime);
}

const char *dmx_runtime_version(const dmx_runtime *runtime)
{
    return runtime->version;
}

const char *dmx_runtime_path(const dmx_runtime *runtime)
{
    return runtime->path;
}
