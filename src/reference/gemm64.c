#include "reference/gemm64.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "reference/gemm64_kernels.h"

#include <stdatomic.h>
#include <string.h>

/* A slice of this many rows of B, for one task's columns, stays in the
 * second-level cache while all of A is streamed through. */
#define SLICE        ((size_t)256)
#define TASK_COLUMNS ((size_t)96)

static bool runs_here(size_t index)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (index == 0)
        return __builtin_cpu_supports("avx512f");
    if (index == 1)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    (void)index;
    return true;
}

const dmx_gemm64_kernel *dmx_gemm64_kernel_at(size_t index)
{
    static const dmx_gemm64_kernel kernel[] = {
#if defined(__x86_64__)
        {"avx512", 8, 24, dmx_gemm64_multiply_avx512},
        {"avx2", 4, 12, dmx_gemm64_multiply_avx2},
#endif
        {"portable", 4, 4, dmx_gemm64_multiply_portable},
    };
    for (size_t i = 0; i < sizeof kernel / sizeof kernel[0]; i++)
        if (runs_here(i) && index-- == 0)
            return &kernel[i];
    return NULL;
}

static size_t round_up(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

size_t dmx_gemm64_padded_rows(const dmx_gemm64_packed *a)
{
    return round_up(a->rows, a->kernel->rows);
}

dmx_status dmx_gemm64_pack(dmx_gemm64_packed *out,
                           const dmx_gemm64_kernel *kernel, const double *a,
                           size_t rows, size_t depth, size_t row_stride,
                           size_t depth_stride, dmx_error *err)
{
    *out = (dmx_gemm64_packed){kernel, rows, depth, NULL};
    const size_t padded = dmx_gemm64_padded_rows(out), strip = kernel->rows;
    out->data = dmx_aligned_alloc(padded, depth * sizeof(double));
    DMX_RETURN_IF(out->data == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a weight matrix of %zu x %zu", rows, depth);
    for (size_t r = 0; r < padded; r++) {
        double *to = out->data + r / strip * strip * depth + r % strip;
        for (size_t k = 0; k < depth; k++)
            to[k * strip] =
                r < rows ? a[r * row_stride + k * depth_stride] : 0.0;
    }
    return DMX_OK;
}

void dmx_gemm64_packed_free(dmx_gemm64_packed *a)
{
    dmx_aligned_free(a->data);
    a->data = NULL;
}

void dmx_gemm64_strip(double *c, const dmx_gemm64_packed *a, const double *b,
                      size_t k0, size_t k1, bool accumulate)
{
    const size_t strip = a->kernel->rows, columns = a->kernel->columns;
    for (size_t r = 0; r < a->rows; r += strip)
        a->kernel->multiply(c + r * columns,
                            a->data + r * a->depth + k0 * strip, b, k1 - k0,
                            accumulate);
}

typedef struct run {
    const dmx_gemm64_product *product;
    size_t strips; /* of kernel->columns columns, in one task */
    atomic_bool out_of_memory;
} run;

/* Columns [first, first + count) of one task: for each slice of the inner
 * index, gathers B once and multiplies all of A by it. */
static void multiply_columns(const run *r, double *b, double *c, size_t first,
                             size_t count)
{
    const dmx_gemm64_product *p = r->product;
    const dmx_gemm64_packed *a = p->a;
    const size_t width = a->kernel->columns, strip = a->kernel->rows;
    const size_t c_step = dmx_gemm64_padded_rows(a) * width;
    const size_t strips = (count + width - 1) / width;
    for (size_t k0 = 0; k0 < a->depth; k0 += SLICE) {
        const size_t k1 = k0 + SLICE < a->depth ? k0 + SLICE : a->depth;
        for (size_t s = 0; s < strips; s++) {
            const size_t left = count - s * width;
            p->gather(p->context, b + s * SLICE * width, width, k0, k1,
                      first + s * width, left < width ? left : width);
        }
        for (size_t i = 0; i < a->rows; i += strip)
            for (size_t s = 0; s < strips; s++)
                a->kernel->multiply(c + s * c_step + i * width,
                                    a->data + i * a->depth + k0 * strip,
                                    b + s * SLICE * width, k1 - k0, k0 > 0);
    }
    for (size_t s = 0; s < strips; s++) {
        const size_t left = count - s * width;
        p->store(p->context, c + s * c_step, width, first + s * width,
                 left < width ? left : width);
    }
}

static void task(void *context, size_t index)
{
    run *r = context;
    const dmx_gemm64_product *p = r->product;
    const size_t step = r->strips * p->a->kernel->columns;
    const size_t first = index * step;
    const size_t count = p->columns - first < step ? p->columns - first : step;
    const size_t rows = dmx_gemm64_padded_rows(p->a);
    double *b = dmx_aligned_alloc(SLICE * step, sizeof *b);
    double *c = dmx_aligned_alloc(rows * step, sizeof *c);
    if (b == NULL || c == NULL) {
        atomic_store(&r->out_of_memory, true);
    } else {
        /* The kernel computes whole strips, so the rest of a short one must be
         * initialised. */
        memset(b, 0, SLICE * step * sizeof *b);
        multiply_columns(r, b, c, first, count);
    }
    dmx_aligned_free(b);
    dmx_aligned_free(c);
}

dmx_status dmx_gemm64_run(const dmx_gemm64_product *product, dmx_error *err)
{
    run r = {.product = product,
             .strips = TASK_COLUMNS / product->a->kernel->columns};
    const size_t step = r.strips * product->a->kernel->columns;
    dmx_parallel(product->threads, (product->columns + step - 1) / step, task,
                 &r);
    DMX_RETURN_IF(atomic_load(&r.out_of_memory), err, DMX_ERROR_MEMORY,
                  "no memory for a matrix product");
    return DMX_OK;
}
