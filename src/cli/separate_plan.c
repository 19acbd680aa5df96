/* Plans the stems and files that the options request. */
#include "separate.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --------------------------------------------------------------- options */

static int misuse(cli_terminal *t, const char *message)
{
    return cli_misuse(t, "separate", "%s", message);
}

static int check_stems(cli_terminal *t, const separate_options *o)
{
    const int ways = (o->stem != NULL) + (o->stems != NULL) +
                     (o->two_stems != NULL) + (o->karaoke != 0) +
                     (o->to_stdout != NULL);
    if (ways > 1)
        return misuse(t, "give only one of --stem, --stems, --two-stems, "
                         "--karaoke, --stdout");
    if (o->other_method != NULL && o->two_stems == NULL)
        return misuse(t, "--other-method belongs to --two-stems");
    if (o->to_stdout != NULL && (t->json || o->mix_stems.count > 0))
        return misuse(t, "--stdout does not go with --json or --mix-stems");
    if (o->to_stdout != NULL && isatty(STDOUT_FILENO))
        return misuse(t, "--stdout: standard output is a terminal; redirect "
                         "it");
    if (o->raw != NULL && o->stream > 0)
        return misuse(t, "--raw songs have no streams: --stream does not go "
                         "with it");
    if (o->overwrite && o->skip_existing)
        return misuse(t, "give only one of --overwrite, --skip-existing");
    return CLI_DONE;
}

static int choose_format(separate_plan *p, cli_terminal *t)
{
    const separate_options *o = p->o;
    const struct {
        int given;
        const char *name;
    } formats[] = {{o->wav, "wav"},          {o->flac, "flac"}, {o->mp3, "mp3"},
                   {o->ogg, "ogg"},          {o->opus, "opus"}, {o->m4a, "m4a"},
                   {o->stem_mp4, "stem.mp4"}};
    int given = 0;
    p->format = "wav";
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (formats[i].given) {
            p->format = formats[i].name;
            given++;
        }
    if (given > 1)
        return misuse(t, "give only one of --wav, --flac, --mp3, --ogg, "
                         "--opus, --m4a, --stem-mp4");
    const bool wav = strcmp(p->format, "wav") == 0;
    const bool flac = strcmp(p->format, "flac") == 0;
    if (o->int24 && o->float32)
        return misuse(t, "give only one of --int24, --float32");
    if ((o->int24 && !wav && !flac) || (o->float32 && !wav))
        return misuse(t, "--int24 is for WAV and FLAC, --float32 for WAV");
    if (o->dither && ((!wav && !flac) || o->float32))
        return misuse(t, "--dither is for 16 and 24 bit WAV and FLAC");
    p->bits = o->float32 ? 32 : o->int24 ? 24 : 16;
    return CLI_DONE;
}

static int choose_clipping(separate_plan *p, cli_terminal *t)
{
    const separate_options *o = p->o;
    const char *mode = o->clip_mode;
    p->clip = DMX_CLIP_RESCALE;
    if (mode == NULL)
        return CLI_DONE;
    if (strcmp(mode, "rescale") == 0) {
        if (o->exact_sum || o->float32 || o->to_stdout != NULL)
            return misuse(t, "--clip-mode rescale does not go with "
                             "--exact-sum, --float32 or --stdout");
        return CLI_DONE;
    }
    p->clip = strcmp(mode, "clamp") == 0  ? DMX_CLIP_CLAMP
              : strcmp(mode, "tanh") == 0 ? DMX_CLIP_TANH
                                          : DMX_CLIP_NONE;
    if (o->exact_sum && p->clip != DMX_CLIP_NONE)
        return misuse(t, "--exact-sum: stems that are clamped do not sum to "
                         "the mix");
    return CLI_DONE;
}

static int check_templates(cli_terminal *t, const separate_options *o)
{
    const struct {
        const char *option, *text;
    } templates[] = {
        {"filename", o->filename}, {"plot", o->plot}, {"compare", o->compare}};
    for (size_t i = 0; i < 3; i++) {
        const char *text = templates[i].text;
        const char *problem =
            text != NULL ? separate_template_problem(text) : NULL;
        if (problem != NULL)
            return cli_misuse(t, "separate", "--%s: %s: %s",
                              templates[i].option, text, problem);
    }
    if (o->to_stdout != NULL && (o->compare != NULL || o->plot != NULL))
        return misuse(t, "--stdout does not go with --plot or --compare");
    return CLI_DONE;
}

/* ------------------------------------------------------- stems to separate */

/* All names in a list of "a,b" texts; malloc'd. */
static const char **names_of(const char *first, const cli_list *more)
{
    size_t size = first != NULL ? strlen(first) + 2 : 2;
    for (size_t i = 0; more != NULL && i < more->count; i++)
        size += strlen(more->item[i]) + 1;
    char *joined = calloc(size, 1);
    if (joined == NULL)
        return NULL;
    if (first != NULL)
        strcat(joined, first);
    for (size_t i = 0; more != NULL && i < more->count; i++) {
        strcat(joined, ",");
        strcat(joined, more->item[i]);
    }
    const char **names = cli_split(joined);
    free(joined);
    return names;
}

static bool adds_others(const separate_options *o)
{
    return o->other_method == NULL || strcmp(o->other_method, "add") == 0;
}

static int choose_stems(separate_plan *p, cli_terminal *t)
{
    const separate_options *o = p->o;
    const char *only = o->stem != NULL        ? o->stem
                       : o->stems != NULL     ? o->stems
                       : o->to_stdout != NULL ? o->to_stdout
                                              : NULL;
    if (o->two_stems != NULL && !adds_others(o))
        only = o->two_stems;
    const bool all = o->two_stems != NULL && adds_others(o);
    const bool mixes = o->mix_stems.count > 0;
    if (o->stem_mp4)
        return CLI_DONE;
    if (o->karaoke && !mixes)
        p->without = names_of("vocals", NULL);
    else if (!all && !o->karaoke && (only != NULL || mixes))
        p->stems = names_of(only, &o->mix_stems);
    else
        return CLI_DONE;
    if (p->stems == NULL && p->without == NULL) {
        cli_error(t, "no memory");
        return CLI_FAILED;
    }
    return CLI_DONE;
}

int separate_plan_init(separate_plan *p, cli_terminal *t,
                       const separate_options *o)
{
    *p = (separate_plan){.o = o, .one_file = o->stem_mp4};
    p->filename = o->filename != NULL ? o->filename
                  : o->stem_mp4       ? "{track}.{ext}"
                                      : "{track}/{stem}.{ext}";
    int code = check_stems(t, o);
    if (code == CLI_DONE)
        code = separate_stem_file_check(t, o);
    if (code == CLI_DONE)
        code = choose_format(p, t);
    if (code == CLI_DONE)
        code = choose_clipping(p, t);
    if (code == CLI_DONE)
        code = check_templates(t, o);
    return code == CLI_DONE ? choose_stems(p, t) : code;
}

size_t separate_plan_files(const separate_plan *p)
{
    return p->one_file ? 1 : p->outputs;
}

void separate_plan_free(separate_plan *p)
{
    dmx_bag_close(p->bag);
    free(p->stems);
    free(p->without);
    for (size_t i = 0; i < p->outputs; i++) {
        free(p->output[i].name);
        free(p->output[i].gain);
    }
    p->outputs = 0;
}

/* --------------------------------------------------------------- outputs */

separate_output *separate_plan_add(separate_plan *p, const dmx_separator *s,
                                   const char *prefix, const char *name)
{
    if (p->outputs == DMX_SONG_OUTPUTS)
        return NULL;
    separate_output *out = &p->output[p->outputs];
    const size_t size = strlen(prefix) + strlen(name) + 1;
    *out = (separate_output){malloc(size),
                             calloc(dmx_separator_stems(s), sizeof(double)), 0};
    p->outputs++;
    if (out->name == NULL || out->gain == NULL)
        return NULL;
    snprintf(out->name, size, "%s%s", prefix, name);
    return out;
}

bool separate_plan_add_stem(separate_plan *p, const dmx_separator *s,
                            size_t stem)
{
    separate_output *out =
        separate_plan_add(p, s, "", dmx_separator_stem(s, stem));
    if (out != NULL)
        out->gain[stem] = 1;
    return out != NULL;
}

/* The sum of all stems but `name`, or the mix minus it. */
static bool add_rest(separate_plan *p, const dmx_separator *s, const char *name)
{
    separate_output *out = separate_plan_add(p, s, "no_", name);
    if (out == NULL)
        return false;
    const bool minus = p->o->two_stems != NULL && !adds_others(p->o);
    out->mix_gain = minus ? 1 : 0;
    for (size_t k = 0; k < dmx_separator_stems(s); k++) {
        const bool same = strcmp(dmx_separator_stem(s, k), name) == 0;
        out->gain[k] = minus ? (same ? -1 : 0) : (same ? 0 : 1);
    }
    return true;
}

/* Names separated by commas, each as the model has it; free the list. */
static const char **stem_names(const separate_plan *p, const char *text)
{
    const char **names = cli_split(text);
    for (size_t i = 0; names != NULL && names[i] != NULL; i++)
        names[i] = dmx_bag_stem(p->bag, names[i]);
    return names;
}

static bool is_in(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* --mix-stems a,b: "a+b". */
bool separate_plan_add_mix(separate_plan *p, const dmx_separator *s,
                           const char *text)
{
    const char **names = stem_names(p, text);
    separate_output *out =
        names != NULL ? separate_plan_add(p, s, "", text) : NULL;
    for (size_t k = 0; out != NULL && k < dmx_separator_stems(s); k++)
        out->gain[k] = is_in(dmx_separator_stem(s, k), names);
    for (char *c = out != NULL ? out->name : NULL; c != NULL && *c != '\0'; c++)
        if (*c == ',')
            *c = '+';
    free(names);
    return out != NULL;
}

/* Adds unmixed stems: all, or those named. */
static bool add_stems(separate_plan *p, const dmx_separator *s)
{
    const separate_options *o = p->o;
    const char *only = o->stem != NULL    ? o->stem
                       : o->stems != NULL ? o->stems
                                          : o->to_stdout;
    if (only == NULL && (o->karaoke || o->mix_stems.count > 0))
        return true;
    const char **names = only != NULL ? stem_names(p, only) : NULL;
    bool good = only == NULL || names != NULL;
    for (size_t k = 0; good && k < dmx_separator_stems(s); k++)
        if (names == NULL || is_in(dmx_separator_stem(s, k), names))
            good = separate_plan_add_stem(p, s, k);
    free(names);
    return good;
}

static bool add_two_stems(separate_plan *p, const dmx_separator *s)
{
    const char *name = dmx_bag_stem(p->bag, p->o->two_stems);
    for (size_t k = 0; k < dmx_separator_stems(s); k++)
        if (strcmp(dmx_separator_stem(s, k), name) == 0) {
            const bool none = p->o->other_method != NULL &&
                              strcmp(p->o->other_method, "none") == 0;
            return separate_plan_add_stem(p, s, k) &&
                   (none || add_rest(p, s, name));
        }
    return false;
}

bool separate_plan_knows(const dmx_separator *s, const char *name)
{
    for (size_t i = 0; i < dmx_separator_sources(s); i++)
        if (strcmp(dmx_separator_source(s, i), name) == 0)
            return true;
    return false;
}

int separate_plan_no_such_stem(cli_terminal *t, const dmx_separator *s,
                               const char *name)
{
    char known[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < dmx_separator_sources(s) && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                 i > 0 ? ", " : "", dmx_separator_source(s, i));
    return cli_misuse(t, "separate", "the model has no stem '%s'; it has %s",
                      name, known);
}

int separate_plan_outputs(separate_plan *p, cli_terminal *t,
                          const dmx_separator *s)
{
    const separate_options *o = p->o;
    if (p->one_file)
        return separate_stem_file_outputs(p, t, s);
    const char *needed =
        o->karaoke ? "vocals" : dmx_bag_stem(p->bag, o->two_stems);
    if (needed != NULL && !separate_plan_knows(s, needed))
        return separate_plan_no_such_stem(t, s, needed);
    bool good = o->two_stems != NULL ? add_two_stems(p, s) : add_stems(p, s);
    if (good && o->karaoke)
        good = add_rest(p, s, "vocals");
    for (size_t i = 0; good && i < o->mix_stems.count; i++)
        good = separate_plan_add_mix(p, s, o->mix_stems.item[i]);
    if (good && p->outputs > 0)
        return CLI_DONE;
    cli_error(t, p->outputs == DMX_SONG_OUTPUTS ? "too many files to write"
                                                : "no memory");
    return CLI_FAILED;
}
