#include "onnx/emit_weights.h"
#include "onnx/emit_ops.h"

#include <stdio.h>
#include <string.h>

/* Smaller weights are not worth a Cast. */
#define NARROW_COUNT 1024

float *dmx_weight_floats(dmx_emitter *e, const dmx_tensor *t)
{
    float *out = dmx_emitter_buffer(e, dmx_tensor_count(t), sizeof *out);
    if (out != NULL)
        dmx_tensor_to_f32(out, t);
    return out;
}

double *dmx_weight_doubles(dmx_emitter *e, const dmx_tensor *t)
{
    double *out = dmx_emitter_buffer(e, dmx_tensor_count(t), sizeof *out);
    if (out != NULL)
        dmx_tensor_to_f64(out, t);
    return out;
}

static size_t count_of(const int64_t *dim, size_t rank)
{
    size_t count = 1;
    for (size_t k = 0; k < rank; k++)
        count *= (size_t)dim[k];
    return count;
}

static bool is_narrow(const dmx_emitter *e, const float *data, size_t count)
{
    return e->weights != DMX_WEIGHTS_FLOAT32 && count >= NARROW_COUNT &&
           dmx_weights_fit(e->weights, data, count);
}

/* A constant in the emitter's format, and the Cast that widens it. */
static dmx_name narrow_constant(dmx_emitter *e, const char *base,
                                const float *data, const int64_t *dim,
                                size_t rank)
{
    const size_t count = count_of(dim, rank);
    void *narrow = dmx_emitter_buffer(e, count, dmx_weight_size(e->weights));
    if (narrow == NULL)
        return "";
    dmx_weights_narrow(e->weights, narrow, data, count);
    return dmx_emit_cast_f32(e, dmx_constant_f16(e, base, narrow, dim, rank));
}

dmx_name dmx_weight_constant(dmx_emitter *e, const char *base, float *data,
                             const int64_t *dim, size_t rank)
{
    if (data == NULL)
        return "";
    if (!is_narrow(e, data, count_of(dim, rank)))
        return dmx_constant_f32(e, base, data, dim, rank);
    const dmx_name y = narrow_constant(e, base, data, dim, rank);
    dmx_emitter_drop_buffer(e, data);
    return y;
}

dmx_name dmx_weight_as_is(dmx_emitter *e, const dmx_tensor *t,
                          const int64_t *dim, size_t rank)
{
    return dmx_weight_constant(e, t->name, dmx_weight_floats(e, t), dim, rank);
}

dmx_name dmx_weight_vector(dmx_emitter *e, const dmx_tensor *t, double factor,
                           const int64_t *dim, size_t rank)
{
    double *v = dmx_weight_doubles(e, t);
    if (v == NULL)
        return "";
    for (size_t i = 0; i < dmx_tensor_count(t); i++)
        v[i] *= factor;
    const dmx_name y = dmx_constant_f64(e, t->name, v, dim, rank);
    dmx_emitter_drop_buffer(e, v);
    return y;
}

dmx_name dmx_weight_bias(dmx_emitter *e, const dmx_tensor *bias,
                         const dmx_tensor *scale, double factor)
{
    double *b = dmx_weight_doubles(e, bias);
    double *s = scale != NULL ? dmx_weight_doubles(e, scale) : NULL;
    if (dmx_emitter_failed(e))
        return "";
    for (int64_t i = 0; i < bias->dim[0]; i++)
        b[i] *= s != NULL ? s[i] * factor : factor;
    const dmx_name y = dmx_constant_f64(e, bias->name, b, bias->dim, 1);
    dmx_emitter_drop_buffer(e, b);
    dmx_emitter_drop_buffer(e, s);
    return y;
}

/* out[in][out] = w[out][in], in tiles that stay in the cache. */
static void transpose(float *out, const float *w, int64_t rows, int64_t columns)
{
    enum { TILE = 32 };
    for (int64_t r = 0; r < rows; r += TILE)
        for (int64_t c = 0; c < columns; c += TILE)
            for (int64_t i = r; i < r + TILE && i < rows; i++)
                for (int64_t j = c; j < c + TILE && j < columns; j++)
                    out[j * rows + i] = w[i * columns + j];
}

/* A matrix whose rows (outputs) are scaled: as stored, [out][in], or
 * transposed. */
typedef struct matrix {
    const dmx_tensor *weight, *scale; /* scale may be NULL */
    double factor;
    bool turned;
} matrix;

static void scale_outputs(float *w, const matrix *m, const double *scale)
{
    const int64_t out = m->weight->dim[0], in = m->weight->dim[1];
    const int64_t o_step = m->turned ? 1 : in, i_step = m->turned ? out : 1;
    for (int64_t o = 0; o < out; o++)
        for (int64_t i = 0; i < in; i++) {
            float *at = w + o * o_step + i * i_step;
            *at = (float)((double)*at *
                          (scale != NULL ? scale[o] * m->factor : m->factor));
        }
}

/* The folded weight as a product that runtimes evaluate when loading the file,
 * so that the stored float16 weights stay exact. */
static dmx_name scaled_in_graph(dmx_emitter *e, dmx_name w, const matrix *m)
{
    const int64_t dim[] = {m->weight->dim[0], 1, 1, 1};
    if (m->scale == NULL)
        return dmx_emit_mul_scalar(e, w, m->factor);
    return dmx_emit_2(
        e, "Mul", w,
        dmx_weight_vector(e, m->scale, m->factor, dim, m->turned ? 1 : 4));
}

static float *matrix_floats(dmx_emitter *e, const matrix *m)
{
    float *plain = dmx_weight_floats(e, m->weight);
    if (!m->turned || plain == NULL)
        return plain;
    float *w = dmx_emitter_buffer(e, dmx_tensor_count(m->weight), sizeof *w);
    if (w != NULL)
        transpose(w, plain, m->weight->dim[0], m->weight->dim[1]);
    dmx_emitter_drop_buffer(e, plain);
    return w;
}

static dmx_name matrix_constant(dmx_emitter *e, const matrix *m,
                                const int64_t *dim, size_t rank)
{
    const size_t count = dmx_tensor_count(m->weight);
    float *w = matrix_floats(e, m);
    double *s = m->scale != NULL ? dmx_weight_doubles(e, m->scale) : NULL;
    if (dmx_emitter_failed(e))
        return "";
    const bool folds = m->scale != NULL || m->factor != 1.0;
    const bool in_graph = folds && is_narrow(e, w, count);
    if (folds && !in_graph)
        scale_outputs(w, m, s);
    dmx_emitter_drop_buffer(e, s);
    const dmx_name name = dmx_weight_constant(e, m->weight->name, w, dim, rank);
    return in_graph ? scaled_in_graph(e, name, m) : name;
}

dmx_name dmx_weight_linear(dmx_emitter *e, const dmx_tensor *weight,
                           const dmx_tensor *scale, double factor)
{
    const matrix m = {weight, scale, factor, true};
    return matrix_constant(e, &m, DMX_DIMS(weight->dim[1], weight->dim[0]));
}

dmx_name dmx_weight_point(dmx_emitter *e, const dmx_tensor *weight,
                          const dmx_tensor *scale, double factor)
{
    const matrix m = {weight, scale, factor, false};
    return matrix_constant(e, &m,
                           DMX_DIMS(weight->dim[0], weight->dim[1], 1, 1));
}

dmx_name dmx_weight_rows(dmx_emitter *e, const dmx_tensor *t, int64_t first,
                         int64_t count, const char *suffix,
                         const int64_t kernel[2])
{
    const dmx_tensor rows = dmx_tensor_slice(t, 0, first, count);
    const int64_t dim[] = {count, t->dim[1], kernel[0], kernel[1]};
    char name[320];
    snprintf(name, sizeof name, "%.250s%.60s", t->name, suffix);
    return dmx_weight_constant(e, name, dmx_weight_floats(e, &rows), dim, 4);
}
