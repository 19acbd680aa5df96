/* Weights that DiffQ or a uniform quantizer has packed: levels of a few bits
 * and a range for each large tensor, without names. The architecture lends them
 * its own, in the order in which it registers its parameters.
 * Source: diffq 0.2.4, base.py, diffq.py, uniform.py and torch_pack. */
#ifndef DMX_CHECKPOINT_QUANTIZED_H
#define DMX_CHECKPOINT_QUANTIZED_H

#include "checkpoint/load.h"

enum { DMX_QUANTIZED_WIDTHS = 15 }; /* rows of 1 to 15 bits */

/* A tensor of a quantized state: contiguous numbers in the file. */
typedef struct dmx_raw {
    const unsigned char *data; /* NULL: there is none */
    int item_size;             /* bytes */
    int dtype;                 /* a dmx_dtype, or -1: integers */
    int rank;
    int64_t dim[DMX_TENSOR_RANK];
    uint64_t count; /* elements */
} dmx_raw;

/* One quantized parameter. */
typedef struct dmx_quantized_entry {
    /* DiffQ, packed: levels of the rows of each width, [width - 1]. Otherwise
     * only the first is used. */
    dmx_raw level[DMX_QUANTIZED_WIDTHS];
    dmx_raw bits; /* DiffQ: of each row, packed less min_bits; else none */
    double low, high;
} dmx_quantized_entry;

/* A quantized state, checked as far as it can be without shapes. */
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

/* Is it what a quantizer of Demucs saves in place of a state dict? */
bool dmx_is_quantized(const dmx_pickled *state);
/* Reads one; it lives in load->arena. */
DMX_MUST_CHECK dmx_status dmx_load_quantized(dmx_quantized **out,
                                             dmx_load *load,
                                             const dmx_pickled *state,
                                             dmx_locate *locate);

/* The numbers of one parameter as the original computes them in float32, to
 * the bit; `count` of them. */
DMX_MUST_CHECK dmx_status dmx_quantized_unpack(float *out, uint64_t count,
                                               const dmx_quantized *q,
                                               const dmx_quantized_entry *e,
                                               dmx_error *err);

/* The checkpoint with all its tensors named and, where they were quantized,
 * as float32. parameter[n]: all of the network's, in the order of
 * registration. *out holds what else `from` does, by reference; close it
 * first. Fails with MODEL when numbers or shapes do not fit. */
DMX_MUST_CHECK dmx_status dmx_quantized_open(struct dmx_checkpoint **out,
                                             const struct dmx_checkpoint *from,
                                             const dmx_parameter *parameter,
                                             size_t n, dmx_error *err);

#endif
