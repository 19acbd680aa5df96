#include "engine/steps/matrix.h"

#include <stdlib.h>
#include <string.h>

#define USUAL_CHUNK 128 /* of int16 */

/* Channels of a block: about DMX_BLOCK_ROWS rows, all blocks nearly equal. */
static int64_t channels_per_block(const dmx_dense *d, int64_t mr)
{
    const int64_t per = d->phases[1] * (d->glu ? 2 : 1);
    const int64_t most = d->phases[1] > 1
                             ? dmx_max(1, DMX_BLOCK_ROWS / per)
                             : dmx_max(mr, DMX_BLOCK_ROWS / per / mr * mr);
    const int64_t blocks = (d->channels + most - 1) / most;
    const int64_t even = (d->channels + blocks - 1) / blocks;
    if (d->phases[1] > 1)
        return even;
    return dmx_min(dmx_round_up(even, mr), most);
}

static int64_t line_of(const dmx_dense *d, const dmx_block *b, int64_t row)
{
    const bool gate = b->gate > 0 && row >= b->gate;
    const int64_t local = (gate ? row - b->gate : row) / d->phases[1];
    if (local >= b->channels)
        return -1;
    return b->channel + local + (gate ? d->channels : 0);
}

/* One tile of mr rows: [k][mr]. */
static void pack_tile(float *out, const dmx_dense *d, const dmx_block *b,
                      int64_t row, int64_t mr)
{
    const int64_t lines = d->channels * (d->glu ? 2 : 1);
    for (int64_t r = 0; r < mr; r++) {
        const int64_t line = line_of(d, b, row + r);
        if (line < 0)
            continue;
        const int64_t index =
            (b->phase * lines + line) * d->phases[1] + (row + r) % d->phases[1];
        const float *from =
            d->weight + index * (d->pitch > 0 ? d->pitch : d->k);
        for (int64_t i = 0; i < d->k; i++)
            out[i * mr + r] = from[i];
    }
}

static void list_blocks(dmx_matrix *m, dmx_block *block, const dmx_dense *d,
                        int64_t mr)
{
    const int64_t per = channels_per_block(d, mr);
    m->n_block = m->rows = m->most_rows = 0;
    for (int64_t p = 0; p < d->phases[0]; p++)
        for (int64_t c = 0; c < d->channels; c += per) {
            dmx_block b = {.channel = c, .phase = p, .row0 = m->rows};
            b.channels = dmx_min(per, d->channels - c);
            b.rows = dmx_round_up(b.channels * d->phases[1], mr);
            if (d->glu) {
                b.gate = b.rows;
                b.rows *= 2;
            }
            b.offset = m->rows * d->k;
            if (block != NULL)
                block[m->n_block] = b;
            m->n_block++;
            m->rows += b.rows;
            m->most_rows = dmx_max(m->most_rows, b.rows);
        }
}

static void fill_bias(float *bias, const dmx_matrix *m, const dmx_dense *d)
{
    for (int64_t i = 0; i < m->n_block && d->bias != NULL; i++) {
        const dmx_block *b = &m->block[i];
        for (int64_t r = 0; r < b->rows; r++) {
            const int64_t line = line_of(d, b, r);
            if (line >= 0)
                bias[b->row0 + r] = d->bias[line];
        }
    }
}

static void fill(float *data, float *bias, const dmx_matrix *m,
                 const dmx_dense *d, int64_t mr)
{
    for (int64_t i = 0; i < m->n_block; i++) {
        const dmx_block *b = &m->block[i];
        for (int64_t r = 0; r < b->rows; r += mr)
            pack_tile(data + b->offset + r * d->k, d, b, r, mr);
    }
    fill_bias(bias, m, d);
}

/* Packs floats in the engine's format if that is exact. */
static dmx_status store(dmx_matrix *m, struct dmx_engine *e, const float *wide,
                        dmx_error *err)
{
    const size_t n = (size_t)(m->rows * m->k);
    float *data;
    m->format =
        dmx_weights_fit(e->weights, wide, n) ? e->weights : DMX_WEIGHTS_FLOAT32;
    const size_t bytes = n * dmx_weight_size(m->format);
    const int64_t floats = (int64_t)((bytes + sizeof *data - 1) / sizeof *data);
    DMX_FORWARD(dmx_program_floats(&data, e, floats, err));
    dmx_weights_narrow(m->format, data, wide, n);
    DMX_FORWARD(dmx_program_share(&data, e, floats, err));
    m->data = data;
    return DMX_OK;
}

static dmx_status pack_half(dmx_matrix *m, struct dmx_engine *e,
                            const dmx_dense *d, float *bias, dmx_error *err)
{
    float *wide = calloc((size_t)(m->rows * m->k) + 1, sizeof *wide);
    DMX_RETURN_IF(wide == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for %lld weights", (long long)(m->rows * m->k));
    fill(wide, bias, m, d, m->tile);
    const dmx_status status = store(m, e, wide, err);
    free(wide);
    return status;
}

/* One tile of integers. rows: room for mr rows of k. */
static void pack_narrow_tile(int32_t *out, const dmx_matrix *m,
                             const dmx_dense *d, const dmx_block *b,
                             int64_t row, const dmx_narrow_kernels *n,
                             float *rows)
{
    const int64_t lines = d->channels * (d->glu ? 2 : 1);
    memset(rows, 0, (size_t)(m->tile * d->k) * sizeof *rows);
    for (int64_t r = 0; r < m->tile; r++) {
        const int64_t line = line_of(d, b, row + r);
        if (line < 0)
            continue;
        const int64_t index =
            (b->phase * lines + line) * d->phases[1] + (row + r) % d->phases[1];
        memcpy(rows + r * d->k,
               d->weight + index * (d->pitch > 0 ? d->pitch : d->k),
               (size_t)d->k * sizeof *rows);
    }
    n->tile(&m->cut, m->tile, rows, d->k, out);
}

static dmx_status pack_integers(dmx_matrix *m, struct dmx_engine *e,
                                const dmx_dense *d, float *bias, dmx_error *err)
{
    const int64_t size = dmx_narrow_places(&m->cut, m->tile);
    float *data, *rows = malloc((size_t)(m->tile * d->k) * sizeof *rows);
    DMX_RETURN_IF(rows == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for %lld weights", (long long)(m->tile * d->k));
    const dmx_status status =
        dmx_program_floats(&data, e, m->rows / m->tile * size, err);
    int32_t *tile = (int32_t *)(void *)data;
    for (int64_t i = 0; status == DMX_OK && i < m->n_block; i++)
        for (int64_t r = 0; r < m->block[i].rows; r += m->tile, tile += size)
            pack_narrow_tile(tile, m, d, &m->block[i], r, e->narrow, rows);
    free(rows);
    if (status == DMX_OK)
        fill_bias(bias, m, d);
    m->data = data;
    return status;
}

static dmx_status pack_float32(dmx_matrix *m, struct dmx_engine *e,
                               const dmx_dense *d, float *bias, dmx_error *err)
{
    float *data;
    DMX_FORWARD(dmx_program_floats(&data, e, m->rows * d->k, err));
    fill(data, bias, m, d, m->tile);
    DMX_FORWARD(dmx_program_share(&data, e, m->rows * d->k, err));
    m->data = data;
    return DMX_OK;
}

/* Divides a product into chunks. Halving the chunks of int16 costs a few
 * percent of speed and gains three decibels; those of int8 are as long as
 * possible. */
static dmx_cut cut_of(const struct dmx_engine *e, const dmx_dense *d)
{
    const int64_t usual = d->number == DMX_INT8 ? DMX_CHUNK : USUAL_CHUNK;
    if (e->narrow == NULL || d->number == DMX_FLOAT32)
        return (dmx_cut){.kind = DMX_FLOAT32};
    return (dmx_cut){d->number, d->k, d->chunk > 0 ? d->chunk : usual};
}

dmx_status dmx_matrix_pack(dmx_matrix *m, struct dmx_engine *e,
                           const dmx_dense *d, dmx_error *err)
{
    const int64_t mr = d->tile > 0 ? d->tile : e->kernels->mr;
    *m = (dmx_matrix){.k = d->k, .tile = mr, .cut = cut_of(e, d)};
    list_blocks(m, NULL, d, mr);
    dmx_block *block =
        dmx_program_parameters(e, (size_t)m->n_block * sizeof *block, err);
    float *bias;
    if (block == NULL)
        return DMX_ERROR_MEMORY;
    DMX_FORWARD(dmx_program_floats(&bias, e, m->rows, err));
    list_blocks(m, block, d, mr);
    m->block = block;
    m->bias = bias;
    return (dmx_matrix_is_narrow(m) ? pack_integers
            : e->weights == DMX_WEIGHTS_FLOAT32
                ? pack_float32
                : pack_half)(m, e, d, bias, err);
}

dmx_status dmx_matrix_pack_columns(dmx_matrix *m, struct dmx_engine *e,
                                   const dmx_dense *d, int64_t from,
                                   int64_t count, dmx_error *err)
{
    dmx_dense part = *d;
    part.weight += from;
    part.k = count;
    part.pitch = d->pitch > 0 ? d->pitch : d->k;
    if (from > 0)
        part.bias = NULL;
    return dmx_matrix_pack(m, e, &part, err);
}

dmx_status dmx_matrix_pack_points(dmx_matrix *m, struct dmx_engine *e,
                                  const dmx_dense *d, int64_t points, int64_t k,
                                  dmx_weight_transform *transform,
                                  dmx_error *err)
{
    const int64_t lines = d->phases[0] * d->channels * (d->glu ? 2 : 1);
    float *weight = malloc((size_t)(points * lines * k) * sizeof *weight);
    DMX_RETURN_IF(weight == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for %lld transformed weights",
                  (long long)(points * lines * k));
    transform(weight, d->weight, lines, k);
    dmx_dense dense = *d;
    dense.weight = weight;
    dense.k = k;
    dense.phases[0] *= points;
    const dmx_status status = dmx_matrix_pack(m, e, &dense, err);
    free(weight);
    return status;
}

void dmx_matrix_multiply_points(const dmx_matrix *m, int64_t points, int64_t j,
                                const struct dmx_engine *e, const float *v,
                                float *out)
{
    const dmx_kernels *k = e->kernels;
    const int64_t rows = m->block[j].rows, blocks = m->n_block / points;
    const int64_t size =
        dmx_matrix_is_narrow(m) ? dmx_matrix_narrow_floats(m, e) : m->k * k->nr;
    for (int64_t q = 0; q < points; q++) {
        const dmx_block *b = &m->block[q * blocks + j];
        dmx_matrix_multiply(m, b, e, dmx_matrix_block(m, b, k, NULL),
                            v + q * size, out + q * rows * k->nr, false);
    }
}

int64_t dmx_matrix_narrow_floats(const dmx_matrix *m,
                                 const struct dmx_engine *e)
{
    return dmx_matrix_is_narrow(m)
               ? dmx_round_up(dmx_narrow_places(&m->cut, e->kernels->nr),
                              DMX_LINE)
               : 0;
}

void dmx_matrix_narrow(const dmx_matrix *m, const struct dmx_engine *e,
                       const float *x, float *panel)
{
    if (dmx_matrix_is_narrow(m))
        e->narrow->panel(&m->cut, x, (int32_t *)(void *)panel);
}

void dmx_matrix_narrow_points(const dmx_matrix *m, int64_t points,
                              const struct dmx_engine *e, const float *v,
                              float *panels)
{
    for (int64_t q = 0; q < points; q++)
        dmx_matrix_narrow(m, e, v + q * m->k * e->kernels->nr,
                          panels + q * dmx_matrix_narrow_floats(m, e));
}

void dmx_matrix_multiply(const dmx_matrix *m, const dmx_block *b,
                         const struct dmx_engine *e, const float *a,
                         const float *panel, float *c, bool add)
{
    if (dmx_matrix_is_narrow(m))
        e->narrow->multiply(&m->cut, b->rows, (const int32_t *)(const void *)a,
                            (const int32_t *)(const void *)panel, c, add);
    else
        (add ? e->kernels->gemm_add : e->kernels->gemm)(b->rows, m->k, a, panel,
                                                        c);
}

const float *dmx_matrix_block(const dmx_matrix *m, const dmx_block *b,
                              const dmx_kernels *k, float *room)
{
    if (dmx_matrix_is_narrow(m))
        return (const float *)m->data +
               b->row0 / m->tile * dmx_narrow_places(&m->cut, m->tile);
    if (m->format == DMX_WEIGHTS_FLOAT32)
        return (const float *)m->data + b->offset;
    const uint16_t *half = m->data;
    k->widen_half(room, half + b->offset, b->rows * m->k);
    return room;
}

int64_t dmx_matrix_room(const dmx_matrix *m)
{
    return m->format == DMX_WEIGHTS_FLOAT32 ? 0 : m->most_rows * m->k;
}
