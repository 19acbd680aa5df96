/* Every kernel that this processor runs, against three loops and, where there
 * is one, a BLAS; and the same bits from any number of threads. */
#include "test_support.h"

#include "reference/gemm64.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct matrices {
    size_t rows, depth, columns;
    double *a, *b, *c; /* row-major */
} matrices;

static void open_matrices(matrices *m, size_t rows, size_t depth,
                          size_t columns)
{
    uint64_t seed = rows * 31 + depth * 7 + columns;
    *m = (matrices){.rows = rows, .depth = depth, .columns = columns};
    m->a = malloc(rows * depth * sizeof *m->a);
    m->b = malloc(depth * columns * sizeof *m->b);
    m->c = malloc(rows * columns * sizeof *m->c);
    assert_true(m->a != NULL && m->b != NULL && m->c != NULL);
    for (size_t i = 0; i < rows * depth; i++)
        m->a[i] = test_normal(&seed);
    for (size_t i = 0; i < depth * columns; i++)
        m->b[i] = test_normal(&seed);
}

static void close_matrices(matrices *m)
{
    free(m->a);
    free(m->b);
    free(m->c);
}

static void gather(const void *context, double *b, size_t stride, size_t k0,
                   size_t k1, size_t first, size_t count)
{
    const matrices *m = context;
    for (size_t k = k0; k < k1; k++)
        memcpy(b + (k - k0) * stride, m->b + k * m->columns + first,
               count * sizeof *b);
}

static void store(void *context, const double *c, size_t stride, size_t first,
                  size_t count)
{
    const matrices *m = context;
    for (size_t r = 0; r < m->rows; r++)
        memcpy(m->c + r * m->columns + first, c + r * stride,
               count * sizeof *c);
}

static void multiply(matrices *m, const dmx_gemm64_kernel *kernel, int threads)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_gemm64_packed a;
    assert_ok(
        dmx_gemm64_pack(&a, kernel, m->a, m->rows, m->depth, m->depth, 1, &err),
        &err);
    const dmx_gemm64_product p = {&a, m->columns, m, gather, store, threads};
    assert_ok(dmx_gemm64_run(&p, &err), &err);
    dmx_gemm64_packed_free(&a);
}

static void check(const matrices *m, const double *expected, const char *name)
{
    const double bound = 1e-14 * (double)(m->depth + 10);
    for (size_t i = 0; i < m->rows * m->columns; i++)
        if (!(fabs(m->c[i] - expected[i]) <= bound))
            fail_msg("%s, %zux%zux%zu: element %zu is %.17g, not %.17g", name,
                     m->rows, m->depth, m->columns, i, m->c[i], expected[i]);
}

static void test_naive(void **state)
{
    (void)state;
    const size_t shape[][3] = {{1, 1, 1},    {3, 5, 7},     {8, 24, 24},
                               {9, 25, 25},  {48, 144, 97}, {65, 257, 193},
                               {17, 600, 5}, {130, 3, 500}};
    for (size_t s = 0; s < sizeof shape / sizeof shape[0]; s++) {
        matrices m;
        open_matrices(&m, shape[s][0], shape[s][1], shape[s][2]);
        double *expected = calloc(m.rows * m.columns, sizeof *expected);
        assert_non_null(expected);
        for (size_t r = 0; r < m.rows; r++)
            for (size_t c = 0; c < m.columns; c++)
                for (size_t k = 0; k < m.depth; k++)
                    expected[r * m.columns + c] +=
                        m.a[r * m.depth + k] * m.b[k * m.columns + c];
        for (size_t i = 0; dmx_gemm64_kernel_at(i) != NULL; i++) {
            const dmx_gemm64_kernel *kernel = dmx_gemm64_kernel_at(i);
            memset(m.c, 0, m.rows * m.columns * sizeof *m.c);
            multiply(&m, kernel, 2);
            check(&m, expected, kernel->name);
        }
        free(expected);
        close_matrices(&m);
    }
}

static void test_threads(void **state)
{
    (void)state;
    matrices m;
    open_matrices(&m, 70, 300, 1000);
    const size_t size = m.rows * m.columns * sizeof(double);
    multiply(&m, dmx_gemm64_kernel_at(0), 1);
    double *first = malloc(size);
    assert_non_null(first);
    memcpy(first, m.c, size);
    for (int threads = 2; threads <= 7; threads++) {
        memset(m.c, 0, size);
        multiply(&m, dmx_gemm64_kernel_at(0), threads);
        assert_memory_equal(m.c, first, size);
    }
    free(first);
    close_matrices(&m);
}

#ifdef DMX_HAVE_BLAS
#include <cblas.h>

static void test_blas(void **state)
{
    (void)state;
    matrices m;
    open_matrices(&m, 384, 1152, 700);
    double *expected = malloc(m.rows * m.columns * sizeof *expected);
    assert_non_null(expected);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m.rows,
                (int)m.columns, (int)m.depth, 1.0, m.a, (int)m.depth, m.b,
                (int)m.columns, 0.0, expected, (int)m.columns);
    for (size_t i = 0; dmx_gemm64_kernel_at(i) != NULL; i++) {
        multiply(&m, dmx_gemm64_kernel_at(i), 2);
        check(&m, expected, dmx_gemm64_kernel_at(i)->name);
    }
    free(expected);
    close_matrices(&m);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_naive),
        cmocka_unit_test(test_threads),
#ifdef DMX_HAVE_BLAS
        cmocka_unit_test(test_blas),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
