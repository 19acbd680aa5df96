/* The functions of libcurl that we use, each of which asks the one that was
 * loaded. Its ABI has been the same since 2006 (soname 4). */
#define CURL_DISABLE_TYPECHECK
#include "hub/curl_library.h"

#include <assert.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

/* What follows the option of curl_easy_setopt and curl_easy_getinfo is a long,
 * a curl_off_t or a pointer: passed on as one where they are passed alike. */
static_assert(sizeof(void *) == 8 && sizeof(long) == 8 &&
                  sizeof(curl_off_t) == 8,
              "libcurl is loaded at run time on LP64 systems only");

#define CURL_FUNCTIONS(X)                                                      \
    X(global_init)                                                             \
    X(global_cleanup)                                                          \
    X(easy_init)                                                               \
    X(easy_setopt)                                                             \
    X(easy_getinfo)                                                            \
    X(easy_perform)                                                            \
    X(easy_strerror)                                                           \
    X(easy_cleanup)                                                            \
    X(slist_append)                                                            \
    X(slist_free_all)

#define POINTER(name) __typeof__(curl_##name) *name;
static struct {
    CURL_FUNCTIONS(POINTER)
} curl;
#undef POINTER

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ready;

static bool fill(void *library)
{
    void *symbol;
#define FIND(name)                                                             \
    symbol = dlsym(library, "curl_" #name);                                    \
    if (symbol == NULL)                                                        \
        return false;                                                          \
    memcpy(&curl.name, &symbol, sizeof symbol);
    CURL_FUNCTIONS(FIND)
#undef FIND
    return true;
}

/* It stays: TLS libraries register what is run at exit. */
static void load(void)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4",
                                        "libcurl-nss.so.4", "libcurl.4.dylib"};
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !ready; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        ready = library != NULL && fill(library);
    }
}

dmx_status dmx_curl_ready(dmx_error *err)
{
    pthread_once(&once, load);
    DMX_RETURN_IF(!ready, err, DMX_ERROR_NETWORK,
                  "downloads need libcurl, which this system does not have "
                  "(Debian, Ubuntu: libcurl4; Fedora, Alma: libcurl; Arch: "
                  "curl); local files work without it");
    return DMX_OK;
}

CURLcode curl_global_init(long flags)
{
    return curl.global_init(flags);
}

void curl_global_cleanup(void)
{
    curl.global_cleanup();
}

CURL *curl_easy_init(void)
{
    return curl.easy_init();
}

CURLcode curl_easy_setopt(CURL *handle, CURLoption option, ...)
{
    va_list rest;
    va_start(rest, option);
    void *value = va_arg(rest, void *);
    va_end(rest);
    return curl.easy_setopt(handle, option, value);
}

CURLcode curl_easy_getinfo(CURL *handle, CURLINFO info, ...)
{
    va_list rest;
    va_start(rest, info);
    void *result = va_arg(rest, void *);
    va_end(rest);
    return curl.easy_getinfo(handle, info, result);
}

CURLcode curl_easy_perform(CURL *handle)
{
    return curl.easy_perform(handle);
}

const char *curl_easy_strerror(CURLcode code)
{
    return curl.easy_strerror(code);
}

void curl_easy_cleanup(CURL *handle)
{
    if (handle != NULL)
        curl.easy_cleanup(handle);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
    return curl.slist_append(list, text);
}

void curl_slist_free_all(struct curl_slist *list)
{
    if (list != NULL)
        curl.slist_free_all(list);
}
