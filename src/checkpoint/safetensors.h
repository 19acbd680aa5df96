/* A tensor of a safetensors header, of any type, and the nested structure that
 * Demucs 4.1 stores with quantized ones. */
#ifndef DMX_CHECKPOINT_SAFETENSORS_H
#define DMX_CHECKPOINT_SAFETENSORS_H

#include "checkpoint/load.h"

typedef struct dmx_flat_tensor {
    const char *name; /* in the header */
    int item_size;
    int dtype; /* a dmx_dtype, or -1 */
    int rank;
    int64_t dim[DMX_TENSOR_RANK], stride[DMX_TENSOR_RANK];
    int64_t count;
    size_t at; /* file offset */
} dmx_flat_tensor;

/* Converts the structure's JSON to the value that a pickle would yield; it
 * lives in load->pickle. tensor[n] is sorted by name; a storage's `at` is the
 * file offset of its data. */
DMX_MUST_CHECK dmx_status dmx_structure_value(dmx_pickled **out, dmx_load *load,
                                              const dmx_json *structure,
                                              const dmx_flat_tensor *tensor,
                                              size_t n);

#endif
