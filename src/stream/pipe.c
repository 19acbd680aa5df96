/* PCM in, stems out: live streaming, or exact separation, between pipes. */
#include "audio/downmix.h"
#include "base/memory.h"
#include "base/options.h"
#include "stream/pipe_input.h"
#include "stream/pipe_sink.h"
#include "stream/windows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = DMX_PIPE_FRAMES };

typedef struct pipe_state {
    const dmx_pipe_options *o;
    dmx_separator *separator;
    size_t channels, stems; /* channels of the model; number of stems */
    dmx_pipe_input *input;
    dmx_downmix downmix;
    dmx_pipe_sink *sink; /* [outputs] */
    size_t n_sink;       /* open ones */
    dmx_stream *stream;
    dmx_separation *exact;
    float *memory;
    float **raw;     /* [input channels] of a block as read */
    float **mix;     /* [channels] */
    float **stem;    /* [stems * channels] */
    float **mixed;   /* [channels] of one output */
    int64_t in, out; /* frames */
    int64_t nonfinite;
    bool ended;
} pipe_state;

/* ------------------------------------------------------------------ open */

static dmx_status allocate(pipe_state *p, dmx_error *err)
{
    const size_t raw = (size_t)p->input->spec.channels;
    const size_t rows = raw + (2 + p->stems) * p->channels;
    p->memory = dmx_aligned_alloc(rows * BLOCK, sizeof *p->memory);
    p->raw = malloc(rows * sizeof *p->raw);
    p->sink = calloc(p->o->outputs, sizeof *p->sink);
    DMX_RETURN_IF(p->memory == NULL || p->raw == NULL || p->sink == NULL, err,
                  DMX_ERROR_MEMORY, "no memory for a stream");
    memset(p->memory, 0, rows * BLOCK * sizeof *p->memory);
    for (size_t i = 0; i < rows; i++)
        p->raw[i] = p->memory + i * BLOCK;
    p->mix = p->raw + raw;
    p->stem = p->mix + p->channels;
    p->mixed = p->stem + p->stems * p->channels;
    return DMX_OK;
}

static dmx_status open_sinks(pipe_state *p, dmx_error *err)
{
    dmx_raw_spec spec = p->input->spec;
    spec.encoding = dmx_pipe_encoding(&spec);
    if (p->o->bits != 0)
        spec.encoding = p->o->bits == 16   ? DMX_RAW_S16
                        : p->o->bits == 24 ? DMX_RAW_S24
                                           : DMX_RAW_F32;
    for (; p->n_sink < p->o->outputs; p->n_sink++) {
        const dmx_pipe_output *output = &p->o->output[p->n_sink];
        const size_t channels =
            output->gain != NULL ? p->channels : p->channels * p->stems;
        spec.channels = (int)channels;
        const dmx_status status = dmx_pipe_sink_open(
            &p->sink[p->n_sink], output->fd, &spec, p->input->is_wav, err);
        if (status != DMX_OK) {
            dmx_pipe_sink_close(&p->sink[p->n_sink]);
            return status;
        }
    }
    return DMX_OK;
}

static dmx_status open_core(pipe_state *p, dmx_error *err)
{
    if (p->o->stream == NULL)
        return dmx_separation_open(&p->exact, p->separator, NULL, err);
    return dmx_stream_open(&p->stream, p->separator, p->o->stream, err);
}

static dmx_status open_input(pipe_state *p, dmx_error *err)
{
    DMX_FORWARD(dmx_pipe_input_open(p->input, p->o->input, p->o->raw,
                                    p->o->hooks, err));
    const int rate = p->input->spec.rate;
    const int64_t wanted = dmx_separator_samplerate(p->separator);
    DMX_RETURN_IF(rate != wanted, err, DMX_ERROR_ARGUMENT,
                  "the input has %d Hz, the model %lld: resample before "
                  "(ffmpeg -ar %lld, arecord -r %lld)",
                  rate, (long long)wanted, (long long)wanted,
                  (long long)wanted);
    return dmx_downmix_init(&p->downmix, p->input->spec.channels, 0,
                            (int)p->channels, err);
}

/* ---------------------------------------------------------------- output */

static dmx_status write_output(pipe_state *p, size_t index,
                               const float *const *stem, size_t frames,
                               dmx_error *err)
{
    const double *gain = p->o->output[index].gain;
    if (gain == NULL)
        return dmx_pipe_sink_write(&p->sink[index], stem, frames, p->o->hooks,
                                   err);
    for (size_t c = 0; c < p->channels; c++)
        for (size_t i = 0; i < frames; i++) {
            double sum = 0;
            for (size_t k = 0; k < p->stems; k++)
                sum += gain[k] * (double)stem[k * p->channels + c][i];
            p->mixed[c][i] = (float)sum;
        }
    return dmx_pipe_sink_write(&p->sink[index], (const float *const *)p->mixed,
                               frames, p->o->hooks, err);
}

/* Frames [from, from + frames) of the stems' block. */
static dmx_status emit(pipe_state *p, size_t from, size_t frames,
                       dmx_error *err)
{
    for (size_t r = 0; r < p->stems * p->channels; r++)
        p->stem[r] += from;
    dmx_status status = DMX_OK;
    for (size_t i = 0; i < p->o->outputs && frames > 0 && status == DMX_OK; i++)
        status = write_output(p, i, (const float *const *)p->stem, frames, err);
    for (size_t r = 0; r < p->stems * p->channels; r++)
        p->stem[r] -= from;
    p->out += (int64_t)frames;
    return status;
}

/* ------------------------------------------------------------------- run */

/* Reads the next block of the mix, *got frames; silence once the input has
 * ended. */
static dmx_status next_block(pipe_state *p, size_t *got, dmx_error *err)
{
    if (!p->ended) {
        DMX_FORWARD(dmx_pipe_input_read(p->input, p->raw, BLOCK, got, err));
        p->ended = *got == 0;
    }
    if (p->ended) {
        for (size_t c = 0; c < p->channels; c++)
            memset(p->mix[c], 0, BLOCK * sizeof *p->mix[c]);
        return DMX_OK;
    }
    dmx_downmix_apply(&p->downmix, p->mix, (const float *const *)p->raw, *got);
    for (size_t c = 0; c < p->channels; c++)
        for (size_t i = 0; i < *got; i++)
            if (!isfinite(p->mix[c][i])) {
                p->mix[c][i] = 0;
                p->nonfinite++;
            }
    p->in += (int64_t)*got;
    return DMX_OK;
}

/* Drops the latency at the start and flushes it at the end, so that the stems
 * are aligned with the mix and equally long. */
static dmx_status run_stream(pipe_state *p, dmx_error *err)
{
    int64_t cut = dmx_stream_latency(p->stream);
    while (!p->ended || p->out < p->in) {
        size_t n;
        DMX_FORWARD(next_block(p, &n, err));
        if (p->ended)
            n = BLOCK;
        if (!p->o->live || p->ended)
            DMX_FORWARD(dmx_stream_wait(p->stream, n, p->o->hooks, err));
        dmx_stream_process(p->stream, p->stem, (const float *const *)p->mix, n);
        const size_t skip = cut < (int64_t)n ? (size_t)cut : n;
        size_t frames = n - skip;
        cut -= (int64_t)skip;
        if (p->out + (int64_t)frames > p->in)
            frames = (size_t)(p->in - p->out);
        DMX_FORWARD(emit(p, skip, frames, err));
    }
    return dmx_stream_status(p->stream, err);
}

static dmx_status pull_all(pipe_state *p, dmx_error *err)
{
    for (;;) {
        size_t got;
        DMX_FORWARD(dmx_separation_pull(p->exact, p->stem, NULL, BLOCK, &got,
                                        p->o->hooks, err));
        if (got == 0)
            return DMX_OK;
        DMX_FORWARD(emit(p, 0, got, err));
    }
}

static dmx_status push_all(pipe_state *p, size_t n, dmx_error *err)
{
    const float *planes[2];
    for (size_t at = 0, taken; at < n; at += taken) {
        for (size_t c = 0; c < p->channels; c++)
            planes[c] = p->mix[c] + at;
        DMX_FORWARD(dmx_separation_push(p->exact, planes, n - at, &taken, err));
        DMX_FORWARD(pull_all(p, err));
    }
    return DMX_OK;
}

static dmx_status run_exact(pipe_state *p, dmx_error *err)
{
    for (;;) {
        size_t n;
        DMX_FORWARD(next_block(p, &n, err));
        if (p->ended)
            break;
        DMX_FORWARD(push_all(p, n, err));
    }
    DMX_FORWARD(dmx_separation_flush(p->exact, err));
    return pull_all(p, err);
}

static dmx_status run(pipe_state *p, dmx_error *err)
{
    DMX_FORWARD(open_input(p, err));
    DMX_FORWARD(allocate(p, err));
    DMX_FORWARD(open_core(p, err));
    DMX_FORWARD(open_sinks(p, err));
    return p->stream != NULL ? run_stream(p, err) : run_exact(p, err);
}

/* ---------------------------------------------------------------- public */

static void return_reports(const pipe_state *p, dmx_pipe_report *report,
                           dmx_stream_statistics *statistics)
{
    dmx_pipe_report r = DMX_PIPE_REPORT_INIT;
    dmx_stream_statistics s = DMX_STREAM_STATISTICS_INIT;
    r.frames = p->out;
    for (size_t i = 0; i < p->n_sink; i++)
        r.clipped += p->sink[i].clipped;
    if (p->stream != NULL)
        dmx_stream_stats(p->stream, &s);
    else if (p->exact != NULL)
        s.latency = s.algorithmic_latency = dmx_separation_latency(p->exact);
    s.nonfinite += p->nonfinite;
    dmx_report_give(report, &r, sizeof r);
    dmx_report_give(statistics, &s, sizeof s);
}

static dmx_status check(const dmx_pipe_options *o, dmx_error *err)
{
    DMX_RETURN_IF(o->output == NULL || o->outputs == 0 ||
                      o->outputs > DMX_SONG_OUTPUTS,
                  err, DMX_ERROR_ARGUMENT,
                  "dmx_pipe_options: set 1 to %d outputs", DMX_SONG_OUTPUTS);
    DMX_RETURN_IF(
        o->bits != 0 && o->bits != 16 && o->bits != 24 && o->bits != 32, err,
        DMX_ERROR_ARGUMENT, "bits: %d is none of 16, 24, 32 (float)", o->bits);
    return DMX_OK;
}

dmx_status dmx_stream_pipe(dmx_separator *separator,
                           const dmx_pipe_options *options,
                           dmx_pipe_report *report,
                           dmx_stream_statistics *statistics, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, separator);
    DMX_NEED(err, options);
    dmx_pipe_options o = DMX_PIPE_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_pipe_options, err));
    DMX_FORWARD(check(&o, err));
    pipe_state p = {.o = &o,
                    .separator = separator,
                    .channels = (size_t)dmx_separator_channels(separator),
                    .stems = dmx_separator_stems(separator)};
    p.input = malloc(sizeof *p.input);
    dmx_status status = p.input == NULL ? dmx_fail(err, DMX_ERROR_MEMORY,
                                                   "no memory for a stream")
                                        : run(&p, err);
    if (status == DMX_OK || status == DMX_ERROR_CANCELLED)
        return_reports(&p, report, statistics);
    for (size_t i = 0; i < p.n_sink; i++)
        dmx_pipe_sink_close(&p.sink[i]);
    dmx_stream_close(p.stream);
    dmx_separation_close(p.exact);
    dmx_aligned_free(p.memory);
    free(p.raw);
    free(p.sink);
    free(p.input);
    return status;
}
