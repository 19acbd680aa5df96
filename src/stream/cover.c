#include "stream/cover.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

int64_t dmx_cover_region(const dmx_cover_shape *shape)
{
    return shape->covers > 1 ? shape->covers * shape->hop
                             : shape->hop + shape->fade;
}

/* A trapezoid or triangle, normalised by the sum of all runs' weights at each
 * frame. */
static void fill_weights(dmx_cover *c, double slope)
{
    for (int64_t i = 0; i < c->region; i++) {
        const int64_t edge = i < c->region - 1 - i ? i : c->region - 1 - i;
        const double w = slope > 0 ? ((double)edge + 0.5) / slope : 1;
        c->envelope[i] = (float)fmin(1, w);
    }
    for (int64_t i = 0; i < c->region; i++) {
        double all = 0;
        for (int64_t k = i % c->hop; k < c->region; k += c->hop)
            all += (double)c->envelope[k];
        c->weight[i] = (float)((double)c->envelope[i] / all);
    }
}

dmx_status dmx_cover_open(dmx_cover *out, int64_t rows,
                          const dmx_cover_shape *shape, int64_t ramp,
                          dmx_error *err)
{
    *out = (dmx_cover){.hop = shape->hop,
                       .lookahead = shape->lookahead,
                       .region = dmx_cover_region(shape),
                       .ramp = ramp > 1 ? ramp : 1,
                       .rows = rows};
    const size_t region = (size_t)out->region;
    const size_t sums = region * (size_t)(rows + 1);
    out->weight = dmx_aligned_alloc(region, sizeof(float));
    out->envelope = dmx_aligned_alloc(region, sizeof(float));
    out->sum = dmx_aligned_alloc(sums, sizeof(float));
    if (out->weight == NULL || out->envelope == NULL || out->sum == NULL) {
        dmx_cover_close(out);
        return dmx_fail(err, DMX_ERROR_MEMORY, "no memory for a stream");
    }
    memset(out->sum, 0, sums * sizeof(float));
    fill_weights(out, shape->covers > 1 ? (double)out->region / 2
                                        : (double)shape->fade);
    return DMX_OK;
}

void dmx_cover_close(dmx_cover *c)
{
    dmx_aligned_free(c->weight);
    dmx_aligned_free(c->envelope);
    dmx_aligned_free(c->sum);
    *c = (dmx_cover){0};
}

bool dmx_cover_reaches(const dmx_cover *c, int64_t end, int64_t begin)
{
    return end - c->lookahead > begin;
}

static void make_envelope(dmx_cover *c, int64_t first, int64_t begin)
{
    for (int64_t i = 0; i < c->region; i++) {
        const int64_t since = first + i - begin;
        const double in = ((double)since + 0.5) / (double)c->ramp;
        c->envelope[i] = since < 0               ? 0
                         : begin > 0 && in < 1.0 ? (float)in * c->weight[i]
                                                 : c->weight[i];
    }
}

void dmx_cover_add(dmx_cover *c, const float *y, int64_t keep, int64_t end,
                   int64_t begin)
{
    make_envelope(c, end - c->lookahead - c->region, begin);
    const int64_t from = keep - c->lookahead - c->region;
    for (int64_t r = 0; r < c->rows; r++) {
        float *sum = c->sum + r * c->region;
        for (int64_t i = 0; i < c->region; i++)
            sum[i] += c->envelope[i] * y[r * keep + from + i];
    }
    float *weights = c->sum + c->rows * c->region;
    for (int64_t i = 0; i < c->region; i++)
        weights[i] += c->envelope[i];
}

void dmx_cover_advance(dmx_cover *c)
{
    const size_t rest = (size_t)(c->region - c->hop);
    for (int64_t r = 0; r <= c->rows; r++) {
        float *row = c->sum + r * c->region;
        memmove(row, row + c->hop, rest * sizeof *row);
        memset(row + rest, 0, (size_t)c->hop * sizeof *row);
    }
}
