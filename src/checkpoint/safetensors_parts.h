/* Shared by the files that read a safetensors file. */
#ifndef DMX_CHECKPOINT_SAFETENSORS_PARTS_H
#define DMX_CHECKPOINT_SAFETENSORS_PARTS_H

#include "checkpoint/load.h"

enum { DMX_SAFETENSORS_LENGTH = 8 }; /* bytes of the header's length */

/* What the header says about one tensor. */
typedef struct dmx_safetensors_entry {
    const dmx_json *dtype;
    int64_t dim[DMX_TENSOR_RANK];
    int rank;
    int64_t range[2]; /* of bytes behind the header */
} dmx_safetensors_entry;

/* Reads dtype, shape and data_offsets, each of which must be there once. */
bool dmx_safetensors_entry_read(dmx_safetensors_entry *e, const dmx_json *json);

/* Finds the dtype; false when it is not a type that weights may have. */
bool dmx_safetensors_type(dmx_dtype *out, const dmx_json *dtype);

/* Bytes per element of an integer type; 0 for any other type. */
uint64_t dmx_safetensors_integer(const dmx_json *dtype);

/* Checks that no name in the header repeats, including those that are skipped.
 */
DMX_MUST_CHECK dmx_status dmx_safetensors_check_names(dmx_load *load,
                                                      const dmx_json *header);

/* Checks that the n tensors fill the file from the header to its end without
 * gaps or overlaps, as the format requires, so that nothing can hide between
 * them. */
DMX_MUST_CHECK dmx_status dmx_safetensors_check_ranges(dmx_load *load,
                                                       int64_t (*range)[2],
                                                       size_t n, size_t base);

/* Puts class and arguments into the checkpoint. The other function: a string of
 * the metadata, or NULL. */
DMX_MUST_CHECK dmx_status dmx_safetensors_metadata(dmx_load *load,
                                                   const dmx_json *metadata);
const char *dmx_safetensors_text(const dmx_json *metadata, const char *key);

/* Reads a quantized state: tensors of any type, whose names only mark places in
 * the structure, which is JSON text. */
DMX_MUST_CHECK dmx_status dmx_safetensors_quantized(dmx_load *load,
                                                    const dmx_json *header,
                                                    size_t base,
                                                    const char *structure);

#endif
