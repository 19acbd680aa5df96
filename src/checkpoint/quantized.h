/* Weights packed by DiffQ or a uniform quantizer: levels of a few bits and a
 * range for each large tensor, without names. The architecture supplies the
 * names, in the order in which it registers its parameters. Source: diffq
 * 0.2.4, base.py, diffq.py, uniform.py and torch_pack. */
#ifndef DMX_CHECKPOINT_QUANTIZED_H
#define DMX_CHECKPOINT_QUANTIZED_H

#include "checkpoint/load.h"

enum { DMX_QUANTIZED_WIDTHS = 15 }; /* row widths, 1 to 15 bits */

/* A tensor of a quantized state: contiguous numbers in the file. */
typedef struct dmx_raw {
    const unsigned char *data; /* NULL: absent */
    int item_size;             /* bytes */
    int dtype;                 /* a dmx_dtype, or -1: integers */
    int rank;
    int64_t dim[DMX_TENSOR_RANK];
    uint64_t count; /* elements */
} dmx_raw;

/* One quantized parameter. */
typedef struct dmx_quantized_entry {
    /* DiffQ, packed: the levels of all rows of one width, at [width - 1].
     * Otherwise only the first is used. */
    dmx_raw level[DMX_QUANTIZED_WIDTHS];
    dmx_raw
        bits; /* DiffQ: width of each row minus min_bits, packed; else absent */
    double low, high;
} dmx_quantized_entry;

/* A quantized state, checked as far as is possible without shapes. */
typedef struct dmx_quantized {
    bool uniform; /* else DiffQ */
    bool packed, torch_pack;
    int bits;         /* uniform: of all levels */
    int min_bits;     /* DiffQ */
    int64_t group;    /* DiffQ: elements of a row */
    uint64_t largest; /* elements of a parameter that is not quantized */
    dmx_quantized_entry *entry;
    size_t n_entry;
    dmx_raw *plain; /* the other parameters, float16 or float32 */
    size_t n_plain;
} dmx_quantized;

/* A parameter of the network. */
typedef struct dmx_parameter {
    const char *name;
    int rank;
    int64_t dim[DMX_TENSOR_RANK];
} dmx_parameter;

/* Is this a quantized state that Demucs saves in place of a state dict? */
bool dmx_is_quantized(const dmx_pickled *state);
/* Reads a quantized state; it lives in load->arena. */
DMX_MUST_CHECK dmx_status dmx_load_quantized(dmx_quantized **out,
                                             dmx_load *load,
                                             const dmx_pickled *state,
                                             dmx_locate *locate);

/* The `count` elements of one parameter, bit for bit as the original computes
 * them in float32. */
DMX_MUST_CHECK dmx_status dmx_quantized_unpack(float *out, uint64_t count,
                                               const dmx_quantized *q,
                                               const dmx_quantized_entry *e,
                                               dmx_error *err);

/* A copy of the checkpoint with all tensors named and quantized ones converted
 * to float32. parameter[n]: all of the network's parameters, in the order of
 * registration. *out refers to the other fields of `from`; close *out first.
 * Fails with MODEL when counts or shapes do not fit. */
DMX_MUST_CHECK dmx_status dmx_quantized_open(struct dmx_checkpoint **out,
                                             const struct dmx_checkpoint *from,
                                             const dmx_parameter *parameter,
                                             size_t n, dmx_error *err);

#endif
