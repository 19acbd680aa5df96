#include "verify/checker.h"
#include "base/memory.h"
#include "base/own_folder.h"
#include "checker/onnx_checker.h"
#include "runtime/watch.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE "libdemucs_onnx_checker.so"

struct dmx_checker {
    void *handle;
    const dmx_checker_interface *interface;
};

/* libonnx registers its operators in static constructors that are not meant
 * to be undone, so the module stays mapped. */
static void *load(const char *path)
{
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

static void *load_beside(bool (*find)(char *))
{
    static const char *const place[] = {"",
                                        "/../" DMX_LIBDIR "/demucs-onnx",
                                        "/../lib",
                                        "/../lib/demucs-onnx",
                                        "/demucs-onnx",
                                        "/.."};
    char own[DMX_PATH_SIZE], path[DMX_PATH_SIZE + 64];
    void *handle = NULL;
    if (!find(own))
        return NULL;
    for (size_t i = 0; i < sizeof place / sizeof place[0] && handle == NULL;
         i++) {
        snprintf(path, sizeof path, "%s%s/" MODULE, own, place[i]);
        if (access(path, R_OK) == 0)
            handle = load(path);
    }
    return handle;
}

static dmx_status find_interface(dmx_checker *c, dmx_error *err)
{
    void *symbol = dlsym(c->handle, DMX_CHECKER_SYMBOL);
    dmx_checker_entry *entry;
    memcpy(&entry, &symbol, sizeof entry);
    c->interface = symbol != NULL ? entry() : NULL;
    DMX_RETURN_IF(c->interface == NULL ||
                      c->interface->interface != DMX_CHECKER_INTERFACE,
                  err, DMX_ERROR_RUNTIME,
                  MODULE " belongs to another version; install it again");
    return DMX_OK;
}

static dmx_status load_module(dmx_checker *c, dmx_error *err)
{
    DMX_FORWARD(dmx_room_for_library("the ONNX checker", err));
    dlerror();
    c->handle = load_beside(dmx_program_folder);
    if (c->handle == NULL)
        c->handle = load_beside(dmx_library_folder);
    if (c->handle == NULL)
        c->handle = load(MODULE);
    DMX_RETURN_IF(c->handle == NULL, err, DMX_ERROR_RUNTIME,
                  "the ONNX checker can't be loaded (%s): build with "
                  "libonnx-dev and libprotobuf-dev installed, and keep " MODULE
                  " beside the program or in ../lib/demucs-onnx",
                  dlerror());
    return find_interface(c, err);
}

dmx_status dmx_checker_open(dmx_checker **out, dmx_error *err)
{
    *out = NULL;
    dmx_checker *c = calloc(1, sizeof *c);
    DMX_RETURN_IF(c == NULL, err, DMX_ERROR_MEMORY, "no memory");
    const dmx_status status = load_module(c, err);
    if (status != DMX_OK) {
        dmx_checker_close(c);
        return status;
    }
    *out = c;
    return DMX_OK;
}

void dmx_checker_close(dmx_checker *checker)
{
    if (checker != NULL && checker->handle != NULL)
        dlclose(checker->handle);
    free(checker);
}

int dmx_checker_newest_opset(const dmx_checker *checker)
{
    return checker->interface->newest_opset;
}

typedef struct checking {
    const dmx_checker_interface *interface;
    const void *model;
    size_t size;
    bool trusted;
    int result;
    char message[768];
} checking;

static void check(void *context)
{
    checking *c = context;
    c->result = c->interface->check(c->model, c->size, c->trusted, c->message,
                                    sizeof c->message);
}

dmx_status dmx_checker_check(const dmx_checker *checker, const void *model,
                             size_t size, bool trusted, const dmx_hooks *hooks,
                             dmx_error *err)
{
    checking c = {checker->interface, model, size, trusted, 0, ""};
    const dmx_watch watch = {hooks, "checking: structure", 0.5, check, NULL,
                             &c};
    DMX_FORWARD(dmx_watch_run(&watch, err));
    DMX_RETURN_IF(c.result == DMX_CHECKER_MEMORY, err, DMX_ERROR_MEMORY,
                  "no memory for the ONNX checker");
    DMX_RETURN_IF(c.result != DMX_CHECKER_OK, err, DMX_ERROR_CHECK,
                  "the ONNX checker refuses the model: %s", c.message);
    return DMX_OK;
}
