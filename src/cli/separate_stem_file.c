/* --stem-mp4: a song's mix and four stems as the tracks of one file. */
#include "separate.h"

#include <stdlib.h>
#include <string.h>

enum { STEMS = 4 };

bool separate_is_stem_file(const char *path)
{
    return dmx_text_ends_with(path, ".stem.mp4");
}

/* ----------------------------------------------------------------- options */

static int misuse(cli_terminal *t, const char *message)
{
    return cli_misuse(t, "separate", "%s", message);
}

int separate_stem_file_check(cli_terminal *t, const separate_options *o)
{
    if (!o->stem_mp4)
        return CLI_DONE;
    if (o->stem != NULL || o->stems != NULL || o->two_stems != NULL ||
        o->karaoke || o->to_stdout != NULL)
        return misuse(t, "--stem-mp4 takes the mix and all stems: it does not "
                         "go with --stem, --stems, --two-stems, --karaoke or "
                         "--stdout");
    if (o->mono || o->exact_sum || o->compare != NULL)
        return misuse(t, "--stem-mp4 does not go with --mono, --exact-sum or "
                         "--compare");
    if (o->filename != NULL && strstr(o->filename, "{stem}") != NULL)
        return misuse(t, "--filename: all stems are in one file with "
                         "--stem-mp4: it has no {stem}");
    if (o->filename != NULL && !dmx_text_ends_with(o->filename, ".{ext}") &&
        !separate_is_stem_file(o->filename))
        return misuse(t, "--filename: players know a stem file by the end of "
                         "its name: it must be .{ext} or .stem.mp4");
    return CLI_DONE;
}

/* ----------------------------------------------------------------- outputs */

/* A sum of --mix-stems, in place of the first stem in its list. */
typedef struct sum {
    const char *text;
    const char **name;
} sum;

typedef struct sums {
    sum item[DMX_SONG_OUTPUTS];
    size_t count;
} sums;

static void free_sums(sums *all)
{
    for (size_t i = 0; i < all->count; i++)
        free(all->item[i].name);
}

static bool split_sums(sums *all, const cli_list *list)
{
    for (; all->count < list->count; all->count++) {
        const char *text = list->item[all->count];
        all->item[all->count] = (sum){text, cli_split(text)};
        if (all->item[all->count].name == NULL)
            return false;
    }
    return true;
}

/* The sum that contains a stem, and in how many it is. */
static const sum *sum_of(const sums *all, const char *stem, int *times)
{
    const sum *found = NULL;
    *times = 0;
    for (size_t i = 0; i < all->count; i++)
        for (const char **n = all->item[i].name; *n != NULL; n++)
            if (strcmp(*n, stem) == 0) {
                found = &all->item[i];
                ++*times;
            }
    return found;
}

static int check_sums(const sums *all, cli_terminal *t, const dmx_separator *s)
{
    for (size_t i = 0; i < all->count; i++)
        for (const char **n = all->item[i].name; *n != NULL; n++) {
            int times;
            if (!separate_plan_knows(s, *n))
                return separate_plan_no_such_stem(t, s, *n);
            (void)sum_of(all, *n, &times);
            if (times > 1)
                return cli_misuse(t, "separate",
                                  "--mix-stems: '%s' is summed twice; in a "
                                  "stem file each stem has one place",
                                  *n);
        }
    return CLI_DONE;
}

static bool add_stems(separate_plan *p, const dmx_separator *s, const sums *all)
{
    bool good = true;
    for (size_t k = 0; good && k < dmx_separator_stems(s); k++) {
        const char *name = dmx_separator_stem(s, k);
        int times;
        const sum *in = sum_of(all, name, &times);
        if (in == NULL)
            good = separate_plan_add_stem(p, s, k);
        else if (strcmp(in->name[0], name) == 0)
            good = separate_plan_add_mix(p, s, in->text);
    }
    return good;
}

static bool is_usual(const char *stem)
{
    static const char *const usual[] = {"drums", "bass", "vocals", "other"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcmp(stem, usual[i]) == 0)
            return true;
    return false;
}

/* "other,guitar,piano": stems of the model that could be summed to leave four:
 * "other" and those that four-stem models lack, then any. */
static void advise(char *text, size_t size, const dmx_separator *s)
{
    const size_t stems = dmx_separator_stems(s);
    size_t used = 0, wanted = stems - STEMS + 1;
    text[0] = '\0';
    for (int pass = 0; pass < 3; pass++)
        for (size_t k = 0; k < stems && wanted > 0 && used < size; k++) {
            const char *name = dmx_separator_stem(s, k);
            const int turn = strcmp(name, "other") == 0 ? 0
                             : is_usual(name)           ? 2
                                                        : 1;
            if (turn != pass)
                continue;
            used += (size_t)snprintf(text + used, size - used, "%s%s",
                                     used > 0 ? "," : "", name);
            wanted--;
        }
}

static int check_count(const separate_plan *p, cli_terminal *t,
                       const dmx_separator *s)
{
    const size_t made = p->outputs - 1, stems = dmx_separator_stems(s);
    char advice[256];
    if (made == STEMS)
        return CLI_DONE;
    if (stems < STEMS)
        return cli_misuse(t, "separate",
                          "--stem-mp4: a stem file has four stems, the model "
                          "%zu; take a model of four or more",
                          stems);
    if (made < STEMS || p->o->mix_stems.count > 0 || stems == STEMS)
        return cli_misuse(t, "separate",
                          "--stem-mp4: a stem file has four stems; with these "
                          "--mix-stems there are %zu",
                          made);
    advise(advice, sizeof advice, s);
    return cli_misuse(t, "separate",
                      "--stem-mp4: a stem file has four stems, the model %zu; "
                      "sum some of them, for example --mix-stems %s",
                      stems, advice);
}

int separate_stem_file_outputs(separate_plan *p, cli_terminal *t,
                               const dmx_separator *s)
{
    sums all = {.count = 0};
    if (p->o->mix_stems.count > DMX_SONG_OUTPUTS)
        return misuse(t, "--mix-stems: too many");
    bool good = split_sums(&all, &p->o->mix_stems);
    int code = good ? check_sums(&all, t, s) : CLI_DONE;
    if (good && code == CLI_DONE) {
        separate_output *mix = separate_plan_add(p, s, "", "mix");
        if (mix != NULL)
            mix->mix_gain = 1;
        good = mix != NULL && add_stems(p, s, &all);
    }
    free_sums(&all);
    if (!good) {
        cli_error(t, "no memory");
        return CLI_FAILED;
    }
    return code == CLI_DONE ? check_count(p, t, s) : code;
}
