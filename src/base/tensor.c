#include "base/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t dmx_dtype_size(dmx_dtype dtype)
{
    static const unsigned char sizes[] = {2, 2, 4, 8, 8};
    return sizes[dtype];
}

const char *dmx_dtype_name(dmx_dtype dtype)
{
    static const char *const names[] = {"float16", "bfloat16", "float32",
                                        "float64", "int64"};
    return names[dtype];
}

size_t dmx_tensor_count(const dmx_tensor *t)
{
    size_t n = 1;
    for (int k = 0; k < t->rank; k++)
        n *= (size_t)t->dim[k];
    return n;
}

bool dmx_tensor_contiguous(const dmx_tensor *t)
{
    /* In a tensor without elements the other dimensions may be anything, and
     * their product may overflow. */
    if (dmx_tensor_count(t) == 0)
        return true;
    int64_t expected = 1;
    for (int k = t->rank - 1; k >= 0; k--) {
        if (t->dim[k] != 1 && t->stride[k] != expected)
            return false;
        expected *= t->dim[k];
    }
    return true;
}

bool dmx_tensor_is(const dmx_tensor *t, int rank, const int64_t *dim)
{
    if (t->rank != rank)
        return false;
    for (int k = 0; k < rank; k++)
        if (t->dim[k] != dim[k])
            return false;
    return true;
}

char *dmx_tensor_shape_text(const dmx_tensor *t, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int k = 0; k < t->rank && used < size; k++) {
        const int n = snprintf(text + used, size - used, "%s%lld",
                               k == 0 ? "(" : ", ", (long long)t->dim[k]);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used < size)
        snprintf(text + used, size - used, "%s", t->rank == 0 ? "()" : ")");
    return text;
}

dmx_tensor dmx_tensor_slice(const dmx_tensor *t, int axis, int64_t start,
                            int64_t length)
{
    dmx_tensor view = *t;
    const size_t skip = (size_t)start * (size_t)t->stride[axis];
    if (t->data != NULL)
        view.data = (const char *)t->data + skip * dmx_dtype_size(t->dtype);
    else
        view.offset += skip * dmx_dtype_size(t->dtype);
    view.dim[axis] = length;
    return view;
}

static float bits_to_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t float_to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

float dmx_f16_to_f32(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t exponent = (half >> 10) & 31u;
    const uint32_t mantissa = half & 1023u;
    if (exponent == 31)
        return bits_to_float(sign | 0x7f800000u | mantissa << 13);
    if (exponent != 0)
        return bits_to_float(sign | (exponent + 112) << 23 | mantissa << 13);
    /* Zero and subnormals: mantissa * 2^-24, exact in float32. */
    const float magnitude = (float)mantissa * 0x1p-24f;
    return bits_to_float(float_to_bits(magnitude) | sign);
}

uint16_t dmx_f32_to_f16(float value)
{
    const uint32_t bits = float_to_bits(value);
    const uint32_t sign = bits >> 16 & 0x8000u;
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude < 0x38800000u) { /* below 2^-14: subnormal or zero */
        /* Adding 0.5 leaves value * 2^24, rounded, in the low bits. */
        const float shifted = bits_to_float(magnitude) + 0.5f;
        return (uint16_t)(sign | (float_to_bits(shifted) - 0x3f000000u));
    }
    const uint32_t odd = magnitude >> 13 & 1u;
    const uint32_t rounded = magnitude - 0x38000000u + 0xfffu + odd;
    return (uint16_t)(sign | rounded >> 13);
}

float dmx_bf16_to_f32(uint16_t bits)
{
    return bits_to_float((uint32_t)bits << 16);
}

static double load(const char *p, dmx_dtype dtype)
{
    uint16_t half;
    float single;
    double wide;
    int64_t integer;
    switch (dtype) {
    case DMX_F16:
        memcpy(&half, p, sizeof half);
        return (double)dmx_f16_to_f32(half);
    case DMX_BF16:
        memcpy(&half, p, sizeof half);
        return (double)dmx_bf16_to_f32(half);
    case DMX_F32:
        memcpy(&single, p, sizeof single);
        return (double)single;
    case DMX_F64:
        memcpy(&wide, p, sizeof wide);
        return wide;
    case DMX_I64:
        memcpy(&integer, p, sizeof integer);
        return (double)integer;
    }
    return 0.0;
}

/* Calls emit for each element in row-major order without recursion. */
#define FOR_EACH_ELEMENT(t, count, pointer, body)                              \
    do {                                                                       \
        int64_t index_[DMX_TENSOR_RANK] = {0};                                 \
        const size_t item_ = dmx_dtype_size((t)->dtype);                       \
        const char *pointer = (t)->data;                                       \
        for (size_t i_ = 0; i_ < (count); i_++) {                              \
            body;                                                              \
            for (int k_ = (t)->rank - 1; k_ >= 0; k_--) {                      \
                const size_t step_ = item_ * (size_t)(t)->stride[k_];          \
                pointer += step_;                                              \
                if (++index_[k_] < (t)->dim[k_])                               \
                    break;                                                     \
                pointer -= step_ * (size_t)(t)->dim[k_];                       \
                index_[k_] = 0;                                                \
            }                                                                  \
        }                                                                      \
    } while (0)

static void halves_to_f32(float *out, const char *p, size_t n, dmx_dtype dtype)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t bits;
        memcpy(&bits, p + 2 * i, sizeof bits);
        out[i] =
            dtype == DMX_F16 ? dmx_f16_to_f32(bits) : dmx_bf16_to_f32(bits);
    }
}

void dmx_tensor_to_f32(float *out, const dmx_tensor *t)
{
    const size_t n = dmx_tensor_count(t);
    const bool dense = dmx_tensor_contiguous(t);
    if (dense && t->dtype == DMX_F32 && n > 0) {
        memcpy(out, t->data, n * sizeof *out);
    } else if (dense && (t->dtype == DMX_F16 || t->dtype == DMX_BF16)) {
        halves_to_f32(out, t->data, n, t->dtype);
    } else {
        FOR_EACH_ELEMENT(t, n, p, *out++ = (float)load(p, t->dtype));
    }
}

void dmx_tensor_to_f64(double *out, const dmx_tensor *t)
{
    const size_t n = dmx_tensor_count(t);
    FOR_EACH_ELEMENT(t, n, p, *out++ = load(p, t->dtype));
}

void dmx_tensor_copy(void *out, const dmx_tensor *t)
{
    const size_t n = dmx_tensor_count(t), item = dmx_dtype_size(t->dtype);
    unsigned char *to = out;
    if (n > 0 && dmx_tensor_contiguous(t)) {
        memcpy(to, t->data, n * item);
    } else {
        FOR_EACH_ELEMENT(t, n, p, (memcpy(to, p, item), to += item));
    }
}

/* Bytes from the first to the last element. Whoever placed the tensor has
 * checked that they lie in its source. */
static size_t reach(const dmx_tensor *t)
{
    size_t last = 0;
    for (int k = 0; k < t->rank; k++)
        last += (size_t)(t->dim[k] - 1) * (size_t)t->stride[k];
    return (last + 1) * dmx_dtype_size(t->dtype);
}

dmx_status dmx_tensor_fetch(dmx_tensor *out, void **bytes, const dmx_tensor *t,
                            dmx_error *err)
{
    *out = *t;
    *bytes = NULL;
    if (t->data != NULL || t->source == NULL || dmx_tensor_count(t) == 0)
        return DMX_OK;
    const size_t size = reach(t);
    *bytes = malloc(size);
    DMX_RETURN_IF(*bytes == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for weight %s", t->name);
    const dmx_status status =
        dmx_source_read(t->source, t->offset, *bytes, size, err);
    if (status == DMX_OK) {
        out->data = *bytes;
        return DMX_OK;
    }
    free(*bytes);
    *bytes = NULL;
    return status;
}

dmx_status dmx_tensor_read_f32(float *out, const dmx_tensor *t, dmx_error *err)
{
    dmx_tensor here;
    void *bytes;
    if (t->source != NULL && t->dtype == DMX_F32 && dmx_tensor_contiguous(t))
        return dmx_source_read(t->source, t->offset, out,
                               dmx_tensor_count(t) * sizeof *out, err);
    DMX_FORWARD(dmx_tensor_fetch(&here, &bytes, t, err));
    dmx_tensor_to_f32(out, &here);
    free(bytes);
    return DMX_OK;
}
