/* Positional embeddings. The tables are float32, as PyTorch computes them. */
#include "reference/reference_ops.h"

#include "base/memory.h"

#include <stdlib.h>

static dmx_status no_memory(const dmx_reference_step *s)
{
    DMX_RETURN_ERROR(s->err, DMX_ERROR_MEMORY,
                     "no memory for positional embeddings");
}

/* Rows 0..L-1 of the learned table, times alpha. */
static dmx_status learned(const dmx_reference_step *s)
{
    const int64_t count = dmx_shape_count(&s->out[0].shape);
    double *table = dmx_reference_widen(dmx_weight_of(s->node), 0, s->err);
    if (table == NULL)
        return DMX_ERROR_MEMORY;
    for (int64_t i = 0; i < count; i++)
        s->out[0].data[i] = table[i] * s->node->at.alpha;
    free(table);
    return DMX_OK;
}

dmx_status dmx_reference_position_1d(const dmx_reference_step *s)
{
    if (s->node->at.position == DMX_POSITION_LEARNED)
        return learned(s);
    const int64_t width = s->node->at.width, half = width / 2;
    const int64_t count = dmx_shape_count(&s->out[0].shape);
    float *table = malloc((size_t)count * sizeof *table);
    if (table == NULL)
        return no_memory(s);
    dmx_position_table_1d(table, &s->node->at);
    for (int64_t i = 0; i < count; i++) {
        int64_t column = i % width;
        if (DMX_MUTANT(POSITION_1D_INTERLEAVED))
            column = column / 2 + column % 2 * half;
        if (DMX_MUTANT(POSITION_1D_SIN_FIRST))
            column = (column + half) % width;
        s->out[0].data[i] = (double)table[i - i % width + column];
    }
    free(table);
    return DMX_OK;
}

/* Token t F + f has the frame's embedding in the first half of its columns and
 * the frequency row's in the second. */
static void combine(double *y, const float *by_frame, const float *by_row,
                    const dmx_attributes *at)
{
    const int64_t half = at->width / 2;
    const int64_t frame_at = DMX_MUTANT(POSITION_2D_ROWS_FIRST) ? half : 0;
    for (int64_t t = 0; t < at->frames; t++)
        for (int64_t f = 0; f < at->freqs; f++, y += at->width)
            for (int64_t i = 0; i < half; i++) {
                int64_t from = i;
                if (DMX_MUTANT(POSITION_2D_HALVES))
                    from = i < half / 2 ? 2 * i : 2 * i - half + 1;
                y[frame_at + i] = (double)by_frame[t * half + from];
                y[half - frame_at + i] = (double)by_row[f * half + from];
            }
}

dmx_status dmx_reference_position_2d(const dmx_reference_step *s)
{
    const dmx_attributes *at = &s->node->at;
    const size_t half = (size_t)at->width / 2;
    float *by_frame = malloc((size_t)at->frames * half * sizeof *by_frame);
    float *by_row = malloc((size_t)at->freqs * half * sizeof *by_row);
    const bool ready = by_frame != NULL && by_row != NULL;
    if (ready) {
        dmx_position_table_2d(by_frame, by_row, at);
        combine(s->out[0].data, by_frame, by_row, at);
    }
    free(by_frame);
    free(by_row);
    return ready ? DMX_OK : no_memory(s);
}
