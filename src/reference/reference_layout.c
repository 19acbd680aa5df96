/* Operations that only move elements. */
#include "reference/reference_ops.h"

#include <stdlib.h>
#include <string.h>

/* A signal [C][F][T] viewed around one axis: [outer][length][inner]. */
typedef struct axis_view {
    int64_t outer, length, inner;
} axis_view;

static axis_view around(const dmx_shape *s, int axis)
{
    axis_view view = {1, s->dim[axis], 1};
    for (int k = 0; k < axis; k++)
        view.outer *= s->dim[k];
    for (int k = axis + 1; k < s->rank; k++)
        view.inner *= s->dim[k];
    return view;
}

/* Copies `length` slices of `from`, from slice `start` on, to slice `at` of
 * `to`; both are views around the same axis. */
static void copy_slices(double *to, axis_view to_view, int64_t at,
                        const double *from, axis_view from_view, int64_t start,
                        int64_t length)
{
    const int64_t inner = from_view.inner;
    for (int64_t o = 0; o < from_view.outer; o++)
        memcpy(to + (o * to_view.length + at) * inner,
               from + (o * from_view.length + start) * inner,
               (size_t)(length * inner) * sizeof *to);
}

dmx_status dmx_reference_input(const dmx_reference_step *s)
{
    memcpy(s->out[0].data, s->mix,
           (size_t)dmx_shape_count(&s->out[0].shape) * sizeof(double));
    return DMX_OK;
}

dmx_status dmx_reference_pad(const dmx_reference_step *s)
{
    const int axis = s->node->at.axis;
    const axis_view in = around(&s->in[0].shape, axis);
    const axis_view out = around(&s->out[0].shape, axis);
    memset(s->out[0].data, 0,
           (size_t)dmx_shape_count(&s->out[0].shape) * sizeof(double));
    copy_slices(s->out[0].data, out, s->node->at.before, s->in[0].data, in, 0,
                in.length);
    return DMX_OK;
}

dmx_status dmx_reference_crop(const dmx_reference_step *s)
{
    const int axis = s->node->at.axis;
    const axis_view in = around(&s->in[0].shape, axis);
    const axis_view out = around(&s->out[0].shape, axis);
    copy_slices(s->out[0].data, out, 0, s->in[0].data, in, s->node->at.start,
                out.length);
    return DMX_OK;
}

dmx_status dmx_reference_concat(const dmx_reference_step *s)
{
    const int axis = s->node->at.axis, n = s->node->n_in;
    const axis_view out = around(&s->out[0].shape, axis);
    int64_t at = 0;
    for (int i = 0; i < n; i++) {
        const dmx_array *part = &s->in[i];
        const axis_view in = around(&part->shape, axis);
        copy_slices(s->out[0].data, out, at, part->data, in, 0, in.length);
        at += in.length;
    }
    return DMX_OK;
}

dmx_status dmx_reference_reshape(const dmx_reference_step *s)
{
    if (s->out[0].data != s->in[0].data)
        memcpy(s->out[0].data, s->in[0].data,
               (size_t)dmx_shape_count(&s->in[0].shape) * sizeof(double));
    return DMX_OK;
}

/* y[j][i] = x[i][j] */
static void transpose(double *y, const double *x, int64_t rows, int64_t columns)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            y[j * rows + i] = x[i * columns + j];
}

/* Rearranges [C][F][T] as [T F][C]: rearrange(x, "c f t -> (t f) c"). */
dmx_status dmx_reference_tokens(const dmx_reference_step *s)
{
    const int64_t *dim = s->in[0].shape.dim;
    const int64_t channels = dim[0], rows = dim[1], frames = dim[2];
    for (int64_t t = 0; t < frames; t++)
        for (int64_t f = 0; f < rows; f++) {
            const int64_t token =
                DMX_MUTANT(TOKENS_FREQ_MAJOR) ? f * frames + t : t * rows + f;
            for (int64_t c = 0; c < channels; c++)
                s->out[0].data[token * channels + c] =
                    s->in[0].data[(c * rows + f) * frames + t];
        }
    return DMX_OK;
}

/* Rearranges [T F][C] as [C][F][T], the inverse of tokens. */
dmx_status dmx_reference_untokens(const dmx_reference_step *s)
{
    const int64_t *dim = s->out[0].shape.dim;
    const int64_t channels = dim[0], rows = dim[1], frames = dim[2];
    for (int64_t t = 0; t < frames; t++)
        for (int64_t f = 0; f < rows; f++) {
            const int64_t token =
                DMX_MUTANT(UNTOKENS_FREQ_MAJOR) ? f * frames + t : t * rows + f;
            for (int64_t c = 0; c < channels; c++)
                s->out[0].data[(c * rows + f) * frames + t] =
                    s->in[0].data[token * channels + c];
        }
    return DMX_OK;
}

/* alpha * weight [F][C], as [C][F][1]. */
dmx_status dmx_reference_freq_embedding(const dmx_reference_step *s)
{
    const int64_t channels = s->out[0].shape.dim[0];
    const int64_t rows = s->out[0].shape.dim[1];
    double *table = dmx_reference_widen(dmx_weight_of(s->node), 0, s->err);
    if (table == NULL)
        return DMX_ERROR_MEMORY;
    for (int64_t i = 0; i < rows * channels; i++)
        table[i] *= s->node->at.alpha;
    transpose(s->out[0].data, table, rows, channels);
    free(table);
    return DMX_OK;
}
