/* Constants (initializers) of a graph under construction. */
#include "onnx/emitter.h"

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "raw_data is little-endian; add a byte swap here"
#endif

/* Constants up to this size are compared by content and shared. */
#define SHARED_BYTES 4096

static bool same_constant(const Onnx__TensorProto *t, int32_t type,
                          const void *data, size_t bytes, const int64_t *dim,
                          size_t rank)
{
    return t->data_type == type && t->raw_data.len == bytes &&
           t->n_dims == rank &&
           (rank == 0 || memcmp(t->dims, dim, rank * sizeof *dim) == 0) &&
           memcmp(t->raw_data.data, data, bytes) == 0;
}

static dmx_name find_same(const dmx_emitter *e, int32_t type, const void *data,
                          size_t bytes, const int64_t *dim, size_t rank)
{
    for (size_t i = 0; i < e->n_constant; i++)
        if (same_constant(e->constant[i], type, data, bytes, dim, rank))
            return e->constant[i]->name;
    return NULL;
}

static size_t count_of(const int64_t *dim, size_t rank)
{
    size_t count = 1;
    for (size_t k = 0; k < rank; k++)
        count *= (size_t)dim[k];
    return count;
}

static void note_type(dmx_emitter *e, const Onnx__TensorProto *t)
{
    dmx_value_type type = {.element = t->data_type, .rank = (int)t->n_dims};
    if (t->n_dims > DMX_ONNX_MAX_RANK)
        return;
    for (size_t k = 0; k < t->n_dims; k++)
        type.dim[k] = t->dims[k];
    dmx_emitter_set_type(e, t->name, &type);
}

/* A constant around data that already belongs to the emitter. */
static dmx_name add_constant(dmx_emitter *e, const char *base, int32_t type,
                             const void *data, size_t bytes, const int64_t *dim,
                             size_t rank)
{
    Onnx__TensorProto *t = dmx_emitter_alloc(e, 1, sizeof *t);
    int64_t *dims = dmx_emitter_alloc(e, rank + 1, sizeof *dims);
    const dmx_name name = dmx_emitter_unique(e, base);
    if (t == NULL || dims == NULL)
        return "";
    if (!dmx_grow(&e->constant, &e->constant_capacity, e->n_constant + 1,
                  sizeof *e->constant))
        return dmx_emitter_fail(e, DMX_ERROR_MEMORY,
                                "no memory for the ONNX graph");
    if (rank > 0)
        memcpy(dims, dim, rank * sizeof *dims);
    onnx__tensor_proto__init(t);
    t->dims = dims;
    t->n_dims = rank;
    t->has_data_type = 1;
    t->data_type = type;
    t->name = (char *)name;
    t->has_raw_data = 1;
    t->raw_data.data = (uint8_t *)data;
    t->raw_data.len = bytes;
    e->constant[e->n_constant++] = t;
    note_type(e, t);
    return name;
}

static dmx_name constant(dmx_emitter *e, const char *base, int32_t type,
                         const void *data, size_t item, const int64_t *dim,
                         size_t rank)
{
    if (dmx_emitter_failed(e) || data == NULL)
        return "";
    const size_t bytes = count_of(dim, rank) * item;
    const dmx_name same = bytes <= SHARED_BYTES
                              ? find_same(e, type, data, bytes, dim, rank)
                              : NULL;
    return same != NULL ? same
                        : add_constant(e, base, type, data, bytes, dim, rank);
}

dmx_name dmx_constant_f32(dmx_emitter *e, const char *base, const float *data,
                          const int64_t *dim, size_t rank)
{
    return constant(e, base, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, data,
                    sizeof *data, dim, rank);
}

dmx_name dmx_constant_shared(dmx_emitter *e, const char *base, float *data,
                             const int64_t *dim, size_t rank)
{
    if (dmx_emitter_failed(e) || data == NULL)
        return "";
    const int32_t type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    const size_t bytes = count_of(dim, rank) * sizeof *data;
    const dmx_name same = find_same(e, type, data, bytes, dim, rank);
    if (same == NULL)
        return add_constant(e, base, type, data, bytes, dim, rank);
    dmx_emitter_drop_buffer(e, data);
    return same;
}

dmx_name dmx_constant_f16(dmx_emitter *e, const char *base,
                          const uint16_t *data, const int64_t *dim, size_t rank)
{
    return constant(e, base, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, data,
                    sizeof *data, dim, rank);
}

dmx_name dmx_constant_s8(dmx_emitter *e, const char *base, const int8_t *data,
                         const int64_t *dim, size_t rank)
{
    return constant(e, base, ONNX__TENSOR_PROTO__DATA_TYPE__INT8, data,
                    sizeof *data, dim, rank);
}

dmx_name dmx_constant_i64(dmx_emitter *e, const int64_t *value, size_t count)
{
    const int64_t dim = (int64_t)count;
    int64_t *copy = dmx_emitter_alloc(e, count, sizeof *copy);
    if (copy == NULL)
        return "";
    memcpy(copy, value, count * sizeof *copy);
    return constant(e, "integers", ONNX__TENSOR_PROTO__DATA_TYPE__INT64, copy,
                    sizeof *copy, &dim, 1);
}

dmx_name dmx_constant_integer(dmx_emitter *e, int64_t value)
{
    int64_t *copy = dmx_emitter_alloc(e, 1, sizeof *copy);
    if (copy == NULL)
        return "";
    *copy = value;
    return constant(e, "integer", ONNX__TENSOR_PROTO__DATA_TYPE__INT64, copy,
                    sizeof *copy, NULL, 0);
}

dmx_name dmx_constant_scalar(dmx_emitter *e, double value)
{
    float *copy = dmx_emitter_alloc(e, 1, sizeof *copy);
    if (copy == NULL)
        return "";
    *copy = (float)value;
    return dmx_constant_f32(e, "scalar", copy, NULL, 0);
}

dmx_name dmx_constant_f64(dmx_emitter *e, const char *base, const double *data,
                          const int64_t *dim, size_t rank)
{
    const size_t count = count_of(dim, rank);
    float *copy = dmx_emitter_buffer(e, count, sizeof *copy);
    if (copy == NULL)
        return "";
    for (size_t i = 0; i < count; i++)
        copy[i] = (float)data[i];
    return dmx_constant_f32(e, base, copy, dim, rank);
}

dmx_name dmx_constant_double(dmx_emitter *e, const char *base,
                             const double *data, const int64_t *dim,
                             size_t rank)
{
    return constant(e, base, ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, data,
                    sizeof *data, dim, rank);
}
