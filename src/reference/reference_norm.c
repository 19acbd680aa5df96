/* Statistics and the norms based on them. Variances are taken around the mean
 * in a second pass; sums are formed row by row, so that long inputs do not lose
 * accuracy. */
#include "reference/reference_ops.h"

#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>

/* The elements data[i * stride[0] + j * stride[1] + k * stride[2]]. */
typedef struct block {
    const double *data;
    int64_t count[3], stride[3];
} block;

/* The sum of (x - around)^power over one row, power 1 or 2, as eight
 * independent sums: a single one would be bound by the latency of additions. */
static double row_sum(const double *x, int64_t count, int64_t stride,
                      double around, int power)
{
    double part[8] = {0.0};
    int64_t k = 0;
    for (; stride == 1 && k + 8 <= count; k += 8)
        for (int i = 0; i < 8; i++) {
            const double d = x[k + i] - around;
            part[i] += power == 1 ? d : d * d;
        }
    for (; k < count; k++) {
        const double d = x[k * stride] - around;
        part[k % 8] += power == 1 ? d : d * d;
    }
    return ((part[0] + part[4]) + (part[1] + part[5])) +
           ((part[2] + part[6]) + (part[3] + part[7]));
}

static double block_sum(const block *b, double around, int power)
{
    double total = 0.0;
    for (int64_t i = 0; i < b->count[0]; i++)
        for (int64_t j = 0; j < b->count[1]; j++)
            total += row_sum(b->data + i * b->stride[0] + j * b->stride[1],
                             b->count[2], b->stride[2], around, power);
    return total;
}

/* The mean, and the sum of squares around it divided by count - correction. */
static void moments(const block *b, int correction, double *mean,
                    double *variance)
{
    const int64_t n = b->count[0] * b->count[1] * b->count[2];
    *mean = block_sum(b, 0.0, 1) / (double)n;
    *variance = block_sum(b, *mean, 2) / (double)(n - correction);
}

/* Any value as [C][F][T], with the strides of its memory. */
static block as_signal(const dmx_array *x)
{
    const int64_t *d = x->shape.dim;
    if (x->shape.rank == 2) /* tokens [L][D]: D channels of one row */
        return (block){x->data, {d[1], 1, d[0]}, {1, 0, d[1]}};
    return (block){x->data, {d[0], d[1], d[2]}, {d[1] * d[2], d[2], 1}};
}

/* torch.mean and torch.std, which divides by n - 1. */
dmx_status dmx_reference_statistics(const dmx_reference_step *s)
{
    const block all = as_signal(&s->in[0]);
    double variance;
    moments(&all, DMX_MUTANT(STATISTICS_BIASED) ? 0 : 1, s->out[0].data,
            &variance);
    *s->out[1].data = sqrt(variance);
    return DMX_OK;
}

static void standardize_range(const void *step, int64_t begin, int64_t end)
{
    const dmx_reference_step *s = step;
    const double mean = DMX_MUTANT(STANDARDIZE_NO_MEAN) ? 0.0 : *s->in[1].data;
    const double scale = s->node->at.epsilon + *s->in[2].data;
    for (int64_t i = begin; i < end; i++)
        s->out[0].data[i] = (s->in[0].data[i] - mean) / scale;
}

dmx_status dmx_reference_standardize(const dmx_reference_step *s)
{
    dmx_reference_ranges(s->threads, dmx_shape_count(&s->out[0].shape),
                         standardize_range, s);
    return DMX_OK;
}

static void unstandardize_range(const void *step, int64_t begin, int64_t end)
{
    const dmx_reference_step *s = step;
    const double mean =
        DMX_MUTANT(UNSTANDARDIZE_NO_MEAN) ? 0.0 : *s->in[1].data;
    const double std = *s->in[2].data;
    for (int64_t i = begin; i < end; i++)
        s->out[0].data[i] = s->in[0].data[i] * std + mean;
}

dmx_status dmx_reference_unstandardize(const dmx_reference_step *s)
{
    dmx_reference_ranges(s->threads, dmx_shape_count(&s->out[0].shape),
                         unstandardize_range, s);
    return DMX_OK;
}

/* 1 / sqrt(variance + epsilon) */
static double inverse_deviation(double variance, double epsilon)
{
    if (DMX_MUTANT(NORM_EPSILON_OUTSIDE))
        return 1.0 / (sqrt(variance) + epsilon);
    return 1.0 / sqrt(variance + epsilon);
}

typedef struct norm {
    const dmx_reference_step *step;
    const double *weight, *bias;
} norm;

/* Group norm of one group, within one frequency row if rows are a batch. in and
 * out have the same layout. */
static void normalize_group(void *context, size_t index)
{
    const norm *n = context;
    const dmx_reference_step *s = n->step;
    const dmx_attributes *at = &s->node->at;
    block b = as_signal(&s->in[0]);
    const int64_t rows = at->rows == DMX_ROWS_BATCH ? b.count[1] : 1;
    const int64_t group = (int64_t)index / rows, row = (int64_t)index % rows;
    b.count[0] /= at->groups;
    b.count[1] /= rows;
    const int64_t first = group * b.count[0];
    const int64_t offset = first * b.stride[0] + row * b.stride[1];
    b.data += offset;
    double mean, variance;
    moments(&b, DMX_MUTANT(NORM_UNBIASED) ? 1 : 0, &mean, &variance);
    const double r = inverse_deviation(variance, at->epsilon);
    for (int64_t c = 0; c < b.count[0]; c++) {
        const double a = n->weight[first + c], d = n->bias[first + c];
        for (int64_t f = 0; f < b.count[1]; f++) {
            const int64_t at_row = c * b.stride[0] + f * b.stride[1];
            const double *x = b.data + at_row;
            double *y = s->out[0].data + offset + at_row;
            for (int64_t t = 0; t < b.count[2]; t++) {
                const int64_t i = t * b.stride[2];
                y[i] = (x[i] - mean) * r * a + d;
            }
        }
    }
}

/* Layer norm of one token. */
static void normalize_token(void *context, size_t index)
{
    const norm *n = context;
    const dmx_reference_step *s = n->step;
    const int64_t width = s->in[0].shape.dim[1];
    const double *x = s->in[0].data + (int64_t)index * width;
    double *y = s->out[0].data + (int64_t)index * width;
    const block b = {x, {1, 1, width}, {0, 0, 1}};
    double mean, variance;
    moments(&b, DMX_MUTANT(LAYER_NORM_UNBIASED) ? 1 : 0, &mean, &variance);
    const double r = inverse_deviation(variance, s->node->at.epsilon);
    for (int64_t i = 0; i < width; i++)
        y[i] = (x[i] - mean) * r * n->weight[i] + n->bias[i];
}

static dmx_status normalize(const dmx_reference_step *s, int64_t parts,
                            void (*task)(void *, size_t))
{
    double *weight = dmx_reference_widen(dmx_weight_of(s->node), 0, s->err);
    double *bias = dmx_reference_widen(dmx_bias_of(s->node), 0, s->err);
    const bool ready = weight != NULL && bias != NULL;
    norm n = {s, weight, bias};
    if (ready)
        dmx_parallel(s->threads, (size_t)parts, task, &n);
    free(weight);
    free(bias);
    return ready ? DMX_OK : DMX_ERROR_MEMORY;
}

dmx_status dmx_reference_group_norm(const dmx_reference_step *s)
{
    const int64_t rows =
        s->node->at.rows == DMX_ROWS_BATCH ? as_signal(&s->in[0]).count[1] : 1;
    return normalize(s, s->node->at.groups * rows, normalize_group);
}

dmx_status dmx_reference_layer_norm(const dmx_reference_step *s)
{
    return normalize(s, s->in[0].shape.dim[0], normalize_token);
}
