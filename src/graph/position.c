/* Positional tables as PyTorch's float32 arithmetic makes them, its functions
 * rounded to the nearest float32, so that every machine makes the same.
 * Source: demucs/transformer.py, create_sin_embedding, create_2d_sin_embedding
 * and create_sin_embedding_cape. */
#include "base/elementary.h"
#include "graph/graph.h"

/* base ** exponent, by the logarithm of the base. */
static float power(double ln_base, float exponent)
{
    return (float)dmx_exp((double)exponent * ln_base);
}

/* phase = pos / max_period ** (adim / (half - 1)); [cos(phase) | sin(phase)].
 * pos and adim are float32 tensors there, max_period a Python float, so the
 * power is taken in float32 with a rounded base. */
void dmx_position_divisors_1d(float *out, const dmx_attributes *at)
{
    const int64_t half = at->width / 2;
    const double ln_base = dmx_ln((float)at->max_period);
    for (int64_t i = 0; i < half; i++)
        out[i] = power(ln_base, (float)i / (float)(half - 1));
}

/* -(math.log(max_period) / d_model) is a Python float; the product with the
 * float32 arange and the exponential are float32. */
void dmx_position_factors_2d(float *out, const dmx_attributes *at)
{
    const int64_t width = at->width / 2;
    const float factor = (float)-(dmx_ln(at->max_period) / (double)width);
    for (int64_t i = 0; i < width; i += 2)
        out[i / 2] = (float)dmx_exp((float)i * factor);
}

void dmx_position_table_1d(float *out, const dmx_attributes *at)
{
    const int64_t half = at->width / 2;
    const double ln_base = dmx_ln((float)at->max_period);
    float mean = 0.0f;
    if (at->position == DMX_POSITION_CAPE && at->mean_normalize)
        mean = (float)((double)(at->frames - 1) / 2.0);
    for (int64_t t = 0; t < at->frames; t++) {
        const float position = (float)t - mean;
        float *row = out + t * at->width;
        for (int64_t i = 0; i < half; i++) {
            const float exponent = (float)i / (float)(half - 1);
            const float phase = position / power(ln_base, exponent);
            row[i] = (float)dmx_cos(phase);
            row[half + i] = (float)dmx_sin(phase);
        }
    }
}

/* sin and cos of n * div[i], interleaved, for rows n = 0..count-1. */
static void interleaved(float *out, int64_t count, int64_t width,
                        double max_period)
{
    /* -(math.log(max_period) / d_model) is a Python float; the product with
     * the float32 arange and the exponential are float32. */
    const float factor = (float)-(dmx_ln(max_period) / (double)width);
    for (int64_t n = 0; n < count; n++)
        for (int64_t i = 0; i < width; i += 2) {
            const float divisor = (float)dmx_exp((float)i * factor);
            const float phase = (float)n * divisor;
            out[n * width + i] = (float)dmx_sin(phase);
            out[n * width + i + 1] = (float)dmx_cos(phase);
        }
}

void dmx_position_table_2d(float *by_frame, float *by_row,
                           const dmx_attributes *at)
{
    interleaved(by_frame, at->frames, at->width / 2, at->max_period);
    interleaved(by_row, at->freqs, at->width / 2, at->max_period);
}
