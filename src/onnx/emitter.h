/* An ONNX graph under construction: nodes, constants and their names.
 *
 * Values are known by name. As with the semantic graph's builders, the first
 * error is kept, later calls do nothing, and the caller checks once at the end.
 * The emitter owns all memory. */
#ifndef DMX_ONNX_EMITTER_H
#define DMX_ONNX_EMITTER_H

#include "base/weight_format.h"
#include "base/memory.h"
#include "base/tensor.h"
#include "graph/length.h"

#include <onnx.pb-c.h>

typedef const char *dmx_name; /* of an ONNX value; never NULL */

typedef int64_t dmx_extent; /* a dimension of a value: onnx/extent.h */

#define DMX_ONNX_MAX_RANK 6

/* The type of a value: known for all values where dimensions are free. */
typedef struct dmx_value_type {
    int32_t element; /* ONNX__TENSOR_PROTO__DATA_TYPE__..., 0: not known */
    int rank;
    dmx_extent dim[DMX_ONNX_MAX_RANK];
} dmx_value_type;

typedef struct dmx_emitter_slot {
    const char *key;
    size_t count;
    const dmx_value_type *type; /* of the value of this name, or NULL */
} dmx_emitter_slot;

/* A rule that a dimension follows: a length, times the batch or not. */
typedef struct dmx_free_extent {
    dmx_length length;
    bool batch;
    int64_t tag;      /* of a name of its own; 0: has none */
    const char *name; /* "4*ceil(samples/1024)"; NULL until needed */
} dmx_free_extent;

/* A value that is emitted once, identified by its expression. */
typedef struct dmx_shared_name {
    const char *text;
    dmx_name name;
} dmx_shared_name;

typedef struct dmx_emitter {
    dmx_error error;
    dmx_arena arena;
    int opset;
    dmx_weight_format weights; /* format of the weights that fit it exactly */
    const char *path;          /* module path that new nodes are named after */
    Onnx__NodeProto **node;
    size_t n_node, node_capacity;
    Onnx__TensorProto **constant;
    size_t n_constant, constant_capacity;
    Onnx__ValueInfoProto *input, *output;
    void **buffer; /* the bytes of large constants */
    size_t n_buffer, buffer_capacity;
    dmx_emitter_slot *slot; /* names in use, open addressing */
    size_t n_slot, slot_capacity;
    dmx_extent batch; /* batch size: 1 unless changed before the first node */
    bool free;        /* some dimension of the input is free */
    int64_t typical;  /* then: the length that recipes are optimised for */
    dmx_free_extent *extent;
    size_t n_extent, extent_capacity;
    dmx_shared_name *shared;
    size_t n_shared, shared_capacity;
    size_t late; /* results of nodes from here on have dimensions with names of
                    their own (dmx_extent_apart); 0: none */
    size_t n_typed;                       /* nodes whose results have a type */
    void (*settle)(struct dmx_emitter *); /* called before a node; or NULL */
} dmx_emitter;

void dmx_emitter_open(dmx_emitter *e, int opset, dmx_weight_format weights);
void dmx_emitter_close(dmx_emitter *e);

/* Records an error; always returns "". */
dmx_name dmx_emitter_fail(dmx_emitter *e, dmx_status code, const char *fmt, ...)
    DMX_PRINTF(3, 4);
static inline bool dmx_emitter_failed(const dmx_emitter *e)
{
    return e->error.code != DMX_OK;
}

/* Zeroed memory that lives as long as the emitter, or NULL and an error. */
void *dmx_emitter_alloc(dmx_emitter *e, size_t count, size_t size);
/* A copy of a text, or NULL and an error. */
char *dmx_emitter_text(dmx_emitter *e, const char *text);
/* The same as alloc for large arrays, not zeroed. */
void *dmx_emitter_buffer(dmx_emitter *e, size_t count, size_t size);
/* Releases the most recent buffer early. */
void dmx_emitter_drop_buffer(dmx_emitter *e, void *buffer);

/* `base`, or "base_1", ... if it is taken. */
dmx_name dmx_emitter_unique(dmx_emitter *e, const char *base);

/* ---- nodes ------------------------------------------------------------- */
/* A node with one output; its name and its output's are
 * "/<path>/<operator>". */
dmx_name dmx_emit(dmx_emitter *e, const char *operator_name, const dmx_name *in,
                  size_t n_in);
dmx_name dmx_emit_1(dmx_emitter *e, const char *operator_name, dmx_name a);
dmx_name dmx_emit_2(dmx_emitter *e, const char *operator_name, dmx_name a,
                    dmx_name b);
/* Gives the last emitted node `count` outputs; the first keeps its name. */
void dmx_emitter_outputs(dmx_emitter *e, dmx_name *out, size_t count);
/* Attributes of the node emitted last. */
void dmx_attribute_int(dmx_emitter *e, const char *name, int64_t value);
void dmx_attribute_float(dmx_emitter *e, const char *name, float value);
void dmx_attribute_ints(dmx_emitter *e, const char *name, const int64_t *value,
                        size_t count);
void dmx_attribute_text(dmx_emitter *e, const char *name, const char *value);
/* A tensor of one double. */
void dmx_attribute_double(dmx_emitter *e, const char *name, double value);
/* Renames the output of the last emitted node. */
void dmx_emitter_rename(dmx_emitter *e, const char *name);

/* ---- types (only where dimensions are free) ----------------------------- */
void dmx_emitter_set_type(dmx_emitter *e, const char *name,
                          const dmx_value_type *type);
/* NULL if unknown; the type of a node's result is known once another node
 * follows (emit_shape.h). */
const dmx_value_type *dmx_emitter_type(const dmx_emitter *e, const char *name);

/* ---- constants --------------------------------------------------------- */
/* data must live as long as the emitter; small ones are shared by content. */
dmx_name dmx_constant_f32(dmx_emitter *e, const char *base, const float *data,
                          const int64_t *dim, size_t rank);
/* The same for a large buffer of the emitter: if an equal constant exists, that
 * is used and the buffer released. */
dmx_name dmx_constant_shared(dmx_emitter *e, const char *base, float *data,
                             const int64_t *dim, size_t rank);
dmx_name dmx_constant_f16(dmx_emitter *e, const char *base,
                          const uint16_t *data, const int64_t *dim,
                          size_t rank);
dmx_name dmx_constant_s8(dmx_emitter *e, const char *base, const int8_t *data,
                         const int64_t *dim, size_t rank);
dmx_name dmx_constant_i64(dmx_emitter *e, const int64_t *value, size_t count);
/* Rank 0. */
dmx_name dmx_constant_integer(dmx_emitter *e, int64_t value);
dmx_name dmx_constant_scalar(dmx_emitter *e, double value);
/* Float64 constants. */
dmx_name dmx_constant_double(dmx_emitter *e, const char *base,
                             const double *data, const int64_t *dim,
                             size_t rank);
/* Doubles, rounded to float32. */
dmx_name dmx_constant_f64(dmx_emitter *e, const char *base, const double *data,
                          const int64_t *dim, size_t rank);

#endif
