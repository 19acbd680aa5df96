/* Activations, and arithmetic element by element. */
#include "reference/exp64.h"
#include "reference/reference_ops.h"

#include <math.h>
#include <stdlib.h>

static const double *input(const void *step, int index)
{
    return ((const dmx_reference_step *)step)->in[index].data;
}

static double *output(const void *step)
{
    return ((const dmx_reference_step *)step)->out[0].data;
}

static dmx_status each(const dmx_reference_step *s,
                       void (*task)(const void *, int64_t, int64_t))
{
    dmx_reference_ranges(s->threads, dmx_shape_count(&s->out[0].shape), task,
                         s);
    return DMX_OK;
}

/* x Phi(x), Phi the standard normal distribution: torch's approximate="none" */
static double gelu(double x)
{
    const double root_half = 0.70710678118654752440;
    if (DMX_MUTANT(GELU_TANH))
        return 0.5 * x *
               (1.0 +
                tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    return 0.5 * x * (1.0 + erf(x * root_half));
}

static void gelu_range(const void *step, int64_t begin, int64_t end)
{
    const double *x = input(step, 0);
    double *y = output(step);
    for (int64_t i = begin; i < end; i++)
        y[i] = gelu(x[i]);
}

dmx_status dmx_reference_gelu(const dmx_reference_step *s)
{
    return each(s, gelu_range);
}

static void relu_range(const void *step, int64_t begin, int64_t end)
{
    const double *x = input(step, 0);
    double *y = output(step);
    for (int64_t i = begin; i < end; i++)
        y[i] = x[i] > 0.0 ? x[i] : 0.0;
}

dmx_status dmx_reference_relu(const dmx_reference_step *s)
{
    return each(s, relu_range);
}

/* Channels [0, C) times the sigmoid of channels [C, 2C). */
static void glu_range(const void *step, int64_t begin, int64_t end)
{
    const int64_t count =
        dmx_shape_count(&((const dmx_reference_step *)step)->out[0].shape);
    const double *x = input(step, 0);
    const double *value = DMX_MUTANT(GLU_SWAPPED) ? x + count : x;
    const double *gate = DMX_MUTANT(GLU_SWAPPED) ? x : x + count;
    double *y = output(step);
    for (int64_t i = begin; i < end; i++)
        y[i] = -gate[i];
    dmx_exp64(y + begin, (size_t)(end - begin));
    for (int64_t i = begin; i < end; i++)
        y[i] = value[i] / (1.0 + y[i]);
}

dmx_status dmx_reference_glu(const dmx_reference_step *s)
{
    return each(s, glu_range);
}

/* y = x * factor[channel] + term[channel] */
typedef struct affine {
    const dmx_reference_step *step;
    const double *factor, *term; /* either may be NULL */
} affine;

static void affine_range(const void *context, int64_t begin, int64_t end)
{
    const affine *a = context;
    const dmx_channels n = dmx_reference_channels(&a->step->out[0].shape);
    const double *x = a->step->in[0].data;
    double *y = a->step->out[0].data;
    for (int64_t i = begin; i < end;) {
        const int64_t c = i / n.inner % n.channels;
        const int64_t left = n.inner - i % n.inner;
        const int64_t stop = end - i < left ? end : i + left;
        const double factor = a->factor != NULL ? a->factor[c] : 1.0;
        const double term = a->term != NULL ? a->term[c] : 0.0;
        for (; i < stop; i++)
            y[i] = x[i] * factor + term;
    }
}

static void per_channel(const dmx_reference_step *s, const double *factor,
                        const double *term)
{
    const affine a = {s, factor, term};
    dmx_reference_ranges(s->threads, dmx_shape_count(&s->out[0].shape),
                         affine_range, &a);
}

dmx_status dmx_reference_scale(const dmx_reference_step *s)
{
    double *weight = dmx_reference_widen(dmx_weight_of(s->node), 0, s->err);
    if (weight == NULL)
        return DMX_ERROR_MEMORY;
    per_channel(s, weight, NULL);
    free(weight);
    return DMX_OK;
}

dmx_status dmx_reference_bias(const dmx_reference_step *s)
{
    const int64_t channels = dmx_reference_channels(&s->out[0].shape).channels;
    double *bias = dmx_reference_widen(dmx_operand(s->node, 0), 0, s->err);
    if (bias == NULL)
        return DMX_ERROR_MEMORY;
    for (int64_t c = 0; c < channels; c++)
        bias[c] *= s->node->at.alpha;
    per_channel(s, NULL, bias);
    free(bias);
    return DMX_OK;
}

/* a + alpha b; a dimension of b may be 1 and then stands for all. */
static void add_range(const void *step, int64_t begin, int64_t end)
{
    const dmx_reference_step *s = step;
    const dmx_shape *shape = &s->out[0].shape;
    const double alpha = s->node->at.alpha;
    const double *a = s->in[0].data, *b = s->in[1].data;
    for (int64_t i = begin; i < end; i++) {
        int64_t rest = i, at = 0, stride = 1;
        for (int k = shape->rank - 1; k >= 0; k--) {
            const int64_t extent = s->in[1].shape.dim[k];
            at += (extent == 1 ? 0 : rest % shape->dim[k]) * stride;
            rest /= shape->dim[k];
            stride *= extent;
        }
        s->out[0].data[i] = a[i] + alpha * b[at];
    }
}

static void add_same_range(const void *step, int64_t begin, int64_t end)
{
    const dmx_reference_step *s = step;
    const double alpha = s->node->at.alpha;
    const double *a = s->in[0].data, *b = s->in[1].data;
    for (int64_t i = begin; i < end; i++)
        s->out[0].data[i] = a[i] + alpha * b[i];
}

dmx_status dmx_reference_add(const dmx_reference_step *s)
{
    const bool same =
        dmx_shape_count(&s->in[1].shape) == dmx_shape_count(&s->out[0].shape);
    return each(s, same ? add_same_range : add_range);
}
