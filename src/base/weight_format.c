#include "base/weight_format.h"

#include "base/tensor.h"

#include <string.h>

static bool any_fits(const float *x, size_t n)
{
    (void)x;
    (void)n;
    return true;
}

static void copy_floats(void *out, const float *x, size_t n)
{
    memcpy(out, x, n * sizeof *x);
}

static bool half_fits(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float back = dmx_f16_to_f32(dmx_f32_to_f16(x[i]));
        if (memcmp(&back, &x[i], sizeof back) != 0)
            return false;
    }
    return true;
}

static void narrow_to_half(void *out, const float *x, size_t n)
{
    uint16_t *half = out;
    for (size_t i = 0; i < n; i++)
        half[i] = dmx_f32_to_f16(x[i]);
}

static const struct {
    size_t size;
    bool (*fits)(const float *x, size_t n);
    void (*narrow)(void *out, const float *x, size_t n);
} formats[DMX_WEIGHT_FORMATS] = {
    [DMX_WEIGHTS_FLOAT32] = {sizeof(float), any_fits, copy_floats},
    [DMX_WEIGHTS_FLOAT16] = {sizeof(uint16_t), half_fits, narrow_to_half},
};

size_t dmx_weight_size(dmx_weight_format format)
{
    return formats[format].size;
}

bool dmx_weights_fit(dmx_weight_format format, const float *x, size_t n)
{
    return formats[format].fits(x, n);
}

void dmx_weights_narrow(dmx_weight_format format, void *out, const float *x,
                        size_t n)
{
    formats[format].narrow(out, x, n);
}
