#include "checkpoint/finite.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 4096 }; /* bytes scanned between checks of the result */

/* Adding `carry` to an element's exponent bits overflows into its sign bit
 * exactly when the exponent reaches a certain value. One word holds up to four
 * elements; none of them carries into the next. */
typedef struct pattern {
    uint64_t exponent, carry, sign;
} pattern;

static const pattern patterns[] = {
    /* all ones: infinity and NaN */
    [DMX_F16] = {0x7c007c007c007c00, 0x0400040004000400, 0x8000800080008000},
    [DMX_BF16] = {0x7f807f807f807f80, 0x0080008000800080, 0x8000800080008000},
    [DMX_F32] = {0x7f8000007f800000, 0x0080000000800000, 0x8000000080000000},
    /* 2^127 and more, which may exceed float32 */
    [DMX_F64] = {0x7ff0000000000000, 0x3820000000000000, 0x8000000000000000},
};

/* Might one of the elements in these bytes not be finite? */
static bool suspicious(const unsigned char *data, size_t size, const pattern *p)
{
    uint64_t seen = 0, word;
    size_t i = 0;
    for (; i + sizeof word <= size; i += sizeof word) {
        memcpy(&word, data + i, sizeof word);
        seen |= (word & p->exponent) + p->carry;
    }
    if (i < size) {
        word = 0;
        memcpy(&word, data + i, size - i);
        seen |= (word & p->exponent) + p->carry;
    }
    return (seen & p->sign) != 0;
}

static double element(const unsigned char *data, dmx_dtype dtype)
{
    const dmx_tensor one = {.data = data, .dtype = dtype};
    double x;
    dmx_tensor_to_f64(&x, &one);
    return x;
}

/* The first of `count` adjacent elements that is not finite; count: none. */
static size_t search(const unsigned char *data, size_t count, dmx_dtype dtype)
{
    const size_t item = dmx_dtype_size(dtype), step = BLOCK / item;
    for (size_t at = 0; at < count; at += step) {
        const size_t n = count - at < step ? count - at : step;
        if (!suspicious(data + at * item, n * item, &patterns[dtype]))
            continue;
        for (size_t i = at; i < at + n; i++)
            if (!isfinite((float)element(data + i * item, dtype)))
                return i;
    }
    return count;
}

/* The next row (all axes but the last) of a strided tensor. */
static void next_row(int64_t index[DMX_TENSOR_RANK], const dmx_tensor *t)
{
    for (int i = t->rank - 2; i >= 0; i--) {
        if (++index[i] < t->dim[i])
            return;
        index[i] = 0;
    }
}

static size_t search_rows(const dmx_tensor *t)
{
    const size_t item = dmx_dtype_size(t->dtype), count = dmx_tensor_count(t);
    const int64_t columns = t->dim[t->rank - 1], step = t->stride[t->rank - 1];
    int64_t index[DMX_TENSOR_RANK] = {0};
    for (size_t at = 0; at < count; at += (size_t)columns) {
        int64_t start = 0;
        for (int i = 0; i < t->rank - 1; i++)
            start += index[i] * t->stride[i];
        const unsigned char *row =
            (const unsigned char *)t->data + (size_t)start * item;
        for (int64_t k = 0; k < columns; k++)
            if (search(row + (size_t)(k * step) * item, 1, t->dtype) == 0)
                return at + (size_t)k;
        next_row(index, t);
    }
    return count;
}

bool dmx_tensor_nonfinite(size_t *index, double *value, const dmx_tensor *t)
{
    const size_t count = dmx_tensor_count(t);
    if (t->dtype == DMX_I64 || count == 0)
        return false;
    *index = dmx_tensor_contiguous(t) ? search(t->data, count, t->dtype)
                                      : search_rows(t);
    if (*index == count)
        return false;
    const unsigned char *at = t->data;
    size_t rest = *index;
    for (int i = t->rank - 1; i >= 0; i--) {
        const size_t dim = (size_t)t->dim[i];
        at += rest % dim * (size_t)t->stride[i] * dmx_dtype_size(t->dtype);
        rest /= dim;
    }
    const double x = element(at, t->dtype);
    *value = isnan(x) ? fabs(x) : x; /* a NaN's sign says nothing */
    return true;
}
