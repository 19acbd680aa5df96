/* `stream --jack`: a client of JACK, or of PipeWire through its libjack. Stereo
 * in, a port for every channel of every stem out. */
#include "stream.h"

#ifdef DMX_HAVE_JACK
#include "jack_api.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_PORTS = 64, CHUNK = 1024, NAME_SIZE = 64 };

typedef struct client {
    cli_jack_api jack;
    jack_client_t *handle;
    stream_run *run;
    dmx_stream *stream;
    size_t channels, rows; /* of the model; of all stems */
    bool sums;             /* all stems go into one output */
    jack_port_t *in[MOST_PORTS], *out[MOST_PORTS];
    size_t outs;
    float *memory; /* [rows][CHUNK], of a sum */
    _Atomic int64_t frames;
    _Atomic bool gone; /* the server */
} client;

/* ------------------------------------------------------------ audio thread */

static void sum_rows(client *c, float *const *out, const float *const *in,
                     size_t n)
{
    float *row[MOST_PORTS];
    for (size_t r = 0; r < c->rows; r++)
        row[r] = c->memory + r * CHUNK;
    dmx_stream_process(c->stream, row, in, n);
    for (size_t ch = 0; ch < c->channels; ch++)
        for (size_t i = 0; i < n; i++) {
            float sum = 0;
            for (size_t r = ch; r < c->rows; r += c->channels)
                sum += row[r][i];
            out[ch][i] = sum;
        }
}

static int process(jack_nframes_t frames, void *user)
{
    client *c = user;
    const float *in[MOST_PORTS];
    float *out[MOST_PORTS];
    for (size_t i = 0; i < c->channels; i++)
        in[i] = c->jack.port_get_buffer(c->in[i], frames);
    for (size_t i = 0; i < c->outs; i++)
        out[i] = c->jack.port_get_buffer(c->out[i], frames);
    atomic_fetch_add_explicit(&c->frames, frames, memory_order_relaxed);
    if (!c->sums) {
        dmx_stream_process(c->stream, out, in, frames);
        return 0;
    }
    for (size_t at = 0, n; at < frames; at += n) {
        n = frames - at < CHUNK ? frames - at : CHUNK;
        sum_rows(c, out, in, n);
        for (size_t i = 0; i < c->channels; i++) {
            in[i] += n;
            out[i] += n;
        }
    }
    return 0;
}

/* ----------------------------------------------------------------- latency */

static void add_latency(const client *c, jack_port_t *const *from, size_t n,
                        jack_port_t *const *to, size_t m,
                        jack_latency_callback_mode_t mode)
{
    const jack_nframes_t own = (jack_nframes_t)dmx_stream_latency(c->stream);
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
    const client *c = user;
    if (mode == JackCaptureLatency)
        add_latency(c, c->in, c->channels, c->out, c->outs, mode);
    else
        add_latency(c, c->out, c->outs, c->in, c->channels, mode);
}

static void on_shutdown(void *user)
{
    client *c = user;
    atomic_store(&c->gone, true);
}

static void say_nothing(const char *text)
{
    (void)text;
}

/* ------------------------------------------------------------------- ports */

/* "vocals_left": a model's names are made harmless. */
static jack_port_t *add_port(client *c, const char *name, size_t channel,
                             unsigned long flags)
{
    char safe[DMX_FILE_NAME_SIZE], full[NAME_SIZE + 32];
    static const char *const sides[] = {"left", "right"};
    dmx_safe_file_name(safe, name, NAME_SIZE);
    for (char *p = safe; *p != '\0'; p++)
        if (*p == ':')
            *p = '_';
    if (c->channels == 2)
        snprintf(full, sizeof full, "%.*s_%s", NAME_SIZE, safe, sides[channel]);
    else
        snprintf(full, sizeof full, "%.*s_%zu", NAME_SIZE, safe, channel + 1);
    return c->jack.port_register(c->handle, full, JACK_DEFAULT_AUDIO_TYPE,
                                 flags, 0);
}

static dmx_status add_ports(client *c, dmx_error *err)
{
    const dmx_separator *s = c->run->separator;
    const size_t outputs = c->sums ? 1 : dmx_separator_stems(s);
    bool good = true;
    for (size_t i = 0; good && i < c->channels; i++) {
        c->in[i] = add_port(c, "in", i, JackPortIsInput);
        good = c->in[i] != NULL;
    }
    for (size_t k = 0; good && k < outputs; k++)
        for (size_t i = 0; good && i < c->channels; i++) {
            const char *name =
                c->sums ? c->run->o->stem : dmx_separator_stem(s, k);
            c->out[c->outs] = add_port(c, name, i, JackPortIsOutput);
            good = c->out[c->outs++] != NULL;
        }
    return good ? DMX_OK
                : dmx_error_set(err, DMX_ERROR_RUNTIME,
                                "JACK has no room for the ports");
}

/* -------------------------------------------------------------------- open */

static dmx_status connect(client *c, dmx_error *err)
{
    const char *problem = cli_jack_load(&c->jack);
    if (problem != NULL)
        return dmx_error_set(err, DMX_ERROR_UNSUPPORTED, "--jack: %s", problem);
    c->jack.set_error_function(say_nothing);
    c->jack.set_info_function(say_nothing);
    c->handle = c->jack.client_open("demucs-onnx", JackNoStartServer, NULL);
    return c->handle != NULL
               ? DMX_OK
               : dmx_error_set(err, DMX_ERROR_RUNTIME,
                               "--jack: no JACK server runs here (start "
                               "jackd, or PipeWire with its JACK interface)");
}

static dmx_status check_model(client *c, dmx_error *err)
{
    const dmx_separator *s = c->run->separator;
    const int64_t rate = dmx_separator_samplerate(s);
    const int64_t own = c->jack.get_sample_rate(c->handle);
    c->channels = (size_t)dmx_separator_channels(s);
    c->rows = c->channels * dmx_separator_stems(s);
    c->sums = c->run->o->stem != NULL;
    if (rate != own)
        return dmx_error_set(err, DMX_ERROR_ARGUMENT,
                             "JACK runs at %lld Hz, the model at %lld; start "
                             "the server with that rate",
                             (long long)own, (long long)rate);
    if (c->rows > MOST_PORTS)
        return dmx_error_set(err, DMX_ERROR_UNSUPPORTED,
                             "the model has %zu channels in all its stems; "
                             "here it may have %d",
                             c->rows, MOST_PORTS);
    c->memory = calloc(c->rows * CHUNK, sizeof *c->memory);
    return c->memory != NULL
               ? DMX_OK
               : dmx_error_set(err, DMX_ERROR_MEMORY, "no memory");
}

static dmx_status start(client *c, dmx_error *err)
{
    dmx_stream_options s = DMX_STREAM_OPTIONS_INIT;
    dmx_status status = stream_choose_hop(c->run, &s, err);
    s.block = fmin(1, (double)c->jack.get_buffer_size(c->handle) /
                          (double)c->jack.get_sample_rate(c->handle));
    if (status == DMX_OK)
        status = dmx_stream_open(&c->stream, c->run->separator, &s, err);
    if (status == DMX_OK)
        status = add_ports(c, err);
    if (status != DMX_OK)
        return status;
    c->jack.set_process_callback(c->handle, process, c);
    c->jack.set_latency_callback(c->handle, on_latency, c);
    c->jack.on_shutdown(c->handle, on_shutdown, c);
    return c->jack.activate(c->handle) == 0
               ? DMX_OK
               : dmx_error_set(err, DMX_ERROR_RUNTIME,
                               "JACK does not take the client");
}

/* --------------------------------------------------------------------- run */

/* Until Ctrl-C, which is how it ends. */
static dmx_status play(client *c, dmx_error *err)
{
    const struct timespec pause = {0, 50000000};
    dmx_status status = DMX_OK;
    cli_say(c->run->t,
            "JACK client %s: %zu inputs, %zu outputs, %lld frames behind; "
            "connect them, Ctrl-C ends",
            c->jack.get_client_name(c->handle), c->channels, c->outs,
            (long long)dmx_stream_latency(c->stream));
    while (status == DMX_OK && !cli_interrupted() && !atomic_load(&c->gone)) {
        nanosleep(&pause, NULL);
        status = dmx_stream_status(c->stream, err);
    }
    if (status == DMX_OK && atomic_load(&c->gone))
        status =
            dmx_error_set(err, DMX_ERROR_RUNTIME, "the JACK server has gone");
    return status;
}

dmx_status stream_jack(stream_run *r, dmx_error *err)
{
    client c = {.run = r};
    dmx_status status = connect(&c, err);
    if (status == DMX_OK)
        status = stream_open_separator(&r->separator, r->t, r->o, false, err);
    if (status == DMX_OK)
        status = check_model(&c, err);
    if (status == DMX_OK)
        status = start(&c, err);
    if (status == DMX_OK)
        status = play(&c, err);
    if (c.handle != NULL)
        c.jack.client_close(c.handle); /* no callback runs from here on */
    if (status == DMX_OK) {
        const dmx_pipe_report report = {sizeof report, atomic_load(&c.frames),
                                        0};
        dmx_stream_statistics statistics = DMX_STREAM_STATISTICS_INIT;
        dmx_stream_stats(c.stream, &statistics);
        stream_tell(r, &report, &statistics);
    }
    dmx_stream_close(c.stream);
    free(c.memory);
    return status;
}
#else
dmx_status stream_jack(stream_run *r, dmx_error *err)
{
    (void)r;
    return dmx_error_set(err, DMX_ERROR_UNSUPPORTED,
                         "--jack: this program was built without JACK's "
                         "headers");
}
#endif
