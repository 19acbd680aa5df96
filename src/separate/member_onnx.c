/* Reads an ONNX file's description: the shapes of its ports, and the metadata
 * that our exports carry. */
#include "arch/architectures.h"
#include "arch/sources.h"
#include "audio/raw.h"
#include "separate/member.h"

#include "base/json.h"
#include "base/number.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SOURCES = 64 };
#define MOST_JSON    ((size_t)65536)
#define MOST_SAMPLES ((int64_t)1 << 26)

static void put(char *text, size_t size, const char *fmt, ...) DMX_PRINTF(3, 4);

/* Appends, as much as fits. */
static void put(char *text, size_t size, const char *fmt, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text + used, size - used, fmt, args);
    va_end(args);
}

/* Lists the first few ports: "mix (1, 2, samples), spec (1, 4, 2048, 336)". */
static void list_ports(char *text, size_t size, const dmx_port *port,
                       size_t count)
{
    enum { MOST = 4 };
    text[0] = '\0';
    for (size_t i = 0; i < count && i < MOST; i++) {
        put(text, size, "%s%.40s", i > 0 ? ", " : "", port[i].name);
        for (int k = 0; k < port[i].rank; k++)
            if (port[i].dim[k] >= 0)
                put(text, size, "%s%lld", k > 0 ? ", " : " (",
                    (long long)port[i].dim[k]);
            else
                put(text, size, "%s?", k > 0 ? ", " : " (");
        put(text, size, "%s%s", port[i].rank > 0 ? ")" : "",
            port[i].float32 ? "" : " (not float32)");
    }
    if (count > MOST)
        put(text, size, " and %zu more", count - MOST);
}

static dmx_status misfit(const dmx_member *m, dmx_error *err)
{
    size_t n_in, n_out;
    char in[320], out[320];
    const dmx_port *input = dmx_session_inputs(m->session, &n_in);
    const dmx_port *output = dmx_session_outputs(m->session, &n_out);
    list_ports(in, sizeof in, input, n_in);
    list_ports(out, sizeof out, output, n_out);
    return dmx_fail(err, DMX_ERROR_MODEL,
                    "%s: can't be run: it takes %s and gives %s; needed is one "
                    "input (batch, channels, samples) and an output (batch, "
                    "sources, channels, samples), float32%s",
                    m->path, in, out,
                    n_in > 1 ? " (models with the spectrogram outside of them "
                               "are not run)"
                             : "");
}

static bool between(int64_t value, int64_t least, int64_t most)
{
    return value >= least && value <= most;
}

/* Whether input and output have the same batch size, as far as the file states
 * them. */
static bool is_one_batch(int64_t in, int64_t out)
{
    return in != 0 && out != 0 && (in == out || in < 0 || out < 0);
}

static dmx_status read_shapes(dmx_member *m, dmx_error *err)
{
    size_t n_in, n_out;
    const dmx_port *in = dmx_session_inputs(m->session, &n_in);
    const dmx_port *out = dmx_session_outputs(m->session, &n_out);
    if (n_in != 1 || n_out < 1 || !in->float32 || !out->float32 ||
        in->rank != 3 || out->rank != 4 || in->dim[1] != out->dim[2] ||
        !between(in->dim[1], 1, DMX_AUDIO_MAX_CHANNELS) ||
        !between(out->dim[1], 1, MOST_SOURCES) ||
        !between(in->dim[2], -1, MOST_SAMPLES) || in->dim[2] != out->dim[3] ||
        !is_one_batch(in->dim[0], out->dim[0]))
        return misfit(m, err);
    const int64_t batch = in->dim[0] > 0 ? in->dim[0] : out->dim[0];
    DMX_RETURN_IF(batch > DMX_SEPARATOR_MOST_BATCH, err, DMX_ERROR_MODEL,
                  "%s: takes %lld inputs at once; more than %d are not run",
                  m->path, (long long)batch, DMX_SEPARATOR_MOST_BATCH);
    m->file_batch = batch > 0 ? batch : 0;
    m->channels = in->dim[1];
    m->n_source = (size_t)out->dim[1];
    m->fixed = in->dim[2] > 0;
    m->training = m->fixed ? in->dim[2] : 0;
    return DMX_OK;
}

/* Without metadata: the source names of the released models, by the number of
 * sources. */
static char *default_source(size_t index, size_t count)
{
    char name[32];
    return strdup(dmx_default_source(name, index, count));
}

/* Names become part of file names. */
static bool is_plain_name(const char *text)
{
    return text != NULL && strlen(text) <= 64 && dmx_is_safe_file_name(text);
}

/* Also NULL when it is longer than any of ours. */
static dmx_json *read_json(const char *text)
{
    return text != NULL && strlen(text) <= MOST_JSON ? dmx_json_read(text)
                                                     : NULL;
}

static dmx_status read_sources(dmx_member *m, const dmx_hooks *hooks,
                               dmx_error *err)
{
    char *text = dmx_session_metadata(m->session, "sources");
    dmx_json *list = read_json(text);
    const bool stated = list != NULL && dmx_json_is_array(list) &&
                        dmx_json_count(list) == (int)m->n_source;
    bool good = text == NULL || stated;
    const size_t count = m->n_source;
    m->source = calloc(count, sizeof *m->source);
    for (size_t i = 0; m->source != NULL && good && i < count; i++) {
        const char *name =
            stated ? dmx_json_text_of(dmx_json_item(list, (int)i)) : NULL;
        good = !stated || is_plain_name(name);
        if (good)
            m->source[i] = stated ? strdup(name) : default_source(i, count);
    }
    if (m->source == NULL)
        m->n_source = 0;
    if (text == NULL)
        dmx_warn(hooks,
                 "%s: no metadata: its %zu sources and its rate are assumed",
                 m->path, count);
    dmx_json_free(list);
    free(text);
    DMX_RETURN_IF(!good, err, DMX_ERROR_MODEL,
                  "%s: its metadata \"sources\" does not name its %zu outputs",
                  m->path, count);
    for (size_t i = 0; i < count; i++)
        DMX_RETURN_IF(m->source == NULL || m->source[i] == NULL, err,
                      DMX_ERROR_MEMORY, "%s: no memory", m->path);
    return DMX_OK;
}

static void read_segment(dmx_member *m, bool unpadded)
{
    char *text = dmx_session_metadata(m->session, "segment");
    const int64_t samples = dmx_seconds_samples(text, m->samplerate);
    if (!m->fixed && between(samples, 1, MOST_SAMPLES))
        m->training = samples;
    free(text);
    text = dmx_session_metadata(m->session, "pads_to_segment");
    if (!unpadded && m->training > 0 && text != NULL &&
        strcmp(text, "true") == 0)
        m->fixed = true;
    free(text);
}

static dmx_status read_rate(dmx_member *m, dmx_error *err)
{
    char *text = dmx_session_metadata(m->session, "samplerate");
    m->samplerate = text != NULL ? strtoll(text, NULL, 10) : 44100;
    free(text);
    DMX_RETURN_IF(!between(m->samplerate, 1000, 768000), err, DMX_ERROR_MODEL,
                  "%s: its metadata \"samplerate\" is not 1000 to 768000 Hz",
                  m->path);
    return DMX_OK;
}

/* What the architecture says of its networks: the random numbers that they draw
 * while they run, whether pieces may be longer than the training segment, and
 * the lengths that run. Files that do not name their architecture are assumed
 * to be released HTDemucs models, as most are. */
static void read_architecture(dmx_member *m)
{
    char *name = dmx_session_metadata(m->session, "architecture");
    char *text = dmx_session_metadata(m->session, "arguments");
    dmx_json *arguments = read_json(text);
    m->draws_position =
        name != NULL ? dmx_architecture_draws_position(name, arguments) : 1;
    m->unlimited = name != NULL && !m->fixed &&
                   dmx_architecture_named(name) != NULL &&
                   strcmp(name, "htdemucs") != 0;
    m->architecture = name;
    m->arguments = arguments;
    free(text);
}

dmx_status dmx_member_describe_onnx(dmx_member *m,
                                    const dmx_member_options *options,
                                    dmx_error *err)
{
    DMX_FORWARD(read_shapes(m, err));
    DMX_FORWARD(read_sources(m, options->hooks, err));
    DMX_FORWARD(read_rate(m, err));
    read_segment(m, options->unpadded);
    read_architecture(m);
    m->stem = dmx_session_metadata(m->session, "stem");
    return DMX_OK;
}
