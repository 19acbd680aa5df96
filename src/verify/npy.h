/* NumPy's .npy files of float32, little-endian, row-major. */
#ifndef DMX_VERIFY_NPY_H
#define DMX_VERIFY_NPY_H

#include "base/file.h"

#define DMX_NPY_RANK 8

typedef struct dmx_npy {
    dmx_blob file;
    const float *data; /* in file */
    int rank;
    int64_t dim[DMX_NPY_RANK];
} dmx_npy;

/* Fails with IO, FORMAT, LIMIT, UNSUPPORTED (other types or memory orders) or
 * MEMORY. */
DMX_MUST_CHECK dmx_status dmx_npy_open(dmx_npy *out, const char *path,
                                       dmx_error *err);
void dmx_npy_close(dmx_npy *npy);

#endif
