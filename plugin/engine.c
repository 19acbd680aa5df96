#include "engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------- open */

/* Refuses a model that these ports and this session can't play. */
static dmx_status check_model(plug_engine *e, const plug_limits *limits,
                              dmx_error *err)
{
    const int64_t rate = dmx_separator_samplerate(e->separator);
    e->stems = dmx_separator_stems(e->separator);
    e->channels = (int)dmx_separator_channels(e->separator);
    if ((double)rate != limits->rate)
        return dmx_error_set(err, DMX_ERROR_UNSUPPORTED,
                             "the model needs %lld Hz, the session has %.15g "
                             "Hz; set the session to %lld Hz",
                             (long long)rate, limits->rate, (long long)rate);
    if (e->channels > 2)
        return dmx_error_set(err, DMX_ERROR_UNSUPPORTED,
                             "the model has %d channels; here it may have two",
                             e->channels);
    if (e->stems > limits->stems)
        return dmx_error_set(err, DMX_ERROR_UNSUPPORTED,
                             "the model has %zu stems, this plug-in outputs "
                             "for %zu%s",
                             e->stems, limits->stems,
                             limits->stems < 6 ? "; take the one for six" : "");
    return DMX_OK;
}

static dmx_status open_delay(plug_engine *e, int64_t block, dmx_error *err)
{
    int64_t size = 1;
    while (size < e->latency + block)
        size *= 2;
    e->mask = size - 1;
    for (int c = 0; c < 2; c++) {
        e->dry[c] = malloc((size_t)size * sizeof(float));
        if (e->dry[c] == NULL)
            return dmx_error_set(err, DMX_ERROR_MEMORY,
                                 "no memory for a stream");
        memset(e->dry[c], 0, (size_t)size * sizeof(float));
    }
    return DMX_OK;
}

static dmx_status open_separator(plug_engine *e, const plug_settings *s,
                                 dmx_error *err)
{
    dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
    o.precision = (dmx_engine_precision)lrintf(s->number[PLUG_PRECISION]);
    o.segment = (double)s->number[PLUG_SEGMENT];
    o.threads = (int)s->number[PLUG_THREADS];
    o.unpadded = 1;
    return dmx_separator_open_file(&e->separator, s->model, &o, err);
}

static dmx_status open_stream(plug_engine *e, const plug_settings *s,
                              const plug_limits *limits, dmx_error *err)
{
    const dmx_stream_options usual = DMX_STREAM_OPTIONS_INIT;
    const double lookahead = (double)s->number[PLUG_LOOKAHEAD];
    double seconds;
    dmx_status status = DMX_OK;
    e->options = usual;
    e->options.hop = (double)s->number[PLUG_HOP];
    e->options.lookahead = lookahead > 0 ? lookahead : -1;
    e->options.block = fmin(1, (double)limits->block / limits->rate);
    if (e->options.hop <= 0)
        status =
            dmx_stream_suggest(&e->options, &seconds, e->separator, NULL, err);
    if (status == DMX_OK)
        status = dmx_stream_open(&e->stream, e->separator, &e->options, err);
    if (status == DMX_OK)
        e->latency = dmx_stream_latency(e->stream);
    return status;
}

dmx_status plug_engine_open(plug_engine **out, const plug_settings *s,
                            const plug_limits *limits, dmx_error *err)
{
    plug_engine *e = *out = calloc(1, sizeof *e);
    if (e == NULL)
        return dmx_error_set(err, DMX_ERROR_MEMORY, "no memory for a stream");
    dmx_status status = open_separator(e, s, err);
    if (status == DMX_OK)
        status = check_model(e, limits, err);
    if (status == DMX_OK)
        status = open_stream(e, s, limits, err);
    if (status == DMX_OK)
        status = open_delay(e, limits->block, err);
    if (status != DMX_OK) {
        dmx_stream_close(e->stream);
        e->stream = NULL;
    }
    return status;
}

dmx_status plug_engine_renew(plug_engine *e, dmx_error *err)
{
    if (e == NULL || e->stream == NULL || !e->used)
        return DMX_OK;
    dmx_stream_close(e->stream);
    e->stream = NULL;
    e->used = false;
    e->time = 0;
    for (int c = 0; c < 2; c++)
        memset(e->dry[c], 0, (size_t)(e->mask + 1) * sizeof(float));
    return dmx_stream_open(&e->stream, e->separator, &e->options, err);
}

void plug_engine_close(plug_engine *e)
{
    if (e == NULL)
        return;
    dmx_stream_close(e->stream);
    dmx_separator_close(e->separator);
    free(e->dry[0]);
    free(e->dry[1]);
    free(e);
}

/* ------------------------------------------------------------------- audio */

void plug_engine_delay(plug_engine *e, float *const dry[2],
                       const float *const in[2], uint32_t n)
{
    for (int c = 0; c < 2; c++)
        for (int64_t i = 0; i < n; i++) {
            e->dry[c][(e->time + i) & e->mask] = in[c][i];
            dry[c][i] = e->dry[c][(e->time + i - e->latency) & e->mask];
        }
    e->time += n;
}
