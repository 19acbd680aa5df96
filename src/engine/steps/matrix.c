#include "engine/steps/matrix.h"

#include "base/tensor.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_ROWS 64

/* Channels of a block: about BLOCK_ROWS rows, all blocks nearly equal. */
static int64_t channels_per_block(const dmx_dense *d, int64_t mr)
{
    const int64_t per = d->phases[1] * (d->glu ? 2 : 1);
    const int64_t most = d->phases[1] > 1
                             ? dmx_max(1, BLOCK_ROWS / per)
                             : dmx_max(mr, BLOCK_ROWS / per / mr * mr);
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

static void fill(float *data, float *bias, const dmx_matrix *m,
                 const dmx_dense *d, int64_t mr)
{
    for (int64_t i = 0; i < m->n_block; i++) {
        const dmx_block *b = &m->block[i];
        for (int64_t r = 0; r < b->rows; r += mr)
            pack_tile(data + b->offset + r * d->k, d, b, r, mr);
        for (int64_t r = 0; r < b->rows && d->bias != NULL; r++) {
            const int64_t line = line_of(d, b, r);
            if (line >= 0)
                bias[b->row0 + r] = d->bias[line];
        }
    }
}

static bool exact_in_half(const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (dmx_f16_to_f32(dmx_f32_to_f16(x[i])) != x[i])
            return false;
    return true;
}

/* Packs into temporary floats and keeps halves if they are the same. */
static bool pack_half(dmx_matrix *m, struct dmx_engine *e, const dmx_dense *d,
                      float *bias)
{
    const int64_t n = m->rows * m->k;
    float *wide = calloc((size_t)n, sizeof *wide);
    if (wide == NULL)
        return false;
    fill(wide, bias, m, d, m->tile);
    uint16_t *half = NULL;
    if (exact_in_half(wide, n)) {
        half = (uint16_t *)dmx_engine_floats(e, (n + 1) / 2);
        for (int64_t i = 0; half != NULL && i < n; i++)
            half[i] = dmx_f32_to_f16(wide[i]);
        m->half = half;
    } else {
        float *data = dmx_engine_floats(e, n);
        if (data != NULL)
            memcpy(data, wide, (size_t)n * sizeof *data);
        m->data = data;
    }
    free(wide);
    return m->half != NULL || m->data != NULL;
}

bool dmx_matrix_pack(dmx_matrix *m, struct dmx_engine *e, const dmx_dense *d)
{
    const int64_t mr = d->tile > 0 ? d->tile : e->kernels->mr;
    *m = (dmx_matrix){.k = d->k, .tile = mr};
    list_blocks(m, NULL, d, mr);
    dmx_block *block =
        dmx_engine_parameters(e, (size_t)m->n_block * sizeof *block);
    float *bias = dmx_engine_floats(e, m->rows);
    if (block == NULL || bias == NULL)
        return false;
    list_blocks(m, block, d, mr);
    m->block = block;
    m->bias = bias;
    if (e->low_memory)
        return pack_half(m, e, d, bias);
    float *data = dmx_engine_floats(e, m->rows * d->k);
    if (data == NULL)
        return false;
    fill(data, bias, m, d, mr);
    m->data = data;
    return true;
}

bool dmx_matrix_pack_columns(dmx_matrix *m, struct dmx_engine *e,
                             const dmx_dense *d, int64_t from, int64_t count)
{
    dmx_dense part = *d;
    part.weight += from;
    part.k = count;
    part.pitch = d->pitch > 0 ? d->pitch : d->k;
    if (from > 0)
        part.bias = NULL;
    return dmx_matrix_pack(m, e, &part);
}

bool dmx_matrix_pack_points(dmx_matrix *m, struct dmx_engine *e,
                            const dmx_dense *d, int64_t points, int64_t k,
                            dmx_transform *transform)
{
    const int64_t lines = d->phases[0] * d->channels * (d->glu ? 2 : 1);
    float *weight = malloc((size_t)(points * lines * k) * sizeof *weight);
    if (weight == NULL)
        return false;
    transform(weight, d->weight, lines, k);
    dmx_dense dense = *d;
    dense.weight = weight;
    dense.k = k;
    dense.phases[0] *= points;
    const bool ok = dmx_matrix_pack(m, e, &dense);
    free(weight);
    return ok;
}

void dmx_matrix_multiply_points(const dmx_matrix *m, int64_t points, int64_t j,
                                const dmx_kernels *k, const float *v,
                                float *out)
{
    const int64_t rows = m->block[j].rows, blocks = m->n_block / points;
    for (int64_t q = 0; q < points; q++)
        k->gemm(rows, m->k, m->data + m->block[q * blocks + j].offset,
                v + q * m->k * k->nr, out + q * rows * k->nr);
}

const float *dmx_matrix_block(const dmx_matrix *m, const dmx_block *b,
                              const dmx_kernels *k, float *room)
{
    if (m->half == NULL)
        return m->data + b->offset;
    k->widen(room, m->half + b->offset, b->rows * m->k);
    return room;
}
