#include "verify/sketch.h"

#include <math.h>
#include <stdlib.h>

static void finish(dmx_sketch *s, double sum, double square)
{
    const double n = s->count > 0 ? (double)s->count : 1;
    s->mean = sum / n;
    s->rms = sqrt(square / n);
}

static size_t point_index(size_t count, size_t point)
{
    return (size_t)((double)point / DMX_SKETCH_POINTS * (double)count);
}

void dmx_sketch_f64(dmx_sketch *out, const double *data, size_t count)
{
    double sum = 0, square = 0;
    *out = (dmx_sketch){.count = count};
    for (size_t i = 0; i < count; i++) {
        sum += data[i];
        square += data[i] * data[i];
        out->largest = fmax(out->largest, fabs(data[i]));
    }
    for (size_t k = 0; k < DMX_SKETCH_POINTS && count > 0; k++)
        out->point[k] = data[point_index(count, k)];
    finish(out, sum, square);
}

void dmx_sketch_f32(dmx_sketch *out, const float *data, size_t count)
{
    double sum = 0, square = 0;
    *out = (dmx_sketch){.count = count};
    for (size_t i = 0; i < count; i++) {
        const double x = (double)data[i];
        sum += x;
        square += x * x;
        out->largest = fmax(out->largest, fabs(x));
    }
    for (size_t k = 0; k < DMX_SKETCH_POINTS && count > 0; k++)
        out->point[k] = (double)data[point_index(count, k)];
    finish(out, sum, square);
}

/* max |a - k b| / rms(a) over the points, k by least squares. */
static double point_distance(const dmx_sketch *a, const dmx_sketch *b)
{
    double ab = 0, bb = 0, aa = 0, largest = 0;
    for (size_t i = 0; i < DMX_SKETCH_POINTS; i++) {
        ab += a->point[i] * b->point[i];
        aa += a->point[i] * a->point[i];
        bb += b->point[i] * b->point[i];
    }
    const double factor = bb > 0 ? ab / bb : 1;
    for (size_t i = 0; i < DMX_SKETCH_POINTS; i++)
        largest = fmax(largest, fabs(a->point[i] - factor * b->point[i]));
    return aa > 0 ? largest / sqrt(aa / DMX_SKETCH_POINTS) : largest;
}

static double moment_distance(const dmx_sketch *a, const dmx_sketch *b)
{
    const double ra = a->rms > 0 ? a->rms : 1, rb = b->rms > 0 ? b->rms : 1;
    return fabs(a->mean / ra - b->mean / rb) +
           fabs(a->largest / ra - b->largest / rb);
}

double dmx_sketch_distance(const dmx_sketch *a, const dmx_sketch *b)
{
    if (a->count != b->count)
        return INFINITY;
    const double distance = fmin(point_distance(a, b), moment_distance(a, b));
    return isfinite(a->rms) && isfinite(b->rms) ? distance : HUGE_VAL;
}

void dmx_sketches_observe(void *user, const dmx_node *node, dmx_value value,
                          const dmx_shape *shape, const double *data)
{
    dmx_sketches *s = user;
    s->failed = s->failed || !dmx_grow(&s->item, &s->capacity, s->count + 1,
                                       sizeof *s->item);
    if (s->failed)
        return;
    s->item[s->count].node = node;
    s->item[s->count].value = value;
    dmx_sketch_f64(&s->item[s->count++].sketch, data,
                   (size_t)dmx_shape_count(shape));
}

void dmx_sketches_clear(dmx_sketches *s)
{
    s->count = 0;
}

void dmx_sketches_free(dmx_sketches *s)
{
    free(s->item);
    *s = (dmx_sketches){0};
}
