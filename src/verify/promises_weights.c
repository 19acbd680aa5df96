#include "verify/promises_parts.h"

#include "base/memory.h"

#include <math.h>

static size_t element_count(const Onnx__TensorProto *t)
{
    size_t count = 1;
    for (size_t k = 0; k < t->n_dims; k++)
        if (t->dims[k] < 0 ||
            dmx_mul_overflow(&count, count, (size_t)t->dims[k]))
            return SIZE_MAX;
    return count;
}

static size_t element_size(const Onnx__TensorProto *t)
{
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        return 4;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
        return 2;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return 8;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
        return 1;
    default:
        return 0; /* not checked */
    }
}

/* Bits of the exponent in the last byte and in the one before it; all zero for
 * what is no floating-point type. */
typedef struct exponent {
    uint8_t last, before;
} exponent;

static exponent exponent_of(const Onnx__TensorProto *t)
{
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
        return (exponent){0x7f, 0x80};
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
        return (exponent){0x7c, 0};
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return (exponent){0x7f, 0xf0};
    default:
        return (exponent){0, 0};
    }
}

/* Are all numbers of a raw floating-point tensor finite? By their exponents:
 * this needs neither conversion nor alignment. */
static bool raw_is_finite(const Onnx__TensorProto *t)
{
    const uint8_t *p = t->raw_data.data;
    const size_t size = element_size(t);
    const exponent e = exponent_of(t);
    bool finite = true;
    for (size_t k = 0; e.last != 0 && k + size <= t->raw_data.len; k += size)
        finite = finite && ((p[k + size - 1] & e.last) != e.last ||
                            (p[k + size - 2] & e.before) != e.before);
    return finite;
}

static bool is_finite(const Onnx__TensorProto *t)
{
    for (size_t k = 0; k < t->n_float_data; k++)
        if (!isfinite(t->float_data[k]))
            return false;
    for (size_t k = 0; k < t->n_double_data; k++)
        if (!isfinite(t->double_data[k]))
            return false;
    return raw_is_finite(t);
}

void dmx_promises_weights(dmx_inspection *i)
{
    const Onnx__GraphProto *g = i->file->proto->graph;
    size_t bad = 0;
    for (size_t k = 0; k < g->n_initializer && bad < 10; k++) {
        const Onnx__TensorProto *t = g->initializer[k];
        const size_t size = element_size(t);
        size_t bytes;
        if (t->has_raw_data && size > 0 &&
            (dmx_mul_overflow(&bytes, element_count(t), size) ||
             bytes != t->raw_data.len)) {
            dmx_inspection_broken(
                i,
                "initializer '%.80s' has %zu bytes, not what its shape "
                "needs",
                t->name, t->raw_data.len);
            bad++;
        } else if (!is_finite(t)) {
            dmx_inspection_broken(
                i, "initializer '%.80s' holds infinities or NaNs", t->name);
            bad++;
        }
    }
}
