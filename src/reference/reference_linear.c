/* y[l] = W x[l] + b, as Y^T = W X^T. */
#include "reference/gemm64.h"
#include "reference/reference_ops.h"

#include <stdlib.h>

typedef struct linear {
    const double *x, *bias;
    double *y;
    size_t in, out; /* widths */
} linear;

static void gather_tokens(const void *context, double *b, size_t stride,
                          size_t k0, size_t k1, size_t first, size_t count)
{
    const linear *l = context;
    for (size_t j = 0; j < count; j++)
        for (size_t k = k0; k < k1; k++)
            b[(k - k0) * stride + j] = l->x[(first + j) * l->in + k];
}

static void store_tokens(void *context, const double *c, size_t stride,
                         size_t first, size_t count)
{
    const linear *l = context;
    for (size_t j = 0; j < count; j++)
        for (size_t o = 0; o < l->out; o++)
            l->y[(first + j) * l->out + o] = c[o * stride + j] + l->bias[o];
}

static dmx_status multiply(const dmx_reference_step *s, const double *weight,
                           const double *bias)
{
    linear l = {s->in[0].data, bias, s->out[0].data,
                (size_t)s->in[0].shape.dim[1], (size_t)s->out[0].shape.dim[1]};
    dmx_gemm64_packed a;
    dmx_status status = dmx_gemm64_pack(&a, dmx_gemm64_kernel_at(0), weight,
                                        l.out, l.in, l.in, 1, s->err);
    const dmx_gemm64_product product = {
        .a = &a,
        .columns = (size_t)s->in[0].shape.dim[0],
        .context = &l,
        .gather = gather_tokens,
        .store = store_tokens,
        .threads = s->threads,
    };
    if (status == DMX_OK)
        status = dmx_gemm64_run(&product, s->err);
    dmx_gemm64_packed_free(&a);
    return status;
}

dmx_status dmx_reference_linear(const dmx_reference_step *s)
{
    double *w = dmx_reference_widen(dmx_weight_of(s->node), 0, s->err);
    double *b = dmx_reference_widen(dmx_bias_of(s->node),
                                    (size_t)s->out[0].shape.dim[1], s->err);
    dmx_status status = DMX_ERROR_MEMORY;
    if (w != NULL && b != NULL)
        status = multiply(s, w, b);
    free(w);
    free(b);
    return status;
}
