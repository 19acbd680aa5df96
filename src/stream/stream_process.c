/* The audio thread: no allocation, no lock, no system call. */
#include "stream/stream.h"

#include <math.h>
#include <string.h>

/* ----------------------------------------------------------------- input */

static void keep_dry(dmx_stream *s, const float *const *mix, size_t at,
                     int64_t n)
{
    for (int64_t c = 0; c < s->channels; c++) {
        float *row = s->dry + c * (s->dry_mask + 1);
        for (int64_t i = 0; i < n; i++)
            row[(s->time + i) & s->dry_mask] =
                isfinite(mix[c][at + (size_t)i]) ? mix[c][at + (size_t)i] : 0;
    }
}

/* Input that the worker does not read in time is lost; time goes on. */
static void take_input(dmx_stream *s, const float *const *mix, size_t at,
                       int64_t n)
{
    if (s->dry != NULL)
        keep_dry(s, mix, at, n);
    const int64_t written = dmx_ring_written(&s->in);
    if (n > s->in.capacity - (written - dmx_ring_taken(&s->in))) {
        s->lost += n;
        atomic_fetch_add_explicit(&s->lost_frames, n, memory_order_relaxed);
        return;
    }
    const bool reset =
        atomic_exchange_explicit(&s->reset, false, memory_order_relaxed);
    if (reset || s->lost > 0)
        s->mark[written & (s->in.capacity - 1)] = 1 + s->lost;
    s->lost = 0;
    for (int64_t c = 0; c < s->channels; c++)
        dmx_ring_put(&s->in, c, written, mix[c] + at, n);
    dmx_ring_write_to(&s->in, written + n);
}

/* ---------------------------------------------------------------- output */

/* Computes the chunk's gains; of its n frames the first k have arrived. False
 * when all have, and the level is full. */
static bool plan_gains(dmx_slew *w, int64_t k, int64_t n)
{
    if (k == n && w->level >= 1 && !w->falling)
        return false;
    for (int64_t i = 0; i < n; i++) {
        if (i >= k)
            w->falling = true;
        w->held[i] = w->falling;
        w->level += w->falling ? -w->step : w->step;
        if (w->level <= 0) {
            w->level = 0;
            w->falling = i >= k;
        }
        if (w->level > 1)
            w->level = 1;
        w->gain[i] = w->level;
    }
    return true;
}

static float dry_at(const dmx_stream *s, int64_t row, int64_t position)
{
    if (s->dry == NULL || position < 0)
        return 0;
    const float *dry = s->dry + row % s->channels * (s->dry_mask + 1);
    return dry[position & s->dry_mask];
}

/* y: the stem's frames, as far as they have arrived. Missing weight of runs is
 * filled up with the mix. */
static void fill_with_dry(const dmx_stream *s, float *y, int64_t row,
                          int64_t position, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] += (1 - s->slew.cover[i]) * dry_at(s, row, position + i);
}

/* y = dry + gain (y - dry), y - dry held while the level falls. */
static void slew_row(dmx_stream *s, float *y, int64_t row, int64_t position,
                     int64_t n)
{
    dmx_slew *w = &s->slew;
    for (int64_t i = 0; i < n; i++) {
        const float dry = dry_at(s, row, position + i);
        if (!w->held[i])
            w->hold[row] = y[i] - dry;
        y[i] = dry + w->gain[i] * w->hold[row];
    }
}

/* When nothing is missing, stores the values from which a later gap fades. */
static void note_last(dmx_stream *s, const float *y, int64_t row,
                      int64_t position, int64_t n)
{
    s->slew.hold[row] = y[n - 1] - dry_at(s, row, position + n - 1);
}

static void output_row(dmx_stream *s, float *y, int64_t row, int64_t position,
                       int64_t silent, int64_t ready, int64_t n)
{
    memset(y, 0, (size_t)n * sizeof *y);
    if (ready > 0)
        dmx_ring_get(&s->out, row, position + silent, y + silent, ready);
    if (s->dry != NULL)
        fill_with_dry(s, y + silent, row, position + silent, ready);
}

static void write_output(dmx_stream *s, float *const *stems, size_t at,
                         int64_t n)
{
    const int64_t position = s->time - s->latency;
    const int64_t before = position < 0 ? -position : 0;
    const int64_t silent = before < n ? before : n;
    int64_t ready = dmx_ring_written(&s->out) - (position + silent);
    ready = ready < 0 ? 0 : ready > n - silent ? n - silent : ready;
    if (s->dry != NULL && ready > 0)
        dmx_ring_get(&s->out, s->outputs, position + silent, s->slew.cover,
                     ready);
    const bool slewed = plan_gains(&s->slew, silent + ready, n);
    for (int64_t r = 0; r < s->outputs; r++) {
        float *y = stems[r] + at;
        output_row(s, y, r, position, silent, ready, n);
        if (slewed)
            slew_row(s, y, r, position, n);
        else
            note_last(s, y, r, position, n);
    }
    if (silent + ready < n)
        atomic_fetch_add_explicit(&s->late, n - silent - ready,
                                  memory_order_relaxed);
    if (position + n > 0) {
        dmx_ring_take_to(&s->out, position + n);
        atomic_store_explicit(&s->heard, position + n, memory_order_relaxed);
    }
}

/* ---------------------------------------------------------------- public */

void dmx_stream_process(dmx_stream *s, float *const *stems,
                        const float *const *mix, size_t frames)
{
    if (s == NULL || stems == NULL || mix == NULL)
        return;
    for (size_t at = 0; at < frames;) {
        const size_t left = frames - at;
        const int64_t n =
            left < DMX_STREAM_CHUNK ? (int64_t)left : DMX_STREAM_CHUNK;
        take_input(s, mix, at, n);
        write_output(s, stems, at, n);
        s->time += n;
        at += (size_t)n;
    }
}

void dmx_stream_reset(dmx_stream *s)
{
    if (s != NULL)
        atomic_store_explicit(&s->reset, true, memory_order_relaxed);
}

int64_t dmx_stream_latency(const dmx_stream *s)
{
    return s != NULL ? s->latency : 0;
}
