#ifdef DMX_HAVE_JACK
#include "jack_api.h"

#include <dlfcn.h>
#include <string.h>

static const char *const libraries[] = {"libjack.so.0", "libjack.0.dylib"};

/* A function's address out of an object pointer, as POSIX allows it. */
static int find(void *function, void *library, const char *name)
{
    void *address = dlsym(library, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

const char *cli_jack_load(cli_jack_api *api)
{
    memset(api, 0, sizeof *api);
    for (size_t i = 0; api->library == NULL && i < 2; i++)
        api->library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
    if (api->library == NULL)
        return "libjack was not found; install JACK, or PipeWire's libjack";
    int good = 1;
#define CLI_JACK_FIND(name)                                                    \
    good = good && find(&api->name, api->library, "jack_" #name);
    CLI_JACK_FUNCTIONS(CLI_JACK_FIND)
#undef CLI_JACK_FIND
    return good ? NULL : "this libjack is too old";
}
#else
typedef int cli_jack_is_not_built; /* no file is empty */
#endif
