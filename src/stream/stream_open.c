/* Live streams: geometry, memory, the worker's thread. */
#include "stream/stream.h"
#include "base/memory.h"
#include "base/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------- options */

static double or_default(double value, double otherwise)
{
    return value < 0 ? 0 : value == 0 ? otherwise : value;
}

/* Resolves every field: 0 means the default, negative means none. */
static dmx_status settle_options(dmx_stream_options *o, dmx_error *err)
{
    DMX_FORWARD(dmx_check_range("hop", o->hop, 0, 60, err));
    DMX_FORWARD(dmx_check_range("lookahead", o->lookahead, -1, 60, err));
    DMX_FORWARD(dmx_check_range("fade", o->fade, -1, 60, err));
    DMX_FORWARD(dmx_check_range("covers", o->covers, 0, 64, err));
    DMX_FORWARD(dmx_check_range("slack", o->slack, -1, 60, err));
    DMX_FORWARD(dmx_check_range("block", o->block, 0, 1, err));
    o->hop = or_default(o->hop, DMX_STREAM_HOP);
    DMX_FORWARD(dmx_check_range("hop", o->hop, DMX_STREAM_LEAST_HOP, 60, err));
    o->lookahead = or_default(o->lookahead, DMX_STREAM_LOOKAHEAD);
    o->fade = or_default(o->fade, fmin(DMX_STREAM_FADE, o->hop));
    o->slack = or_default(o->slack, o->manual ? 0 : o->hop);
    DMX_RETURN_IF(o->covers <= 1 && o->fade > o->hop, err, DMX_ERROR_ARGUMENT,
                  "fade: %.15g s is more than the hop of %.15g s", o->fade,
                  o->hop);
    return DMX_OK;
}

dmx_status dmx_stream_shape(dmx_cover_shape *out, dmx_stream_options *options,
                            const dmx_windows *windows, dmx_error *err)
{
    DMX_FORWARD(settle_options(options, err));
    const double rate = (double)windows->separator->samplerate;
    *out = (dmx_cover_shape){.hop = llround(options->hop * rate),
                             .lookahead = llround(options->lookahead * rate),
                             .fade = llround(options->fade * rate),
                             .covers = options->covers};
    const int64_t used = out->lookahead + dmx_cover_region(out);
    DMX_RETURN_IF(out->hop < 1, err, DMX_ERROR_ARGUMENT,
                  "hop: %.15g s is no whole sample", options->hop);
    DMX_RETURN_IF(used > windows->shortest, err, DMX_ERROR_ARGUMENT,
                  "lookahead, hop and crossfade take %.3g s, but the model "
                  "sees a window of %.3g s: shorten them, or lengthen the "
                  "segment",
                  (double)used / rate, (double)windows->shortest / rate);
    return DMX_OK;
}

/* ------------------------------------------------------------------ open */

/* Zeros with every page touched; NULL when out of memory. */
static void *zeros(int64_t count, size_t size)
{
    void *p = dmx_aligned_alloc((size_t)count, size);
    if (p != NULL)
        memset(p, 0, (size_t)count * size);
    return p;
}

static bool open_rings(dmx_stream *s)
{
    const int64_t chunks = 2 * DMX_STREAM_CHUNK;
    const int64_t in = 2 * s->rate + 2 * s->cover.hop + s->block + chunks;
    const int64_t out = s->latency + s->cover.hop + chunks;
    if (!dmx_ring_open(&s->in, s->channels, in) ||
        !dmx_ring_open(&s->out, s->outputs + 1, out))
        return false;
    s->mark = zeros(s->in.capacity, sizeof *s->mark);
    if (s->mark == NULL || !s->options.dry)
        return s->mark != NULL;
    s->dry_mask = s->out.capacity - 1;
    s->dry = zeros(s->channels * s->out.capacity, sizeof *s->dry);
    return s->dry != NULL;
}

static dmx_status allocate(dmx_stream *s, dmx_error *err)
{
    s->past = zeros(s->channels * s->windows.longest, sizeof *s->past);
    s->next = zeros(s->channels * s->cover.hop, sizeof *s->next);
    s->stems = zeros(s->outputs * s->keep, sizeof *s->stems);
    s->slew.hold = zeros(s->outputs, sizeof *s->slew.hold);
    DMX_RETURN_IF(s->past == NULL || s->next == NULL || s->stems == NULL ||
                      s->slew.hold == NULL || !open_rings(s),
                  err, DMX_ERROR_MEMORY, "no memory for a stream");
    return DMX_OK;
}

static dmx_status measure(dmx_stream *s, dmx_cover_shape *shape, int64_t *ramp,
                          dmx_error *err)
{
    DMX_FORWARD(dmx_stream_shape(shape, &s->options, &s->windows, err));
    const double rate = (double)s->rate;
    const int64_t usual = llround(DMX_STREAM_FADE * rate);
    const int64_t fade =
        shape->covers > 1 || shape->fade == 0 ? usual : shape->fade;
    *ramp = fade < shape->hop ? fade : shape->hop;
    s->keep = shape->lookahead + dmx_cover_region(shape);
    s->block = s->options.block > 0 ? llround(s->options.block * rate)
                                    : DMX_STREAM_CHUNK;
    s->algorithmic = s->keep;
    s->latency = s->keep + llround(s->options.slack * rate) + s->block;
    s->slew.level = 1;
    s->slew.step = 1 / (float)(*ramp > 1 ? *ramp : 1);
    atomic_store(&s->heard,
                 INT64_MIN / 2); /* nothing has been, before the start */
    return DMX_OK;
}

static dmx_status open_all(dmx_stream *s, dmx_separator *separator,
                           dmx_error *err)
{
    dmx_cover_shape shape;
    int64_t ramp;
    DMX_FORWARD(dmx_windows_open(&s->windows, separator, err));
    s->channels = separator->channels;
    s->outputs = s->windows.rows;
    s->rate = separator->samplerate;
    DMX_FORWARD(measure(s, &shape, &ramp, err));
    DMX_FORWARD(dmx_cover_open(&s->cover, s->outputs, &shape, ramp, err));
    DMX_FORWARD(allocate(s, err));
    if (s->options.manual)
        return DMX_OK;
    s->thread = dmx_thread_start(dmx_stream_serve, s);
    DMX_RETURN_IF(s->thread == NULL, err, DMX_ERROR_MEMORY,
                  "no thread for a stream");
    return DMX_OK;
}

dmx_status dmx_stream_open(dmx_stream **out, dmx_separator *separator,
                           const dmx_stream_options *options, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, separator);
    dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_stream_options, err));
    dmx_stream *s = calloc(1, sizeof *s);
    DMX_RETURN_IF(s == NULL, err, DMX_ERROR_MEMORY, "no memory for a stream");
    s->options = o;
    const dmx_status status = open_all(s, separator, err);
    if (status != DMX_OK) {
        dmx_stream_close(s);
        return status;
    }
    *out = s;
    return DMX_OK;
}

void dmx_stream_close(dmx_stream *s)
{
    if (s == NULL)
        return;
    atomic_store(&s->stop, true);
    if (s->thread != NULL)
        dmx_thread_join(s->thread);
    dmx_windows_close(&s->windows);
    dmx_cover_close(&s->cover);
    dmx_ring_close(&s->in);
    dmx_ring_close(&s->out);
    dmx_aligned_free(s->mark);
    dmx_aligned_free(s->dry);
    dmx_aligned_free(s->past);
    dmx_aligned_free(s->next);
    dmx_aligned_free(s->stems);
    dmx_aligned_free(s->slew.hold);
    free(s);
}
