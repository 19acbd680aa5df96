/* The model, the outputs and the hop of a stream. */
#include "precision_text.h"
#include "standard_streams.h"
#include "stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Seconds: segments and the smallest hops of --latency. */
#define LOW_SEGMENT      2
#define LOW_HOP          0.05
#define BALANCED_SEGMENT 4
#define BALANCED_HOP     0.2
#define BALANCED_MARGIN  1.5 /* of the measured hop */

static bool is_low(const stream_options *o)
{
    return strcmp(o->latency, "low") == 0;
}

/* "no_vocals" -> "vocals", unless a source is called so. */
static const char *after_no(const char *stem)
{
    return strncmp(stem, "no_", 3) == 0 ? stem + 3 : NULL;
}

/* ----------------------------------------------------------------- model */

static void tell_precision(const dmx_separator *s, cli_terminal *t)
{
    char *json = dmx_separator_precision_json(s);
    cli_tell_precision(t, json);
    dmx_free(json);
}

dmx_status stream_open_separator(dmx_separator **out, cli_terminal *t,
                                 const stream_options *o, bool whole,
                                 dmx_error *err)
{
    dmx_separator_options s = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_model_options arguments = DMX_MODEL_OPTIONS_INIT;
    const char *rest = o->stem != NULL ? after_no(o->stem) : NULL;
    const char *one[] = {rest != NULL ? rest : o->stem, NULL};
    const char **set = cli_model_settings(&o->model, NULL);
    arguments.config_path = o->model.config;
    arguments.set = set;
    s.hooks = &t->hooks;
    if (o->engine != NULL) /* one of the option's choices */
        (void)dmx_backend_find(&s.backend, o->engine);
    s.threads = (int)o->threads;
    s.onnxruntime = o->onnxruntime;
    s.providers = o->providers;
    s.stems = o->stem != NULL && rest == NULL ? one : NULL;
    s.without = rest != NULL ? one : NULL;
    s.model = &arguments;
    s.weights = o->model.weights;
    s.unpadded = !whole;
    if (o->precision != NULL) /* one of the option's choices */
        (void)dmx_engine_precision_find(&s.precision, o->precision);
    if (o->segment > 0)
        s.segment = o->segment;
    else if (!whole)
        s.segment = is_low(o) ? LOW_SEGMENT : BALANCED_SEGMENT;
    dmx_bag *bag;
    char *choices = NULL;
    dmx_status status = cli_resolve(&bag, t, &o->hub, o->name,
                                    s.stems != NULL ? o->stem : NULL, err);
    if (status == DMX_OK) {
        if (s.precision != DMX_ENGINE_EXACT)
            status = cli_choices(&choices, t, &o->hub, err);
        s.choices = choices;
        if (status == DMX_OK)
            status = dmx_separator_open(out, bag, &s, err);
        dmx_bag_close(bag);
    }
    if (status == DMX_OK && s.precision != DMX_ENGINE_EXACT)
        tell_precision(*out, t);
    free(choices);
    free(set);
    return status;
}

/* --------------------------------------------------------------- outputs */

/* Which stem the first `length` letters name, or -1. */
static int find_stem(const dmx_separator *s, const char *name, size_t length)
{
    for (size_t i = 0; i < dmx_separator_stems(s); i++)
        if (strlen(dmx_separator_stem(s, i)) == length &&
            strncmp(dmx_separator_stem(s, i), name, length) == 0)
            return (int)i;
    return -1;
}

/* One stem, or all but one. */
static bool set_gains(double *gain, const dmx_separator *s, const char *name,
                      size_t length)
{
    const size_t stems = dmx_separator_stems(s);
    const int plain = find_stem(s, name, length);
    const bool rest = plain < 0 && length > 3 && after_no(name) != NULL;
    const int at = rest ? find_stem(s, name + 3, length - 3) : plain;
    for (size_t i = 0; at >= 0 && i < stems; i++)
        gain[i] = ((int)i == at) != rest;
    return at >= 0;
}

/* Each output has a file or pipe of its own, which is not the input. */
static int check_descriptor(const stream_run *r, int fd)
{
    if (!cli_is_open_for_writing(fd))
        return cli_misuse(r->t, "stream",
                          "file descriptor %d is not open for writing", fd);
    if (cli_same_open_file(fd, STDIN_FILENO))
        return cli_misuse(r->t, "stream",
                          "file descriptor %d is the input; write to another "
                          "file",
                          fd);
    for (size_t i = 0; i < r->outputs; i++)
        if (cli_same_open_file(fd, r->output[i].fd))
            return cli_misuse(r->t, "stream",
                              "file descriptors %d and %d are one file or "
                              "pipe; each stem needs its own",
                              r->output[i].fd, fd);
    return CLI_DONE;
}

/* "vocals=3" */
static int add_descriptor(stream_run *r, const char *text)
{
    const size_t stems = dmx_separator_stems(r->separator);
    const char *equals = strrchr(text, '=');
    char *end;
    const long fd = equals != NULL ? strtol(equals + 1, &end, 10) : -1;
    if (equals == NULL || end == equals + 1 || *end != '\0' || fd < 1 ||
        fd > 1023 || fd == STDERR_FILENO)
        return cli_misuse(r->t, "stream",
                          "--fd %s: expected STEM=N, N a file descriptor open "
                          "for writing",
                          text);
    double *gain = r->gain + r->outputs * stems;
    if (!set_gains(gain, r->separator, text, (size_t)(equals - text)))
        return cli_misuse(r->t, "stream", "--fd %s: the model has no such stem",
                          text);
    const int code = check_descriptor(r, (int)fd);
    r->output[r->outputs++] = (dmx_pipe_output){(int)fd, gain};
    return code;
}

int stream_plan_outputs(stream_run *r)
{
    const size_t stems = dmx_separator_stems(r->separator);
    const cli_list *list = &r->o->fd;
    if (list->count > DMX_SONG_OUTPUTS)
        return cli_misuse(r->t, "stream", "--fd: at most %d", DMX_SONG_OUTPUTS);
    r->gain = calloc((list->count + 1) * stems, sizeof *r->gain);
    if (r->gain == NULL)
        return cli_misuse(r->t, "stream", "no memory");
    for (size_t i = 0; i < list->count; i++) {
        const int code = add_descriptor(r, list->item[i]);
        if (code != CLI_DONE)
            return code;
    }
    if (list->count > 0)
        return CLI_DONE;
    /* For no_NAME, the other stems are separated and summed here. */
    for (size_t i = 0; i < stems; i++)
        r->gain[i] = 1;
    r->output[0] =
        (dmx_pipe_output){STDOUT_FILENO, r->o->stem != NULL ? r->gain : NULL};
    const int code = check_descriptor(r, STDOUT_FILENO);
    r->outputs = 1;
    return code;
}

/* ------------------------------------------------------------------- hop */

static void report_latency(const stream_run *r, const dmx_stream_options *s)
{
    const double fade = s->covers > 1 ? (s->covers - 1) * s->hop
                        : s->fade < 0 ? 0
                                      : s->fade;
    const double behind = fmax(0, s->lookahead) + s->hop + fade;
    cli_say(r->t,
            "%s, segments of %.3g s, hop %.3g s: %.3g s behind, and %.3g s for "
            "a run, which takes %.3g s (%.0f %% of a hop)",
            dmx_separator_backend(r->separator),
            (double)dmx_separator_samples(r->separator) /
                (double)dmx_separator_samplerate(r->separator),
            s->hop, behind, s->hop, r->run_seconds,
            100 * r->run_seconds / s->hop);
}

static void warn_of_load(const stream_run *r, const dmx_stream_options *given,
                         const dmx_stream_options *held)
{
    if (r->run_seconds <= 0.9 * given->hop)
        return;
    if (held != NULL)
        cli_warn(r->t,
                 "this machine does not hold a hop of %.3g s: a run takes "
                 "%.3g s; --hop %.3g would do, or a shorter --segment",
                 given->hop, r->run_seconds, held->hop);
    else
        cli_warn(r->t,
                 "this machine does not hold a hop of %.3g s: a run takes "
                 "%.3g s; a shorter --segment would do, or --latency exact",
                 given->hop, r->run_seconds);
}

dmx_status stream_choose_hop(stream_run *r, dmx_stream_options *s,
                             dmx_error *err)
{
    const stream_options *o = r->o;
    s->lookahead = o->lookahead < 0   ? 0.04
                   : o->lookahead > 0 ? o->lookahead
                                      : -1;
    s->fade = o->fade < 0 ? 0.01 : o->fade > 0 ? o->fade : -1;
    s->covers = (int)o->covers;
    s->dry = o->dry;
    dmx_stream_options held = *s;
    const dmx_status status = dmx_stream_suggest(
        &held, &r->run_seconds, r->separator, &r->t->hooks, err);
    cli_clear_bar(r->t);
    if (o->hop > 0) {
        if (status != DMX_OK && status != DMX_ERROR_ARGUMENT)
            return status;
        s->hop = o->hop;
        warn_of_load(r, s, status == DMX_OK ? &held : NULL);
    } else {
        if (status != DMX_OK)
            return status;
        s->hop = is_low(o) ? fmax(LOW_HOP, held.hop)
                           : fmax(BALANCED_HOP, BALANCED_MARGIN * held.hop);
    }
    s->fade = fmin(s->fade, s->hop);
    report_latency(r, s);
    return DMX_OK;
}
