/* The official ONNX checker behind a C interface. The module that implements
 * it (libdemucs_onnx_checker) is the only C++ in the project and the only
 * user of libonnx; verify/checker.h finds and loads it. */
#ifndef DMX_CHECKER_ONNX_CHECKER_H
#define DMX_CHECKER_ONNX_CHECKER_H

#include <stddef.h>

#define DMX_CHECKER_INTERFACE 2
#define DMX_CHECKER_SYMBOL    "dmx_onnx_checker"

enum {
    DMX_CHECKER_OK = 0,
    DMX_CHECKER_INVALID = 1, /* the message says why */
    DMX_CHECKER_MEMORY = 2,
};

typedef struct dmx_checker_interface {
    int interface;    /* DMX_CHECKER_INTERFACE of the module */
    int newest_opset; /* of the default domain, that libonnx knows */
    int newest_ir;    /* IR version that libonnx knows */
    /* onnx::checker::check_model and strict shape and type inference; with data
     * propagation when `propagate` is not 0. That computes the values of
     * shapes, and a hostile model of a few hundred bytes can make it exhaust
     * memory. message: one line, cut to `size`. */
    int (*check)(const void *model, size_t bytes, int propagate, char *message,
                 size_t size);
} dmx_checker_interface;

/* The module's one exported function; NULL when memory is short. */
typedef const dmx_checker_interface *dmx_checker_entry(void);

#endif
