/* What JACK calls, on threads of its own: audio, latency, notifications. */
#ifdef DMX_HAVE_JACK
#include "stream_jack.h"

#include <string.h>

/* ------------------------------------------------------------ audio thread */

static void sum_rows(jack_client *c, float *const *out, const float *const *in,
                     size_t n)
{
    float *row[JACK_MOST_PORTS];
    for (size_t r = 0; r < c->rows; r++)
        row[r] = c->memory + r * JACK_CHUNK;
    dmx_stream_process(c->stream, row, in, n);
    for (size_t ch = 0; ch < c->channels; ch++)
        for (size_t i = 0; i < n; i++) {
            float sum = 0;
            for (size_t r = ch; r < c->rows; r += c->channels)
                sum += row[r][i];
            out[ch][i] = sum;
        }
}

static void sum_all(jack_client *c, float **out, const float **in,
                    size_t frames)
{
    for (size_t at = 0, n; at < frames; at += n) {
        n = frames - at < JACK_CHUNK ? frames - at : JACK_CHUNK;
        sum_rows(c, out, in, n);
        for (size_t i = 0; i < c->channels; i++) {
            in[i] += n;
            out[i] += n;
        }
    }
}

static void silence(const jack_client *c, float *const *out, size_t frames)
{
    for (size_t i = 0; i < c->outs; i++)
        memset(out[i], 0, frames * sizeof *out[i]);
}

static int process(jack_nframes_t frames, void *user)
{
    jack_client *c = user;
    const float *in[JACK_MOST_PORTS];
    float *out[JACK_MOST_PORTS];
    for (size_t i = 0; i < c->channels; i++)
        in[i] = c->jack.port_get_buffer(c->in[i], frames);
    for (size_t i = 0; i < c->outs; i++)
        out[i] = c->jack.port_get_buffer(c->out[i], frames);
    atomic_fetch_add_explicit(&c->frames, frames, memory_order_relaxed);
    if (atomic_exchange(&c->held, true)) {
        silence(c, out, frames);
        return 0;
    }
    if (c->stream == NULL)
        silence(c, out, frames);
    else if (c->sums)
        sum_all(c, out, in, frames);
    else
        dmx_stream_process(c->stream, out, in, frames);
    atomic_store(&c->held, false);
    return 0;
}

/* ----------------------------------------------------------------- latency */

static void add_latency(const jack_client *c, jack_port_t *const *from,
                        size_t n, jack_port_t *const *to, size_t m,
                        jack_latency_callback_mode_t mode)
{
    const jack_nframes_t own = (jack_nframes_t)atomic_load(&c->latency);
    jack_latency_range_t all = {UINT32_MAX, 0};
    for (size_t i = 0; i < n; i++) {
        jack_latency_range_t one;
        c->jack.port_get_latency_range(from[i], mode, &one);
        all.min = one.min < all.min ? one.min : all.min;
        all.max = one.max > all.max ? one.max : all.max;
    }
    all.min += own;
    all.max += own;
    for (size_t i = 0; i < m; i++)
        c->jack.port_set_latency_range(to[i], mode, &all);
}

static void on_latency(jack_latency_callback_mode_t mode, void *user)
{
    const jack_client *c = user;
    if (mode == JackCaptureLatency)
        add_latency(c, c->in, c->channels, c->out, c->outs, mode);
    else
        add_latency(c, c->out, c->outs, c->in, c->channels, mode);
}

/* ----------------------------------------------------------- notifications */

static void on_shutdown(void *user)
{
    jack_client *c = user;
    atomic_store(&c->gone, true);
}

static int on_xrun(void *user)
{
    jack_client *c = user;
    atomic_fetch_add(&c->xruns, 1);
    return 0;
}

static int on_buffer_size(jack_nframes_t frames, void *user)
{
    jack_client *c = user;
    atomic_store(&c->wanted_block, (int64_t)frames);
    return 0;
}

void stream_jack_set_callbacks(jack_client *c)
{
    c->jack.set_process_callback(c->handle, process, c);
    c->jack.set_latency_callback(c->handle, on_latency, c);
    c->jack.set_xrun_callback(c->handle, on_xrun, c);
    c->jack.set_buffer_size_callback(c->handle, on_buffer_size, c);
    c->jack.on_shutdown(c->handle, on_shutdown, c);
}
#else
typedef int cli_stream_jack_calls_is_not_built; /* no file is empty */
#endif
