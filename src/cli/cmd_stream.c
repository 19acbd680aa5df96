#include "stream.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(member) offsetof(stream_options, member)

static const cli_option options[] = {
    {"model", 'm', CLI_STRING, "MODEL",
     "released model by name, checkpoint, .onnx model, or bag (htdemucs)",
     AT(name), 0, 0},
    {"stem", 0, CLI_STRING, "NAME",
     "this stem only, or everything but it as no_NAME (all, side by side)",
     AT(stem), 0, 0},
    {"fd", 0, CLI_LIST, "STEM=N",
     "write this stem to file descriptor N (can be repeated)", AT(fd), 0, 0},
    {"raw", 0, CLI_STRING, "FORMAT,RATE,CHANNELS",
     "headerless PCM comes and goes, for example s16le,44100,2 (WAV)", AT(raw),
     0, 0},
    {"bits", 0, CLI_CHOICE, "16|24|32",
     "of the output, 32 is float (as the input)", AT(bits), 0, 0},
    {"latency", 0, CLI_CHOICE, "low|balanced|exact",
     "short segments and hops, longer ones, or whole segments with the numbers "
     "of an offline run (balanced)",
     AT(latency), 0, 0},
    {"hop", 0, CLI_REAL, "SECONDS",
     "between two runs of the network (what this machine holds)", AT(hop),
     0.005, 60},
    {"lookahead", 0, CLI_REAL, "SECONDS",
     "of its future that a sample waits for (0.04)", AT(lookahead), 0, 60},
    {"fade", 0, CLI_REAL, "SECONDS", "crossfade between runs (0.01)", AT(fade),
     0, 60},
    {"covers", 0, CLI_INT, "N",
     "mean of N runs, weighted by a triangle, instead of a crossfade",
     AT(covers), 2, 64},
    {"segment", 0, CLI_REAL, "SECONDS",
     "of the past that a run sees (low 2, balanced 4, exact the model's own)",
     AT(segment), 0.1, 3600},
    {"live", 0, CLI_FLAG, NULL,
     "never hold up the input: what is late is left out and counted", AT(live),
     0, 0},
    {"dry", 0, CLI_FLAG, NULL,
     "with --live or --jack: the mix where stems are late", AT(dry), 0, 0},
    {"jack", 0, CLI_FLAG, NULL,
     "no pipe: a client of JACK or PipeWire, live, until Ctrl-C", AT(jack), 0,
     0},
    {"evaluate", 0, CLI_STRING, "SONG",
     "no stream: print the SDR of live modes on this song", AT(evaluate), 0, 0},
    {"compare", 0, CLI_STRING, "TEMPLATE",
     "its true stems, such as truth/{stem}.wav", AT(compare), 0, 0},
    {"seconds", 0, CLI_REAL, "S", "of the song that are evaluated (60)",
     AT(seconds), 1, 3600},
    {"engine", 0, CLI_CHOICE, "auto|native|onnxruntime|reference",
     "what computes: auto is native for checkpoints, onnxruntime for .onnx "
     "(auto)",
     AT(engine), 0, 0},
    {"precision", 0, CLI_CHOICE, "exact|int16|int8",
     "of the native engine: float32, or integers, faster and within 60 or 45 "
     "dB of it, proved on the model (exact)",
     AT(precision), 0, 0},
    {"threads", 0, CLI_INT, "N", "threads of the engine (all allowed cores)",
     AT(threads), 1, 1024},
    {"onnxruntime", 0, CLI_STRING, "PATH",
     "ONNX Runtime's library, or the folder that holds it", AT(onnxruntime), 0,
     0},
    {"providers", 0, CLI_STRING, "LIST",
     "ONNX Runtime's execution providers in order of preference, or auto (cpu)",
     AT(providers), 0, 0},
    CLI_HUB_OPTIONS(stream_options, hub),
    CLI_MODEL_OPTIONS(stream_options, model),
    {NULL, 0, CLI_FLAG, NULL, NULL, 0, 0, 0},
};

static const stream_options defaults = {
    .name = "htdemucs",
    .latency = "balanced",
    .hop = -1,
    .lookahead = -1,
    .fade = -1,
};

/* --------------------------------------------------------------- options */

static int check(cli_terminal *t, const stream_options *o)
{
    const bool exact = strcmp(o->latency, "exact") == 0;
    if ((o->evaluate != NULL) != (o->compare != NULL))
        return cli_misuse(t, "stream", "--evaluate and --compare go together");
    if (o->evaluate != NULL && (o->fd.count > 0 || o->stem != NULL || exact))
        return cli_misuse(t, "stream",
                          "--evaluate takes all stems of a live mode: it does "
                          "not go with --stem, --fd or --latency exact");
    if (exact && (o->hop >= 0 || o->lookahead >= 0 || o->fade >= 0 ||
                  o->covers > 0 || o->live || o->dry))
        return cli_misuse(t, "stream",
                          "--latency exact has no --hop, --lookahead, --fade, "
                          "--covers, --live or --dry");
    if (o->covers > 0 && o->fade >= 0)
        return cli_misuse(t, "stream", "give only one of --covers, --fade");
    if (o->jack && (o->fd.count > 0 || o->raw != NULL || o->bits != NULL ||
                    o->live || exact || o->evaluate != NULL))
        return cli_misuse(t, "stream",
                          "--jack has no pipes and is live: it does not go "
                          "with --fd, --raw, --bits, --live, --evaluate or "
                          "--latency exact");
    if (o->dry && !o->live && !o->jack)
        return cli_misuse(t, "stream", "--dry belongs to --live or --jack");
    if (o->stem != NULL && o->fd.count > 0)
        return cli_misuse(t, "stream", "give only one of --stem, --fd");
    if (o->jack)
        return CLI_DONE;
    if (o->evaluate == NULL && o->fd.count == 0 && isatty(STDOUT_FILENO))
        return cli_misuse(t, "stream",
                          "standard output is a terminal; pipe the samples "
                          "into a player or a file");
    if (o->evaluate == NULL && isatty(STDIN_FILENO))
        return cli_misuse(t, "stream",
                          "standard input is a terminal; pipe WAV or --raw "
                          "samples in");
    return CLI_DONE;
}

/* --------------------------------------------------------------- results */

static bool on_stdout(const stream_run *r)
{
    for (size_t i = 0; i < r->outputs; i++)
        if (r->output[i].fd == STDOUT_FILENO)
            return true;
    return false;
}

static void tell(const stream_run *r, const dmx_pipe_report *p,
                 const dmx_stream_statistics *s)
{
    const double rate = (double)dmx_separator_samplerate(r->separator);
    cli_say(r->t,
            "%.1f s; %lld runs, %.0f %% of a hop each, %.0f %% at worst; %lld "
            "late frames, %lld clipped samples",
            (double)p->frames / rate, (long long)s->runs, 100 * s->mean_load,
            100 * s->worst_load, (long long)s->late_frames,
            (long long)p->clipped);
    if (r->xruns > 0)
        cli_warn(r->t, "%lld xruns: blocks that JACK's server had to leave out",
                 (long long)r->xruns);
    if (s->lost_frames > 0)
        cli_warn(r->t, "%lld frames of input were lost",
                 (long long)s->lost_frames);
    if (s->nonfinite > 0)
        cli_warn(r->t, "%lld samples that are not finite became 0",
                 (long long)s->nonfinite);
}

/* On standard output, unless samples go there. */
static void print_json(const stream_run *r, const dmx_pipe_report *p,
                       const dmx_stream_statistics *s)
{
    FILE *out = on_stdout(r) ? stderr : stdout;
    const double rate = (double)dmx_separator_samplerate(r->separator);
    fprintf(out,
            "{\"frames\": %lld, \"samplerate\": %.0f, \"latency\": %.6f, "
            "\"algorithmic_latency\": %.6f, \"runs\": %lld, "
            "\"skipped_runs\": %lld, \"late_frames\": %lld, "
            "\"lost_frames\": %lld, \"nonfinite\": %lld, \"clipped\": %lld, "
            "\"xruns\": %lld, \"mean_load\": %.4f, \"worst_load\": %.4f, "
            "\"run_seconds\": %.6f}\n",
            (long long)p->frames, rate, (double)s->latency / rate,
            (double)s->algorithmic_latency / rate, (long long)s->runs,
            (long long)s->skipped_runs, (long long)s->late_frames,
            (long long)s->lost_frames, (long long)s->nonfinite,
            (long long)p->clipped, (long long)r->xruns, s->mean_load,
            s->worst_load, r->run_seconds);
    fflush(out);
}

void stream_tell(const stream_run *r, const dmx_pipe_report *p,
                 const dmx_stream_statistics *s)
{
    if (r->t->json)
        print_json(r, p, s);
    else
        tell(r, p, s);
}

/* ------------------------------------------------------------------- run */

static dmx_status run_pipe(stream_run *r, dmx_error *err)
{
    const bool exact = strcmp(r->o->latency, "exact") == 0;
    dmx_stream_options s = DMX_STREAM_OPTIONS_INIT;
    dmx_pipe_options p = DMX_PIPE_OPTIONS_INIT;
    dmx_pipe_report report = DMX_PIPE_REPORT_INIT;
    dmx_stream_statistics statistics = DMX_STREAM_STATISTICS_INIT;
    if (!exact) {
        const dmx_status status = stream_choose_hop(r, &s, err);
        if (status != DMX_OK)
            return status;
    } else {
        cli_say(r->t, "%s, segments of %.3g s: that much behind",
                dmx_separator_backend(r->separator),
                (double)dmx_separator_samples(r->separator) /
                    (double)dmx_separator_samplerate(r->separator));
    }
    p.hooks = &r->t->hooks;
    p.output = r->output;
    p.outputs = r->outputs;
    p.stream = exact ? NULL : &s;
    p.raw = r->o->raw;
    p.bits = r->o->bits != NULL ? atoi(r->o->bits) : 0;
    p.live = r->o->live;
    const dmx_status status =
        dmx_stream_pipe(r->separator, &p, &report, &statistics, err);
    cli_clear_bar(r->t);
    /* An endless stream ends with Ctrl-C. */
    if (status == DMX_OK ||
        (status == DMX_ERROR_CANCELLED && statistics.latency > 0))
        stream_tell(r, &report, &statistics);
    return status;
}

static int run(cli_terminal *t, const void *values, int n, char **operand)
{
    (void)n, (void)operand;
    const stream_options *o = values;
    stream_run r = {.t = t, .o = o};
    dmx_error err = DMX_ERROR_INIT;
    int code = check(t, o);
    if (code != CLI_DONE)
        return code;
    if (o->evaluate != NULL)
        return stream_evaluate(t, o);
    if (o->jack) {
        code = cli_finish(t, stream_jack(&r, &err), &err);
        dmx_separator_close(r.separator);
        return code;
    }
    const bool exact = strcmp(o->latency, "exact") == 0;
    dmx_status status = stream_open_separator(&r.separator, t, o, exact, &err);
    if (status == DMX_OK)
        code = stream_plan_outputs(&r);
    if (status == DMX_OK && code == CLI_DONE)
        status = run_pipe(&r, &err);
    free(r.gain);
    dmx_separator_close(r.separator);
    return code != CLI_DONE ? code : cli_finish(t, status, &err);
}

const cli_command cli_command_stream = {
    .name = "stream",
    .operands = "",
    .summary = "separate what comes through a pipe while it comes",
    .details =
        "Reads WAV or --raw PCM at the model's rate from standard input and "
        "writes stems as they are ready, in the same form: arecord -f cd | "
        "demucs-onnx stream --stem no_vocals | aplay. Every hop, the network "
        "runs over a segment of the past. Without --hop this machine is "
        "measured first, and the smallest hop that it holds is taken. Stems "
        "line up with the mix; what they come later is told at the start. "
        "Statistics go to standard error.",
    .option = options,
    .options_size = sizeof(stream_options),
    .defaults = &defaults,
    .min_operands = 0,
    .max_operands = 0,
    .run = run,
};
