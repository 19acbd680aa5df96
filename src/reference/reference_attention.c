/* softmax(scale Q K^T) V for each head, a few queries at a time: with queries
 * as columns, S = K Q^T is [keys][queries], the softmax runs down its columns,
 * and Y^T = V^T S, so that keys and values are packed once per head. */
#include "base/memory.h"
#include "base/parallel.h"
#include "reference/exp64.h"
#include "reference/gemm64.h"
#include "reference/reference_ops.h"

#include <stdatomic.h>
#include <stdlib.h>

typedef struct head {
    dmx_gemm64_packed keys;   /* [Lk][width] */
    dmx_gemm64_packed values; /* [width][Lk]: transposed */
} head;

typedef struct attention {
    const dmx_reference_step *step;
    const dmx_gemm64_kernel *kernel;
    head *head;
    size_t heads, width, queries, strips; /* width of a head; strips of
                                             kernel->columns queries */
    atomic_bool out_of_memory;
} attention;

/* Column of x [L][heads * width] where element i of head h lies. */
static size_t column(const attention *a, size_t h, size_t i)
{
    if (DMX_MUTANT(ATTENTION_HEADS_INTERLEAVED))
        return i * a->heads + h;
    return h * a->width + i;
}

/* b [width][columns] = scale * queries^T; columns past the last query are 0 */
static void gather_queries(const attention *a, double *b, size_t h,
                           size_t first)
{
    const size_t columns = a->kernel->columns, row = a->heads * a->width;
    const double *q = a->step->in[0].data;
    for (size_t j = 0; j < columns; j++)
        for (size_t i = 0; i < a->width; i++)
            b[i * columns + j] = first + j < a->queries
                                     ? q[(first + j) * row + column(a, h, i)] *
                                           a->step->node->at.scale
                                     : 0.0;
}

/* Replaces each column of s [rows][columns] by exp(s - max), and sums it: the
 * denominator of the softmax. */
static void exponentials(double *s, double *total, size_t rows, size_t columns)
{
    double most[DMX_GEMM64_COLUMNS];
    for (size_t j = 0; j < columns; j++) {
        most[j] = s[j];
        total[j] = 0.0;
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            most[j] =
                s[i * columns + j] > most[j] ? s[i * columns + j] : most[j];
    for (size_t i = 0; i < rows; i++) {
        double *row = s + i * columns;
        for (size_t j = 0; j < columns; j++)
            row[j] -= most[j];
        dmx_exp64(row, columns);
        for (size_t j = 0; j < columns; j++)
            total[j] += row[j];
    }
}

static void attend(attention *a, double *q, double *s, double *y, size_t h,
                   size_t first)
{
    const head *p = &a->head[h];
    const size_t columns = a->kernel->columns, keys = p->keys.rows;
    double total[DMX_GEMM64_COLUMNS];
    gather_queries(a, q, h, first);
    dmx_gemm64_strip(s, &p->keys, q, 0, a->width, false);
    exponentials(s, total, keys, columns);
    dmx_gemm64_strip(y, &p->values, s, 0, keys, false);
    double *out = a->step->out[0].data;
    for (size_t j = 0; j < columns && first + j < a->queries; j++)
        for (size_t i = 0; i < a->width; i++)
            out[(first + j) * a->heads * a->width + column(a, h, i)] =
                y[i * columns + j] / total[j];
}

static void task(void *context, size_t index)
{
    attention *a = context;
    const size_t h = index / a->strips;
    const size_t columns = a->kernel->columns;
    const head *p = &a->head[h];
    double *q = dmx_aligned_alloc(a->width * columns, sizeof *q);
    double *s = dmx_aligned_alloc(dmx_gemm64_padded_rows(&p->keys) * columns,
                                  sizeof *s);
    double *y = dmx_aligned_alloc(dmx_gemm64_padded_rows(&p->values) * columns,
                                  sizeof *y);
    if (q != NULL && s != NULL && y != NULL)
        attend(a, q, s, y, h, index % a->strips * columns);
    else
        atomic_store(&a->out_of_memory, true);
    dmx_aligned_free(q);
    dmx_aligned_free(s);
    dmx_aligned_free(y);
}

static dmx_status pack_heads(attention *a)
{
    const dmx_reference_step *s = a->step;
    const size_t keys = (size_t)s->in[1].shape.dim[0];
    const size_t row = a->heads * a->width;
    const size_t step = DMX_MUTANT(ATTENTION_HEADS_INTERLEAVED) ? a->heads : 1;
    const double *k = s->in[1].data;
    const double *v = s->in[2].data;
    for (size_t h = 0; h < a->heads; h++) {
        head *p = &a->head[h];
        DMX_FORWARD(dmx_gemm64_pack(&p->keys, a->kernel, k + column(a, h, 0),
                                    keys, a->width, row, step, s->err));
        DMX_FORWARD(dmx_gemm64_pack(&p->values, a->kernel, v + column(a, h, 0),
                                    a->width, keys, step, row, s->err));
    }
    return DMX_OK;
}

dmx_status dmx_reference_attention(const dmx_reference_step *s)
{
    attention a = {.step = s, .kernel = dmx_gemm64_kernel_at(0)};
    a.heads = (size_t)s->node->at.heads;
    a.width = (size_t)s->in[0].shape.dim[1] / a.heads;
    a.queries = (size_t)s->in[0].shape.dim[0];
    a.strips = (a.queries + a.kernel->columns - 1) / a.kernel->columns;
    a.head = calloc(a.heads, sizeof *a.head);
    dmx_status status = DMX_ERROR_MEMORY;
    if (a.head != NULL)
        status = pack_heads(&a);
    if (status == DMX_OK)
        dmx_parallel(s->threads, a.heads * a.strips, task, &a);
    for (size_t h = 0; a.head != NULL && h < a.heads; h++) {
        dmx_gemm64_packed_free(&a.head[h].keys);
        dmx_gemm64_packed_free(&a.head[h].values);
    }
    free(a.head);
    if (atomic_load(&a.out_of_memory))
        status = DMX_ERROR_MEMORY;
    DMX_RETURN_IF(status == DMX_ERROR_MEMORY, s->err, status,
                  "no memory for attention over %zu queries", a.queries);
    return status;
}
