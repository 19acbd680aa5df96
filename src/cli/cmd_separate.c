#include "separate.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(member) offsetof(separate_options, member)

const cli_option cli_separate_options[] = {
    {"model", 'm', CLI_STRING, "MODEL",
     "released model by name, checkpoint, .onnx model, or bag (.yaml, .json) "
     "(htdemucs)",
     AT(name), 0, 0},
    {"name", 'n', CLI_STRING, "MODEL", "the same", AT(name), 0, 0},
    {"out", 'o', CLI_STRING, "DIR", "folder for the stems (separated/<model>)",
     AT(folder), 0, 0},
    {"filename", 0, CLI_STRING, "TEMPLATE",
     "name of each file below it: {track}, {trackext}, {folder}, {stem}, "
     "{ext}, {model} ({track}/{stem}.{ext}; {track}.{ext} with --stem-mp4)",
     AT(filename), 0, 0},
    {"files-from", 0, CLI_STRING, "LIST",
     "songs and folders, one a line, also from this file, or - for standard "
     "input",
     AT(files_from), 0, 0},
    {"shard", 0, CLI_STRING, "I/N",
     "separate one of N parts of the songs, I from 0 to N-1, the same part "
     "everywhere",
     AT(shard), 0, 0},
    {"balance", 0, CLI_FLAG, NULL,
     "make the parts of --shard equally long: every process looks into every "
     "song",
     AT(balance), 0, 0},
    {"results", 0, CLI_STRING, "FILE",
     "append a JSON line for each song: hashes, figures, error", AT(results), 0,
     0},
    {"resume", 0, CLI_LIST, "RESULTS",
     "leave out what these results have as done, take up what was begun "
     "(can be repeated; may be missing)",
     AT(resume), 0, 0},
    {"overwrite", 0, CLI_FLAG, NULL,
     "replace files that exist (never one that is read)", AT(overwrite), 0, 0},
    {"skip-existing", 0, CLI_FLAG, NULL,
     "leave out songs whose files all exist", AT(skip_existing), 0, 0},
    {"stem", 0, CLI_STRING, "NAME", "write this stem only", AT(stem), 0, 0},
    {"stems", 0, CLI_STRING, "A,B", "write these stems only", AT(stems), 0, 0},
    {"two-stems", 0, CLI_STRING, "NAME",
     "write this stem and everything else as no_NAME", AT(two_stems), 0, 0},
    {"other-method", 0, CLI_CHOICE, "add|minus|none",
     "how --two-stems makes the rest: the sum of the other stems, the mix "
     "minus the stem, or not at all (add)",
     AT(other_method), 0, 0},
    {"karaoke", 0, CLI_FLAG, NULL,
     "write everything but the vocals, as no_vocals", AT(karaoke), 0, 0},
    {"mix-stems", 0, CLI_LIST, "A,B",
     "write the sum of these stems as A+B (can be repeated)", AT(mix_stems), 0,
     0},
    {"exact-sum", 0, CLI_FLAG, NULL,
     "spread what is left of the mix over the stems, so that they sum to it "
     "exactly",
     AT(exact_sum), 0, 0},
    {"stdout", 0, CLI_STRING, "STEM",
     "write this stem to standard output as it is ready, and no files",
     AT(to_stdout), 0, 0},
    {"wav", 0, CLI_FLAG, NULL, "write WAV (the default)", AT(wav), 0, 0},
    {"flac", 0, CLI_FLAG, NULL, "write FLAC", AT(flac), 0, 0},
    {"mp3", 0, CLI_FLAG, NULL, "write MP3", AT(mp3), 0, 0},
    {"ogg", 0, CLI_FLAG, NULL, "write Ogg Vorbis", AT(ogg), 0, 0},
    {"opus", 0, CLI_FLAG, NULL, "write Opus", AT(opus), 0, 0},
    {"m4a", 0, CLI_FLAG, NULL, "write AAC in M4A", AT(m4a), 0, 0},
    {"stem-mp4", 0, CLI_FLAG, NULL,
     "write one DJ stem file a song, {track}.stem.mp4: the mix and four stems "
     "in AAC; --mix-stems A,B puts A+B in the place of A and B",
     AT(stem_mp4), 0, 0},
    {"int24", 0, CLI_FLAG, NULL, "24 bits instead of 16 (WAV, FLAC)", AT(int24),
     0, 0},
    {"float32", 0, CLI_FLAG, NULL,
     "32-bit float WAV: never rescaled nor cut off", AT(float32), 0, 0},
    {"bitrate", 0, CLI_INT, "KBIT",
     "of MP3, OGG, Opus, M4A (320, 256, 192, 256), of each track of a stem "
     "file (256)",
     AT(bitrate), 8, 512},
    {"mp3-bitrate", 0, CLI_INT, "KBIT", "the same", AT(bitrate), 8, 320},
    {"samplerate", 0, CLI_INT, "HZ", "of the files (the song's own)",
     AT(samplerate), 1000, 768000},
    {"mono", 0, CLI_FLAG, NULL, "write one channel", AT(mono), 0, 0},
    {"dither", 0, CLI_FLAG, NULL,
     "triangular dither before rounding to 16 or 24 bits", AT(dither), 0, 0},
    {"clip-mode", 0, CLI_CHOICE, "rescale|clamp|tanh|none",
     "what keeps stems within full scale (rescale; none for --float32, "
     "--exact-sum and --stdout)",
     AT(clip_mode), 0, 0},
    {"overlap", 0, CLI_REAL, "X", "of neighbouring segments (0.25)",
     AT(overlap), 0, 0.99},
    {"segment", 0, CLI_REAL, "SECONDS",
     "length of a segment, at most the model's own (that)", AT(segment), 0.1,
     3600},
    {"shifts", 0, CLI_INT, "N",
     "average N random shifts: better by a little, N times slower (0)",
     AT(shifts), 0, 100},
    {"seed", 0, CLI_INT, "N", "of the random shifts, as in Python (0)",
     AT(seed), 0, 0},
    {"transition-power", 0, CLI_REAL, "X",
     "sharpness of the transitions between segments (1)", AT(transition_power),
     1, 32},
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
    {"batch", 0, CLI_INT, "N",
     "segments that ONNX Runtime computes at once (1, or what the .onnx file "
     "fixes)",
     AT(batch), 1, 64},
    {"jobs", 'j', CLI_INT, "N",
     "songs at a time: they decode and encode beside the busy engine (1)",
     AT(jobs), 1, 64},
    {"onnxruntime", 0, CLI_STRING, "PATH",
     "ONNX Runtime's library, or the folder that holds it", AT(onnxruntime), 0,
     0},
    {"providers", 0, CLI_STRING, "LIST",
     "ONNX Runtime's execution providers in order of preference, or auto (cpu)",
     AT(providers), 0, 0},
    {"stream", 0, CLI_INT, "N",
     "the Nth audio stream of files that have several (the first)", AT(stream),
     1, 256},
    {"raw", 0, CLI_STRING, "FORMAT,RATE,CHANNELS",
     "songs are headerless PCM, for example f32le,44100,2", AT(raw), 0, 0},
    {"plot", 0, CLI_STRING, "FILE",
     "picture of mix and stems, .png or .svg; a template when there are "
     "several songs",
     AT(plot), 0, 0},
    {"compare", 0, CLI_STRING, "TEMPLATE",
     "true stems, such as truth/{stem}.wav: print the SDR of each file",
     AT(compare), 0, 0},
    CLI_HUB_OPTIONS(separate_options, hub),
    CLI_MODEL_OPTIONS(separate_options, model),
    {NULL, 0, CLI_FLAG, NULL, NULL, 0, 0, 0},
};

const separate_options cli_separate_defaults = {
    .name = "htdemucs",
    .jobs = 1,
    .overlap = 0.25,
    .transition_power = 1,
};

/* ----------------------------------------------------------------- model */

/* The source, if only one is requested, so that no other model is downloaded;
 * NULL: several. Random shifts are drawn for every model of a bag, so it must
 * be whole. */
static const char *only_stem(const separate_plan *plan)
{
    const char **stems = plan->stems;
    return stems != NULL && stems[0] != NULL && stems[1] == NULL &&
                   plan->o->shifts == 0
               ? stems[0]
               : NULL;
}

/* The bag's name for {model}, its files as inputs of the run. */
static dmx_status note_model(separate_run *r, const dmx_bag *bag,
                             dmx_error *err)
{
    r->model = strdup(dmx_bag_name(bag));
    bool good = r->model != NULL;
    for (size_t m = 0; good && m < dmx_bag_members(bag); m++) {
        cli_detail(r->t, "model %s", dmx_bag_path(bag, m));
        good = cli_files_add(&r->inputs, dmx_bag_path(bag, m));
    }
    if (good)
        return DMX_OK;
    err->code = DMX_ERROR_MEMORY;
    snprintf(err->message, sizeof err->message, "no memory");
    return err->code;
}

static dmx_status open_separator(separate_run *r, separate_plan *plan,
                                 dmx_error *err)
{
    const separate_options *o = r->o;
    dmx_separator_options s = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_model_options arguments = DMX_MODEL_OPTIONS_INIT;
    arguments.config_path = o->model.config;
    const char **set = cli_model_settings(&o->model, NULL);
    arguments.set = set;
    s.hooks = &r->t->hooks;
    if (o->engine != NULL) /* one of the option's choices */
        (void)dmx_backend_find(&s.backend, o->engine);
    s.threads = (int)o->threads;
    s.onnxruntime = o->onnxruntime;
    s.providers = o->providers;
    s.stems = plan->stems;
    s.without = plan->without;
    s.segment = o->segment;
    s.overlap = o->overlap;
    s.transition_power = o->transition_power;
    s.shifts = (int)o->shifts;
    s.batch = (int)o->batch;
    s.seed = o->seed;
    s.model = &arguments;
    s.weights = o->model.weights;
    if (o->precision != NULL) /* one of the option's choices */
        (void)dmx_engine_precision_find(&s.precision, o->precision);
    /* An export has the default length and the checkpoint's own arguments. */
    const bool plain = o->segment == 0 && o->batch <= 1 &&
                       o->model.config == NULL && o->model.set.count == 0 &&
                       o->model.sources == NULL && o->model.weights == NULL;
    dmx_bag *bag;
    char *choices = NULL;
    dmx_status status =
        s.backend == DMX_BACKEND_ONNXRUNTIME && plain
            ? cli_resolve_exported(&bag, r->t, &o->hub, o->name,
                                   only_stem(plan), err)
            : cli_resolve(&bag, r->t, &o->hub, o->name, only_stem(plan), err);
    if (status == DMX_OK) {
        status = note_model(r, bag, err);
        if (status == DMX_OK && s.precision != DMX_ENGINE_EXACT)
            status = cli_choices(&choices, r->t, &o->hub, err);
        s.choices = choices;
        if (status == DMX_OK)
            status = dmx_separator_open(&r->separator, bag, &s, err);
        plan->bag = bag;
    }
    free(choices);
    free(set);
    return status;
}

/* ------------------------------------------------------------------- run */

static bool is_reduced(const separate_options *o)
{
    return o->precision != NULL && strcmp(o->precision, "exact") != 0;
}

static int with_songs(separate_run *r, separate_plan *plan)
{
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status = open_separator(r, plan, &err);
    if (status != DMX_OK) {
        const int code = cli_finish(r->t, status, &err);
        return r->o->results != NULL && separate_may_retry(status) &&
                       code == CLI_FAILED
                   ? SEPARATE_RETRY
                   : code;
    }
    cli_detail(r->t, "%s: %s, segments of %.3g s", r->o->name,
               dmx_separator_backend(r->separator),
               (double)dmx_separator_samples(r->separator) /
                   (double)dmx_separator_samplerate(r->separator));
    if (is_reduced(r->o))
        separate_report_precision(r);
    int code = separate_plan_outputs(plan, r->t, r->separator);
    if (code == CLI_DONE)
        code = separate_files_check(r);
    if (code == CLI_DONE) {
        separate_shard_keep(r);
        code = separate_results_open(r);
    }
    if (code == CLI_DONE)
        code = separate_run_songs(r);
    return code == CLI_DONE && r->songs->unreadable > 0 ? CLI_FAILED : code;
}

/* Checks the options for runs with several processes, before songs are searched
 * for. */
static int check_many_processes(cli_terminal *t, const separate_options *o,
                                int n, char **operand)
{
    long shard[2];
    bool standard = false;
    for (int i = 0; i < n; i++)
        standard = standard || strcmp(operand[i], "-") == 0;
    if (n == 0 && o->files_from == NULL)
        return cli_misuse(t, "separate",
                          "separate: expected SONG..., or "
                          "--files-from LIST");
    if (standard && o->files_from != NULL && strcmp(o->files_from, "-") == 0)
        return cli_misuse(t, "separate",
                          "standard input can't be both a song "
                          "and the list");
    if (o->to_stdout != NULL && (o->results != NULL || o->resume.count > 0))
        return cli_misuse(t, "separate",
                          "--stdout leaves no files for "
                          "--results or --resume");
    return separate_shard_parse(shard, t, o);
}

static int check_many(cli_terminal *t, const separate_plan *plan, size_t songs)
{
    const separate_options *o = plan->o;
    if (songs > 1 && o->to_stdout != NULL)
        return cli_misuse(t, "separate", "--stdout takes one song, not %zu",
                          songs);
    if (songs > 1 && o->plot != NULL && strstr(o->plot, "{track}") == NULL)
        return cli_misuse(t, "separate",
                          "--plot: with %zu songs the name needs {track}",
                          songs);
    if (songs > 1 && strstr(plan->filename, "{track}") == NULL)
        return cli_misuse(t, "separate",
                          "--filename: with %zu songs the name needs {track}",
                          songs);
    return CLI_DONE;
}

/* The run failed before the first song: the error is reported; with --json
 * events the last event is still "end". */
static void end_early(separate_run *r, int code)
{
    r->failed = r->songs->count;
    r->interrupted = code == CLI_INTERRUPTED;
    separate_report_end(r, 0);
}

static void end_unstarted(cli_terminal *t)
{
    separate_songs none = {0};
    separate_run r = {.t = t, .songs = &none};
    separate_report_end(&r, 0);
}

static int run(cli_terminal *t, const void *options, int n, char **operand)
{
    const separate_options *o = options;
    separate_songs songs = {0};
    separate_plan plan;
    separate_run r = {.t = t, .o = o, .plan = &plan, .songs = &songs};
    const char *stems = o->folder != NULL ? o->folder : "separated";
    int code = separate_plan_init(&plan, t, o);
    if (code == CLI_DONE)
        code = check_many_processes(t, o, n, operand);
    if (code == CLI_DONE)
        code = separate_songs_find(&songs, t, n, operand, stems);
    if (code == CLI_DONE && o->files_from != NULL)
        code = separate_songs_list(&songs, t, o->files_from, stems);
    if (code == CLI_DONE)
        code = check_many(t, &plan, songs.count);
    if (code == CLI_DONE)
        code = songs.count == 0 ? separate_run_nothing(&r)
               : separate_songs_any(&songs) || o->results != NULL
                   ? with_songs(&r, &plan)
                   : separate_run_none(&r);
    if (code != CLI_DONE && t->json && !r.ended)
        end_early(&r, code);
    separate_results_close(&r);
    dmx_separator_close(r.separator);
    free(r.model);
    cli_files_free(&r.inputs);
    separate_plan_free(&plan);
    separate_songs_free(&songs);
    return code;
}

const cli_command cli_command_separate = {
    .name = "separate",
    .operands = "[SONG...]",
    .summary = "separate songs into stems",
    .details =
        "Songs are any sound or video files, folders of them, or - for "
        "standard input. The stems have the song's sample rate and exact "
        "length. The paths of the files written go to standard output.",
    .option = cli_separate_options,
    .options_size = sizeof(separate_options),
    .defaults = &cli_separate_defaults,
    .min_operands = 0,
    .max_operands = -1,
    .end = end_unstarted,
    .run = run,
};
