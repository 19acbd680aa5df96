/* `stream --jack`: a client of JACK, or of PipeWire through its libjack. Stereo
 * in, a port for every channel of every stem out. */
#include "stream.h"

#ifdef DMX_HAVE_JACK
#include "stream_jack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAME_SIZE = 64 };

static void say_nothing(const char *text)
{
    (void)text;
}

/* ------------------------------------------------------------------- ports */

/* "vocals_left": a model's names are made harmless. */
static jack_port_t *add_port(jack_client *c, const char *name, size_t channel,
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

static dmx_status add_ports(jack_client *c, dmx_error *err)
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

static dmx_status connect(jack_client *c, dmx_error *err)
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

static dmx_status check_model(jack_client *c, dmx_error *err)
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
    if (c->rows > JACK_MOST_PORTS)
        return dmx_error_set(err, DMX_ERROR_UNSUPPORTED,
                             "the model has %zu channels in all its stems; "
                             "here it may have %d",
                             c->rows, JACK_MOST_PORTS);
    c->memory = calloc(c->rows * JACK_CHUNK, sizeof *c->memory);
    return c->memory != NULL
               ? DMX_OK
               : dmx_error_set(err, DMX_ERROR_MEMORY, "no memory");
}

/* A stream for the server's blocks, which takes the place of the one before. */
static dmx_status open_stream(jack_client *c, dmx_error *err)
{
    const int64_t block = atomic_load(&c->wanted_block);
    const int64_t rate = dmx_separator_samplerate(c->run->separator);
    dmx_stream_close(c->stream);
    c->stream = NULL; /* takes no block and gives none */
    c->block = block;
    c->options.block = fmin(1, (double)block / (double)rate);
    const dmx_status status =
        dmx_stream_open(&c->stream, c->run->separator, &c->options, err);
    atomic_store(&c->latency, dmx_stream_latency(c->stream));
    return status;
}

static dmx_status start(jack_client *c, dmx_error *err)
{
    dmx_status status = stream_choose_hop(c->run, &c->options, err);
    atomic_store(&c->wanted_block, c->jack.get_buffer_size(c->handle));
    if (status == DMX_OK)
        status = open_stream(c, err);
    if (status == DMX_OK)
        status = add_ports(c, err);
    if (status != DMX_OK)
        return status;
    stream_jack_set_callbacks(c);
    return c->jack.activate(c->handle) == 0
               ? DMX_OK
               : dmx_error_set(err, DMX_ERROR_RUNTIME,
                               "JACK does not take the client");
}

/* --------------------------------------------------------------- statistics */

/* Adds what the stream was to what those before it were. */
static void add_statistics(dmx_stream_statistics *all, const dmx_stream *stream)
{
    dmx_stream_statistics s = DMX_STREAM_STATISTICS_INIT;
    dmx_stream_stats(stream, &s);
    const double load =
        all->mean_load * (double)all->runs + s.mean_load * (double)s.runs;
    s.runs += all->runs;
    s.skipped_runs += all->skipped_runs;
    s.late_frames += all->late_frames;
    s.lost_frames += all->lost_frames;
    s.nonfinite += all->nonfinite;
    s.mean_load = s.runs > 0 ? load / (double)s.runs : 0;
    s.worst_load = fmax(s.worst_load, all->worst_load);
    *all = s;
}

static void tell(jack_client *c, dmx_stream_statistics *all)
{
    const dmx_pipe_report report = {sizeof report, atomic_load(&c->frames), 0};
    add_statistics(all, c->stream);
    c->run->xruns = atomic_load(&c->xruns);
    stream_tell(c->run, &report, all);
}

/* --------------------------------------------------------------------- run */

static void pause_a_little(long ns)
{
    const struct timespec t = {0, ns};
    nanosleep(&t, NULL);
}

/* Blocks that have become larger than those the stream was opened for would all
 * be late. */
static dmx_status follow_block(jack_client *c, dmx_stream_statistics *all,
                               dmx_error *err)
{
    if (atomic_load(&c->wanted_block) <= c->block)
        return DMX_OK;
    while (atomic_exchange(&c->held, true))
        pause_a_little(100000);
    add_statistics(all, c->stream);
    const dmx_status status = open_stream(c, err);
    atomic_store(&c->held, false);
    if (status != DMX_OK)
        return status;
    c->jack.recompute_total_latencies(c->handle);
    cli_say(c->run->t, "the server's blocks have %lld frames now: %lld behind",
            (long long)c->block, (long long)atomic_load(&c->latency));
    return DMX_OK;
}

/* Until Ctrl-C, which is how it ends. */
static dmx_status play(jack_client *c, dmx_stream_statistics *all,
                       dmx_error *err)
{
    dmx_status status = DMX_OK;
    cli_say(c->run->t,
            "JACK client %s: %zu inputs, %zu outputs, %lld frames behind; "
            "connect them, Ctrl-C ends",
            c->jack.get_client_name(c->handle), c->channels, c->outs,
            (long long)atomic_load(&c->latency));
    while (status == DMX_OK && !cli_interrupted() && !atomic_load(&c->gone)) {
        pause_a_little(50000000);
        status = follow_block(c, all, err);
        if (status == DMX_OK)
            status = dmx_stream_status(c->stream, err);
    }
    if (status == DMX_OK && atomic_load(&c->gone))
        status =
            dmx_error_set(err, DMX_ERROR_RUNTIME, "the JACK server has gone");
    return status;
}

dmx_status stream_jack(stream_run *r, dmx_error *err)
{
    jack_client c = {.run = r, .options = DMX_STREAM_OPTIONS_INIT};
    dmx_stream_statistics all = DMX_STREAM_STATISTICS_INIT;
    dmx_status status = connect(&c, err);
    if (status == DMX_OK)
        status = stream_open_separator(&r->separator, r->t, r->o, false, err);
    if (status == DMX_OK)
        status = check_model(&c, err);
    if (status == DMX_OK)
        status = start(&c, err);
    if (status == DMX_OK)
        status = play(&c, &all, err);
    if (status == DMX_OK) /* first: closing may wait for the server */
        tell(&c, &all);
    if (c.handle != NULL)
        c.jack.client_close(c.handle); /* no callback runs from here on */
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
