/* Fetching weights by name and exact shape: the architecture validates the
 * file. Missing, misshapen and unused tensors are collected, so that one error
 * can name them all, as PyTorch's strict load_state_dict does. */
#ifndef DMX_ARCH_WEIGHTS_H
#define DMX_ARCH_WEIGHTS_H

#include "checkpoint/checkpoint.h"

#define DMX_WEIGHTS_NAMED 10

typedef struct dmx_weights {
    const struct dmx_checkpoint *checkpoint;
    unsigned char *used; /* per tensor of the checkpoint */
    char problem[DMX_WEIGHTS_NAMED][224];
    size_t n_problem;         /* of all, including those not listed */
    const dmx_tensor **asked; /* without a checkpoint: all requested weights */
    size_t n_asked, asked_capacity;
    dmx_arena arena; /* the requested tensors and their names */
    bool out_of_memory;
} dmx_weights;

DMX_MUST_CHECK dmx_status dmx_weights_open(dmx_weights *w,
                                           const struct dmx_checkpoint *c,
                                           dmx_error *err);
/* Without a checkpoint: every requested weight exists, with name and shape
 * only, and is recorded. */
void dmx_weights_open_asking(dmx_weights *w);
void dmx_weights_close(dmx_weights *w);

/* The tensor "<path>.<name>" of exactly this shape; otherwise records a problem
 * and returns NULL. */
const dmx_tensor *dmx_weights_get(dmx_weights *w, const char *path,
                                  const char *name, int rank,
                                  const int64_t *dim);
/* The common shapes. */
static inline const dmx_tensor *dmx_weights_vector(dmx_weights *w,
                                                   const char *path,
                                                   const char *name, int64_t n)
{
    return dmx_weights_get(w, path, name, 1, &n);
}
static inline const dmx_tensor *
dmx_weights_matrix(dmx_weights *w, const char *path, const char *name,
                   int64_t rows, int64_t columns)
{
    const int64_t dim[] = {rows, columns};
    return dmx_weights_get(w, path, name, 2, dim);
}

/* DMX_OK, or DMX_ERROR_MODEL that names the first ten problems, including
 * unused tensors. */
DMX_MUST_CHECK dmx_status dmx_weights_verdict(dmx_weights *w, dmx_error *err);

#endif
