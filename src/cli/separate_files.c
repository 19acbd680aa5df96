/* The files of a run: their names, checked before the first song is opened,
 * and their folders. */
#include "separate.h"
#include "standard_streams.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ paths */

static char *expand(const separate_run *r, const char *text, size_t song,
                    const char *stem, const char *ext)
{
    const separate_names names = {r->songs->path[song], r->songs->below[song],
                                  stem, ext, r->model};
    return separate_expand(text, &names);
}

/* A folder given by the user is used unchanged. */
char *separate_file_path(const separate_run *r, size_t song, const char *stem)
{
    char *name = expand(r, r->plan->filename, song, stem, r->plan->format);
    char *folder = r->o->folder != NULL
                       ? strdup(r->o->folder)
                       : expand(r, "separated/{model}", song, stem, "");
    char *path = name != NULL && folder != NULL
                     ? malloc(strlen(folder) + strlen(name) + 2)
                     : NULL;
    if (path != NULL)
        sprintf(path, "%s/%s", folder, name);
    free(folder);
    free(name);
    return path;
}

char *separate_plot_path(const separate_run *r, size_t song)
{
    return expand(r, r->o->plot, song, "plot", "png");
}

char *separate_truth_path(const separate_run *r, size_t song, const char *stem)
{
    return expand(r, r->o->compare, song, stem, r->plan->format);
}

/* ---------------------------------------------------------------- folders */

static void remember_folder(separate_run *r, const char *path)
{
    if (r->n_made == r->made_capacity) {
        const size_t capacity = 2 * r->made_capacity + 16;
        char **grown = realloc(r->made, capacity * sizeof *grown);
        if (grown == NULL)
            return; /* at worst the folder stays */
        r->made = grown;
        r->made_capacity = capacity;
    }
    r->made[r->n_made] = strdup(path);
    r->n_made += r->made[r->n_made] != NULL;
}

int separate_make_folders(separate_run *r, const char *path)
{
    char *copy = strdup(path);
    int problem = copy == NULL ? ENOMEM : 0;
    pthread_mutex_lock(&r->lock);
    for (char *p = copy; problem == 0 && (p = strchr(p + 1, '/')) != NULL;) {
        *p = '\0';
        if (mkdir(copy, 0777) == 0)
            remember_folder(r, copy);
        else if (errno != EEXIST)
            problem = errno;
        *p = '/';
    }
    pthread_mutex_unlock(&r->lock);
    free(copy);
    return problem;
}

void separate_remove_empty_folders(separate_run *r)
{
    while (r->n_made > 0) {
        char *folder = r->made[--r->n_made];
        rmdir(folder); /* fails unless it is empty */
        free(folder);
    }
    free(r->made);
    r->made = NULL;
    r->made_capacity = 0;
}

/* ------------------------------------------------------------------- names */

/* An output name: its hash, and the song it belongs to. */
typedef struct claim {
    uint64_t hash;
    uint32_t song, output;
} claim;

typedef struct claims {
    claim *item;
    size_t count;
    cli_files existing; /* files that would be replaced */
} claims;

static size_t files_of_song(const separate_run *r)
{
    const size_t files =
        r->o->to_stdout == NULL ? separate_plan_files(r->plan) : 0;
    return files + (r->o->plot != NULL);
}

/* File `index` of a song; the plot comes last. */
static char *path_of(const separate_run *r, size_t song, size_t index)
{
    return index < separate_plan_files(r->plan) && r->o->to_stdout == NULL
               ? separate_file_path(r, song, r->plan->output[index].name)
               : separate_plot_path(r, song);
}

/* FNV-1a of a path, ignoring "//" and "/./". */
static uint64_t hash_path(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *p = path; *p != '\0';) {
        const size_t length = strcspn(p, "/");
        const bool here = length == 1 && *p == '.';
        for (size_t i = 0; !here && i < length; i++)
            hash = (hash ^ (unsigned char)p[i]) * 0x100000001b3u;
        p += length + (p[length] == '/');
        if ((!here && length > 0) || p == path + 1)
            hash = (hash ^ '/') * 0x100000001b3u;
    }
    return hash;
}

static int by_hash(const void *a, const void *b)
{
    const claim *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (x->song != y->song)
        return x->song < y->song ? -1 : 1;
    return x->output < y->output ? -1 : x->output > y->output;
}

static int no_memory(const separate_run *r)
{
    cli_error(r->t, "no memory for the names of the files");
    return CLI_FAILED;
}

static int refuse_pair(const separate_run *r, const claim *a, const claim *b)
{
    char *path = path_of(r, a->song, a->output);
    if (path == NULL)
        return no_memory(r);
    int code;
    if (a->song == b->song)
        code = cli_misuse(r->t, "separate",
                          "%s: two stems would have this name; --filename "
                          "needs {stem}",
                          path);
    else
        code = cli_misuse(
            r->t, "separate",
            "%s: would be written for two songs, %s and %s; tell them apart "
            "with --filename, for example '{folder}/{track}.{trackext}/"
            "{stem}.{ext}'",
            path, r->songs->path[a->song], r->songs->path[b->song]);
    free(path);
    return code;
}

static int refuse_pairs(const separate_run *r, claims *c)
{
    qsort(c->item, c->count, sizeof *c->item, by_hash);
    for (size_t i = 1; i < c->count; i++)
        if (c->item[i - 1].hash == c->item[i].hash)
            return refuse_pair(r, &c->item[i - 1], &c->item[i]);
    return CLI_DONE;
}

/* Claims an output name: refuses one that this run reads, or that names a file
 * that is already claimed. */
static int claim_name(const separate_run *r, claims *c, size_t song,
                      size_t index, const char *path)
{
    c->item[c->count++] =
        (claim){hash_path(path), (uint32_t)song, (uint32_t)index};
    if (r->songs->mine != NULL && !r->songs->mine[song])
        return CLI_DONE; /* another process writes it */
    const int code = cli_check_output(r->t, "separate", &r->inputs, path);
    if (code != CLI_DONE)
        return code;
    const char *other = cli_files_find(&c->existing, path);
    if (other != NULL && strcmp(other, path) != 0)
        return cli_misuse(r->t, "separate",
                          "%s and %s are one file; they can't both be written",
                          other, path);
    return cli_files_add(&c->existing, path) ? CLI_DONE : no_memory(r);
}

static int claim_names(const separate_run *r, claims *c)
{
    int code = CLI_DONE;
    for (size_t i = 0; i < r->songs->count; i++)
        for (size_t k = 0; code == CLI_DONE && k < files_of_song(r); k++) {
            char *path = path_of(r, i, k);
            code = path != NULL ? claim_name(r, c, i, k, path) : no_memory(r);
            free(path);
        }
    return code;
}

/* ------------------------------------------------------------------ inputs */

/* Whether the path is an output of another song, or any stem file when those
 * are written. */
static bool is_made_of_a_song(const separate_run *r, const cli_files *stems,
                              size_t song)
{
    const char *path = r->songs->path[song];
    return (r->plan->one_file && separate_is_stem_file(path)) ||
           cli_files_find(stems, path) != NULL;
}

/* Skips songs found below a folder that are outputs of other songs: stems of an
 * earlier run, written beside the songs. */
static int leave_out_stems(separate_run *r)
{
    cli_files stems = {0};
    bool good = true, found = false;
    for (size_t i = 0; i < r->songs->count; i++)
        found = found || r->songs->below[i] > 0;
    if (!found)
        return CLI_DONE;
    for (size_t i = 0; i < r->songs->count; i++)
        for (size_t k = 0; good && k < files_of_song(r); k++) {
            char *path = path_of(r, i, k);
            good = path != NULL && cli_files_add(&stems, path);
            free(path);
        }
    for (size_t i = 0; i < r->songs->count; i++)
        if (r->songs->below[i] > 0 && is_made_of_a_song(r, &stems, i))
            separate_songs_leave_out(r->songs, i);
    separate_songs_close_gaps(r->songs);
    cli_files_free(&stems);
    return good ? CLI_DONE : no_memory(r);
}

static bool add_truths(separate_run *r, size_t song)
{
    bool good = true;
    for (size_t k = 0; good && r->o->compare != NULL && k < r->plan->outputs;
         k++) {
        char *truth = separate_truth_path(r, song, r->plan->output[k].name);
        good = truth != NULL && cli_files_add(&r->inputs, truth);
        free(truth);
    }
    return good;
}

static const char *file_of(const char *song)
{
    return strcmp(song, "-") == 0 ? "/dev/stdin" : song;
}

static bool add_inputs(separate_run *r)
{
    const char *const files[] = {r->o->name, r->o->model.config,
                                 r->o->hub.registry, r->o->files_from};
    bool good = cli_add_bag_file(&r->inputs, &r->o->hub, r->o->name);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        good =
            good && (files[i] == NULL || cli_files_add(&r->inputs, files[i]));
    for (size_t i = 0; good && i < r->songs->count; i++)
        good = cli_files_add(&r->inputs, file_of(r->songs->path[i])) &&
               add_truths(r, i);
    return good;
}

/* --stdout: to a file or pipe that is open, and is not an input. */
static int check_stdout(const separate_run *r)
{
    if (r->o->to_stdout == NULL)
        return CLI_DONE;
    if (!cli_is_open_for_writing(STDOUT_FILENO))
        return cli_misuse(r->t, "separate", "standard output is closed");
    return cli_check_output(r->t, "separate", &r->inputs, "/dev/stdout");
}

/* --results is appended to: to nothing that is read, except what --resume
 * names, and to no stem or picture. */
static int check_results(const separate_run *r, const claims *c,
                         const char *path)
{
    int code = cli_check_output(r->t, "separate", &r->inputs, path);
    bool taken = cli_files_find(&c->existing, path) != NULL;
    const uint64_t hash = hash_path(path);
    for (size_t i = 0; i < c->count; i++)
        taken = taken || c->item[i].hash == hash;
    if (code == CLI_DONE && taken)
        code =
            cli_misuse(r->t, "separate",
                       "%s: is written as a stem or picture; --results needs "
                       "a file of its own",
                       path);
    return code;
}

static int check_all_results(const separate_run *r, const claims *c)
{
    if (r->o->results == NULL)
        return CLI_DONE;
    char *begun = separate_begun_name(r->o->results);
    int code =
        begun != NULL ? check_results(r, c, r->o->results) : no_memory(r);
    if (code == CLI_DONE)
        code = check_results(r, c, begun);
    free(begun);
    return code;
}

int separate_files_check(separate_run *r)
{
    claims c = {0};
    int code = leave_out_stems(r);
    if (code == CLI_DONE)
        code = separate_shard_choose(r);
    if (code == CLI_DONE && !add_inputs(r))
        code = no_memory(r);
    if (code == CLI_DONE)
        code = check_stdout(r);
    if (code == CLI_DONE) {
        c.item = calloc(r->songs->count * files_of_song(r) + 1, sizeof *c.item);
        code = c.item != NULL ? claim_names(r, &c) : no_memory(r);
    }
    if (code == CLI_DONE)
        code = refuse_pairs(r, &c);
    if (code == CLI_DONE)
        code = check_all_results(r, &c);
    free(c.item);
    cli_files_free(&c.existing);
    return code;
}
