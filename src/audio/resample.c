#include "audio/resample.h"
#include "audio/reader.h"
#include "base/memory.h"

#include <soxr.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Zeros after the last input frame, so that the last output frames do not
 * depend on how the converter rounds the length. */
#define TAIL 64

struct dmx_resampler {
    soxr_t soxr; /* NULL: equal rates */
    int in_rate, out_rate;
    int channels;
    int64_t limit; /* as given; -1: by the input's length */
    int64_t taken, made;
    size_t tail; /* zeros still to feed */
};

int64_t dmx_resampled_length(int64_t frames, int in_rate, int out_rate)
{
    const int64_t whole = frames / in_rate, rest = frames % in_rate;
    return whole * out_rate + (rest * out_rate + in_rate - 1) / in_rate;
}

static dmx_status open_soxr(dmx_resampler *r, dmx_error *err)
{
    const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_S, SOXR_FLOAT32_S);
    /* Without the default roll-off, tones up to 20 kHz keep their level to
     * float32 rounding on the way to 44.1 kHz and back. */
    const soxr_quality_spec_t quality =
        soxr_quality_spec(SOXR_VHQ, SOXR_ROLLOFF_NONE);
    const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
    soxr_error_t failure = NULL;
    r->soxr = soxr_create(r->in_rate, r->out_rate, (unsigned)r->channels,
                          &failure, &io, &quality, &runtime);
    DMX_RETURN_IF(r->soxr == NULL || failure != NULL, err, DMX_ERROR_MEMORY,
                  "can't convert from %d to %d Hz: %s", r->in_rate, r->out_rate,
                  failure != NULL ? failure : "no memory");
    return DMX_OK;
}

dmx_status dmx_resampler_open(dmx_resampler **out, int in_rate, int out_rate,
                              int channels, int64_t limit, dmx_error *err)
{
    *out = NULL;
    DMX_RETURN_IF(in_rate < 1 || out_rate < 1 || channels < 1 ||
                      channels > DMX_AUDIO_MAX_CHANNELS,
                  err, DMX_ERROR_ARGUMENT,
                  "can't convert from %d to %d Hz, %d channels", in_rate,
                  out_rate, channels);
    dmx_resampler *r = calloc(1, sizeof *r);
    DMX_RETURN_IF(r == NULL, err, DMX_ERROR_MEMORY,
                  "no memory to convert the sample rate");
    *r = (dmx_resampler){.in_rate = in_rate,
                         .out_rate = out_rate,
                         .channels = channels,
                         .limit = limit,
                         .tail = TAIL};
    if (in_rate != out_rate) {
        const dmx_status status = open_soxr(r, err);
        if (status != DMX_OK) {
            dmx_resampler_close(r);
            return status;
        }
    }
    *out = r;
    return DMX_OK;
}

void dmx_resampler_close(dmx_resampler *r)
{
    if (r == NULL)
        return;
    soxr_delete(r->soxr);
    free(r);
}

static void copy(dmx_resampler *r, const float *const *in, size_t frames,
                 size_t *used, float *const *out, size_t capacity, size_t *made)
{
    const size_t n = in == NULL ? 0 : frames < capacity ? frames : capacity;
    for (int c = 0; n > 0 && c < r->channels; c++)
        memcpy(out[c], in[c], n * sizeof out[c][0]);
    *used = *made = n;
}

/* At the end: feeds the tail of zeros, then flushes the filter. */
static soxr_error_t drain(dmx_resampler *r, float *const *out, size_t capacity,
                          size_t *made)
{
    static const float zeros[TAIL];
    const float *in[DMX_AUDIO_MAX_CHANNELS];
    for (int c = 0; c < r->channels; c++)
        in[c] = zeros;
    *made = 0;
    while (r->tail > 0) {
        size_t used = 0;
        soxr_error_t failure =
            soxr_process(r->soxr, in, r->tail, &used,
                         (soxr_out_t)(uintptr_t)out, capacity, made);
        if (failure != NULL || *made > 0 || used == 0) {
            r->tail -= used;
            return failure;
        }
        r->tail -= used;
    }
    return soxr_process(r->soxr, NULL, 0, NULL, (soxr_out_t)(uintptr_t)out,
                        capacity, made);
}

static dmx_status convert(dmx_resampler *r, const float *const *in,
                          size_t frames, size_t *used, float *const *out,
                          size_t capacity, size_t *made, dmx_error *err)
{
    const soxr_error_t failure =
        in == NULL
            ? drain(r, out, capacity, made)
            : soxr_process(r->soxr, (soxr_in_t)(uintptr_t)in, frames, used,
                           (soxr_out_t)(uintptr_t)out, capacity, made);
    DMX_RETURN_IF(failure != NULL, err, DMX_ERROR_MEMORY,
                  "sample-rate conversion failed: %s", failure);
    return DMX_OK;
}

/* Trims or zero-pads the output to the exact length. */
static void fit(dmx_resampler *r, bool end, float *const *out, size_t capacity,
                size_t *made)
{
    const int64_t total =
        r->limit >= 0 ? r->limit
                      : dmx_resampled_length(r->taken, r->in_rate, r->out_rate);
    if (r->limit < 0 && !end)
        return; /* the output lags behind the input by the filter's delay */
    const uint64_t left = total > r->made ? (uint64_t)(total - r->made) : 0;
    if (*made > left)
        *made = (size_t)left;
    if (!end || *made > 0 || left == 0)
        return;
    *made = capacity < left ? capacity : (size_t)left;
    for (int c = 0; c < r->channels; c++)
        memset(out[c], 0, *made * sizeof out[c][0]);
}

dmx_status dmx_resampler_process(dmx_resampler *r, const float *const *in,
                                 size_t frames, size_t *used, float *const *out,
                                 size_t capacity, size_t *made, dmx_error *err)
{
    size_t taken = 0;
    *made = 0;
    if (in != NULL && frames == 0)
        capacity = 0;
    else if (r->soxr == NULL)
        copy(r, in, frames, &taken, out, capacity, made);
    else
        DMX_FORWARD(convert(r, in, frames, &taken, out, capacity, made, err));
    r->taken += (int64_t)taken;
    fit(r, in == NULL, out, capacity, made);
    r->made += (int64_t)*made;
    if (used != NULL)
        *used = taken;
    return DMX_OK;
}
